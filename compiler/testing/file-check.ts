/** LLVM FileCheck's directives on a text: CHECK, -NEXT, -SAME, -NOT, -DAG, -LABEL, with {{regex}} and [[NAME:regex]]. */

interface Directive {
  readonly kind: 'CHECK' | 'NEXT' | 'SAME' | 'NOT' | 'DAG' | 'LABEL';
  readonly pattern: string;
  readonly line: number;
}

export const hasDirectives = (text: string): boolean => /^\s*\/\/\s*CHECK(-[A-Z]+)?:/m.test(text);

/** What does not hold, or undefined. */
export function fileCheck(directives: string, output: string): string | undefined {
  const lines = output.split('\n');
  const names = new Map<string, string>();
  let at = 0;
  let column = 0;
  let forbidden: Directive[] = [];
  for (const d of read(directives)) {
    const wrong = mistakeIn(d);
    if (wrong !== undefined) return `line ${d.line}: CHECK: ${d.pattern}: ${wrong}`;
    if (d.kind === 'NOT') {
      forbidden.push(d);
      continue;
    }
    const found = find(d, lines, at, column, names);
    if (found === undefined)
      return `line ${d.line}: CHECK${d.kind === 'CHECK' ? '' : `-${d.kind}`}: ${d.pattern}: not found ${d.kind === 'NEXT' || d.kind === 'SAME' ? `at: ${lines[d.kind === 'SAME' ? at - 1 : at] ?? 'the end'}` : `from line ${at + 1} of the output on`}`;
    const met = present(forbidden, lines.slice(at, found.line), names);
    if (met !== undefined) return met;
    forbidden = [];
    for (const [name, value] of Object.entries(found.match.groups ?? {})) names.set(name, value);
    column = found.match.index + found.match[0].length;
    if (d.kind !== 'DAG') at = found.line + 1;
  }
  return present(forbidden, lines.slice(at), names);
}

/** The regular expressions in a directive are its writer's. */
function mistakeIn({ pattern }: Directive): string | undefined {
  try {
    regexOf(pattern, new Map());
    return undefined;
  } catch (error) {
    if (!(error instanceof SyntaxError)) throw error;
    return error.message;
  }
}

function present(
  forbidden: readonly Directive[],
  lines: readonly string[],
  names: ReadonlyMap<string, string>,
): string | undefined {
  for (const d of forbidden)
    for (const line of lines)
      if (regexOf(d.pattern, names).test(line)) return `line ${d.line}: CHECK-NOT: ${d.pattern}: found: ${line.trim()}`;
  return undefined;
}

function find(d: Directive, lines: readonly string[], at: number, column: number, names: ReadonlyMap<string, string>) {
  const regex = regexOf(d.pattern, names);
  const [from, to] = d.kind === 'NEXT' ? [at, at + 1] : d.kind === 'SAME' ? [at - 1, at] : [at, lines.length];
  for (let line = Math.max(0, from); line < to; line++) {
    const text = lines[line] ?? '';
    const match = regex.exec(d.kind === 'SAME' ? ' '.repeat(column) + text.slice(column) : text);
    if (match !== null) return { line, match };
  }
  return undefined;
}

function read(text: string): Directive[] {
  return text.split('\n').flatMap((line, i): Directive[] => {
    const [, kind = 'CHECK', pattern = ''] = /^\s*\/\/\s*CHECK(?:-([A-Z]+))?:\s*(.*?)\s*$/.exec(line) ?? [
      undefined,
      '',
      '',
    ];
    return kind === '' ? [] : [{ kind: kind as Directive['kind'], pattern, line: i + 1 }];
  });
}

const escaped = (text: string): string => text.replace(/[\\^$.*+?()[\]{}|]/g, '\\$&').replace(/\s+/g, '\\s+');

function regexOf(pattern: string, names: ReadonlyMap<string, string>): RegExp {
  const parts = pattern.split(/(\{\{.*?\}\}|\[\[.*?\]\])/);
  const text = parts.map((part) => {
    if (part.startsWith('{{')) return part.slice(2, -2);
    if (!part.startsWith('[[')) return escaped(part);
    const [, name = '', regex] = /^\[\[#?(\w+)(?::(.*))?\]\]$/.exec(part) ?? [];
    return regex === undefined ? escaped(names.get(name) ?? '\0') : `(?<${name}>${regex})`;
  });
  return new RegExp(text.join(''));
}
