/** Builds our command table from COMMAND of a live server and the treatments we annotate. */
export function buildTable(commands, treatments) {
  const treatmentOf = new Map();
  for (const [treatment, names] of Object.entries(treatments)) {
    if (treatment === 'notes') continue;
    for (const name of names) treatmentOf.set(name, treatment);
  }

  const entries = [];
  const add = ([name, arity, flags, , , , , , keySpecs, subcommands]) => {
    const entry = { name, arity, flags: [...flags].sort().join(' ') };
    if (keySpecs.length > 0) entry.keys = keySpecs.map(keySpec);
    entry.treatment = treatmentOf.get(name) ?? treatmentByFlags(flags);
    treatmentOf.delete(name);
    if (treatments.notes[name] !== undefined) entry.note = treatments.notes[name];
    entries.push(entry);
    for (const subcommand of subcommands) add(subcommand);
  };
  for (const command of commands) add(command);
  if (treatmentOf.size > 0) throw new Error(`no such command: ${[...treatmentOf.keys()]}`);
  for (const name of Object.keys(treatments.notes)) {
    if (!entries.some((entry) => entry.name === name))
      throw new Error(`note on no command: ${name}`);
  }

  entries.sort((a, b) => (a.name < b.name ? -1 : 1));
  return `[\n${entries.map((entry) => `  ${JSON.stringify(entry)}`).join(',\n')}\n]\n`;
}

// What is neither a write nor a read has effects that flags do not tell: refused unless annotated.
function treatmentByFlags(flags) {
  if (flags.includes('write')) return 'write';
  return flags.includes('readonly') ? 'read' : 'refused';
}

/** [begin, ...find]: where the keys begin, then how to walk them, as COMMAND's key specs say. */
function keySpec({ begin_search: begin, find_keys: find }) {
  if (begin.type === 'unknown' || find.type === 'unknown') return ['unknown'];
  const where =
    begin.type === 'index' ? begin.spec.index : [begin.spec.keyword, begin.spec.startfrom];
  if (find.type === 'range') {
    return ['range', where, find.spec.lastkey, find.spec.keystep, find.spec.limit];
  }
  return ['count', where, find.spec.keynumidx, find.spec.firstkey, find.spec.keystep];
}
