/** Which values a question is about: by name, by line of the program, or by line of the user's own source. */
import { userError } from '../../ir/diagnostics.ts';
import { suggestion } from '../../ir/text/problems.ts';
import { keepsCarry, mainFunction, type Module, type Origin, type ValueId, walkOps } from '../../ir/program.ts';
import type { Compiled } from '../compile.ts';
import { written } from './places.ts';

/**
 * `%13` or `13` as a name; `params['w']` as JAX names an argument; `:42` or `FILE:42` as a line, of the program or of the
 * Python file in its locations.
 */
export function findValues(compiled: Compiled, question: string): ValueId[] {
  const { values } = mainFunction(compiled.propagated ?? compiled.module);
  const name = question.replace(/^%/, '');
  const named = values.flatMap((v, id) => (v.name === name || v.origin?.label === question ? [id as ValueId] : []));
  if (named.length > 0) return named;
  const carried = carriedAs(compiled.source).get(name);
  if (carried !== undefined) return findValues(compiled, carried);
  const line = /^(.*):(\d+)$/.exec(question);
  if (line !== null) return atLine(compiled, line[1] as string, Number(line[2]));
  const names = [...new Set(values.flatMap((v) => (v.name === undefined ? [] : [v.name])))];
  const near = suggestion(name, names);
  throw userError('SH0703', `there is no value %${name}`, {
    expected: 'a name as it stands in the file, or a line: :42, model.py:42',
    help: near ?? `for example %${names[0] ?? 'arg0'}`,
  });
}

/** What a loop only reads is read from outside (loop-invariants): its names inside and after the loop → that outside. */
function carriedAs({ functions }: Module): Map<string, string> {
  const found = new Map<string, string>();
  for (const { body: all, values } of functions) {
    const nameOf = (v: ValueId | undefined): string | undefined => (v === undefined ? undefined : values[v]?.name);
    for (const loop of walkOps(all)) {
      if (loop.kind !== 'while') continue;
      const [cond, body] = loop.regions;
      loop.operands.forEach((v, i) => {
        const outside = nameOf(v);
        if (outside === undefined || !keepsCarry(loop, i)) return;
        for (const inside of [cond?.params[i], body?.params[i], loop.results[i]].map(nameOf))
          if (inside !== undefined && inside !== outside) found.set(inside, found.get(outside) ?? outside);
      });
    }
  }
  for (const name of found.values()) found.delete(name);
  return found;
}

function atLine(compiled: Compiled, file: string, line: number): ValueId[] {
  const { source } = compiled.source;
  const { values } = mainFunction(compiled.propagated ?? compiled.module);
  const starts = source === undefined ? undefined : lineSpan(source.text, line);
  const here = (origin: Origin | undefined): boolean => {
    const at = written(origin);
    if (at?.user !== undefined && at.user.line === line && sameFile(at.user.file, file)) return true;
    const inText = file === '' || (source !== undefined && sameFile(source.file, file));
    return (
      inText &&
      at?.span !== undefined &&
      starts !== undefined &&
      at.span.start >= starts[0] &&
      at.span.start < starts[1]
    );
  };
  const found = values.flatMap((v, id) => (here(v.origin) ? [id as ValueId] : []));
  if (found.length === 0)
    throw userError('SH0703', `nothing is computed at ${file === '' ? 'line ' : `${file}:`}${line}`, {
      expected: 'a line of the program, or of the Python file that its locations name',
      help: 'lower with as_text(debug_info=True) to have Python lines',
    });
  return found;
}

/** `model.py` asks for `/home/me/model.py` too. */
const sameFile = (known: string, asked: string): boolean =>
  asked === '' || known === asked || known.endsWith(`/${asked}`);

function lineSpan(text: string, line: number): [number, number] | undefined {
  let start = 0;
  for (let n = 1; n < line; n++) {
    const next = text.indexOf('\n', start);
    if (next < 0) return undefined;
    start = next + 1;
  }
  const end = text.indexOf('\n', start);
  return [start, end < 0 ? text.length : end];
}
