// Node's test events as the lines that results.mjs reads: one a test, with the titles of its suites.
import { inspect } from 'node:util';

export default async function* report(events) {
  const titles = [];
  for await (const { type, data } of events) {
    if (type === 'test:start') titles.length = data.nesting;
    if (type === 'test:start') titles[data.nesting] = data.name;
    if (type !== 'test:pass' && type !== 'test:fail') continue;
    const failed = type === 'test:fail';
    // A suite is what its tests are; only a failure of its own is told.
    const suite = data.details.type === 'suite';
    if (suite && !(failed && data.details.error?.failureType !== 'subtestsFailed')) continue;
    const skipped = data.skip !== undefined || data.todo !== undefined;
    const outcome = failed ? 'fail' : skipped ? 'skip' : 'pass';
    const title = [...titles.slice(0, data.nesting), data.name].join(' › ').replaceAll('\n', ' ');
    yield `RESULT ${outcome} ${Math.round(data.details.duration_ms)} ${title}\n`;
    const { error } = data.details;
    if (failed) yield `${inspect(error?.cause ?? error, { depth: 4 }).slice(0, 3000)}\n`;
  }
}
