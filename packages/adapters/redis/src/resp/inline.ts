/** Splits an inline command as Redis's `sdssplitargs`; `undefined` for unbalanced quotes. */
export function splitInline(line: Buffer): Buffer[] | undefined {
  const zero = line.indexOf(0);
  const text = (zero < 0 ? line : line.subarray(0, zero)).toString('latin1');
  const args: Buffer[] = [];
  let position = 0;
  for (;;) {
    while (isSpace(text[position])) position++;
    if (position >= text.length) return args;
    const arg = readArgument(text, position);
    if (arg === undefined) return undefined;
    args.push(Buffer.from(arg.value, 'latin1'));
    position = arg.end;
  }
}

function readArgument(text: string, start: number): { value: string; end: number } | undefined {
  let value = '';
  let position = start;
  while (position < text.length && !isSpace(text[position])) {
    const character = text[position];
    if (character !== '"' && character !== "'") {
      value += character;
      position++;
      continue;
    }
    const quoted =
      character === '"' ? readDouble(text, position + 1) : readSingle(text, position + 1);
    if (quoted === undefined) return undefined;
    value += quoted.value;
    // A closing quote ends the argument: a space must follow, or nothing.
    if (quoted.end < text.length && !isSpace(text[quoted.end])) return undefined;
    return { value, end: quoted.end };
  }
  return { value, end: position };
}

function readDouble(text: string, start: number): { value: string; end: number } | undefined {
  let value = '';
  for (let position = start; position < text.length; position++) {
    const character = text[position];
    if (character === '"') return { value, end: position + 1 };
    if (character !== '\\' || position + 1 >= text.length) {
      value += character;
      continue;
    }
    const hex = /^x([0-9a-fA-F]{2})/.exec(text.slice(position + 1, position + 4));
    if (hex !== null) {
      value += String.fromCharCode(parseInt(hex[1], 16));
      position += 3;
      continue;
    }
    position++;
    value += ESCAPES[text[position]] ?? text[position];
  }
  return undefined;
}

function readSingle(text: string, start: number): { value: string; end: number } | undefined {
  let value = '';
  for (let position = start; position < text.length; position++) {
    if (text.startsWith("\\'", position)) {
      value += "'";
      position++;
    } else if (text[position] === "'") return { value, end: position + 1 };
    else value += text[position];
  }
  return undefined;
}

const ESCAPES: Readonly<Record<string, string>> = { n: '\n', r: '\r', t: '\t', b: '\b', a: '\x07' };

function isSpace(character: string | undefined): boolean {
  return character !== undefined && ' \n\r\t\v\f'.includes(character);
}
