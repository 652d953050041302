import { readFileSync } from 'node:fs';
import type { Environment } from '../../environment.ts';
import type { Chart, Check, Section, Table } from '../part.ts';

/** What the page is made of besides the sections. */
export interface PageHead {
  readonly environment: Environment;
  readonly when: Date;
  readonly quick: boolean;
}

/** One HTML page that needs nothing else: styles, script and data are in it. */
export function page(head: PageHead, sections: readonly Section[]): string {
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>Mu: benchmark report</title>
<style>${asset('./report-uplot.css')}</style>
<style>${STYLE}</style>
</head>
<body>
<header>
<h1>Mu for TypeScript: benchmark report</h1>
${facts(head)}
</header>
<main>
${summary(sections)}
${sections.map(section).join('\n')}
</main>
<script>${asset('./report-page.global.js').replaceAll('</script', '<\\/script')}</script>
</body>
</html>
`;
}

/** A file that was built beside us. */
function asset(path: string): string {
  return readFileSync(new URL(path, import.meta.url), 'utf8');
}

function facts({ environment, when, quick }: PageHead): string {
  const { cpu, cpus, node, provider, commit } = environment;
  const lines = [
    `${cpus} × ${cpu}, Node ${node}, commit ${commit}, ${when.toISOString().slice(0, 16).replace('T', ' ')} UTC.`,
    `Provider ${provider}: shared memory of one machine. None of these is a figure of an RDMA network.`,
    ...(quick ? ['A quick run: it shows that everything works; its figures mean little.'] : []),
  ];
  return lines.map((line) => `<p>${escape(line)}</p>`).join('\n');
}

function summary(sections: readonly Section[]): string {
  const checks = sections.flatMap((one) => one.checks);
  return `<section>
<h2>Goals</h2>
${table(
  ['figure', 'measured', 'limit in the same run', 'goal', ''],
  checks.map(({ what, measured, limit, goal, met }) => [what, measured, limit, goal, verdict(met)]),
)}
</section>`;
}

function verdict(met: Check['met']): string {
  return met ? '✓ met' : '✗ missed';
}

function section({ title, text, charts, tables }: Section): string {
  return `<section>
<h2>${escape(title)}</h2>
${text.map((line) => `<p>${escape(line)}</p>`).join('\n')}
<div class="charts">
${charts.map(chart).join('\n')}
</div>
${tables.map(({ head, rows }: Table) => table(head, rows)).join('\n')}
</section>`;
}

function chart(one: Chart): string {
  // Inside a script element only its own end could be taken for markup.
  const json = JSON.stringify(one).replaceAll('<', '\\u003c');
  return `<div class="chart"><script type="application/json">${json}</script></div>`;
}

function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const cells = (row: readonly string[], tag: string): string =>
    `<tr>${row.map((cell) => `<${tag}>${escape(cell)}</${tag}>`).join('')}</tr>`;
  return `<div class="table"><table>
<thead>${cells(head, 'th')}</thead>
<tbody>
${rows.map((row) => cells(row, 'td')).join('\n')}
</tbody>
</table></div>`;
}

function escape(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;');
}

const STYLE = `
:root { color-scheme: light; }
body { font: 15px/1.5 system-ui, 'DejaVu Sans', sans-serif; color: #1f2328; background: #fff; margin: 0 auto; max-width: 1280px; padding: 24px; }
h1 { font-size: 26px; margin: 0 0 8px; }
h2 { font-size: 20px; margin: 36px 0 8px; border-bottom: 1px solid #d0d7de; padding-bottom: 4px; }
p { margin: 6px 0; max-width: 95ch; }
header p { color: #57606a; }
.charts { display: grid; grid-template-columns: repeat(auto-fit, minmax(min(560px, 100%), 1fr)); gap: 20px; margin: 16px 0; }
.chart { min-width: 0; border: 1px solid #d0d7de; border-radius: 6px; padding: 8px; }
.table { overflow-x: auto; margin: 12px 0; }
table { border-collapse: collapse; font-variant-numeric: tabular-nums; font-size: 13px; }
.table th, .table td { border-bottom: 1px solid #d0d7de; padding: 3px 12px 3px 0; text-align: left; vertical-align: top; }
.u-title { font-size: 15px; }
.u-legend { font-size: 12px; }
`;
