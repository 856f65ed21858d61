/** Why a value has its layout: back, axis by axis, to the annotation it came from. */
import { position, userError } from '../ir/diagnostics.ts';
import { layoutText } from '../ir/layout.ts';
import { axisText } from '../ir/mesh.ts';
import {
  isCollective,
  mainFunction,
  meshOf,
  type Op,
  type Origin,
  type SourceText,
  type ValueId,
  valueInfo,
  walkOps,
} from '../ir/program.ts';
import { typeText } from '../ir/types.ts';
import type { Cause } from '../passes/propagate/propagate.ts';
import { collectiveAxes, collectiveBytes } from '../runtime-sim/cost/collective-bytes.ts';
import type { Compiled } from './compile.ts';
import { strategyOf } from './explain-strategy.ts';
import { bytesText } from './units.ts';

/** `name` is the value's name in the source, with or without %. */
export function explainValue(compiled: Compiled, name: string): string {
  const propagated = compiled.propagated;
  if (propagated === undefined) throw userError('SH0702', 'the program was not propagated');
  const func = mainFunction(propagated);
  const wanted = name.replace(/^%/, '');
  const ids = func.values.flatMap((v, id) => (v.name === wanted ? [id as ValueId] : []));
  if (ids.length === 0)
    throw userError('SH0703', `there is no value %${wanted}`, {
      expected: 'a name as it stands in the file',
      help: `for example %${func.values.find((v) => v.name !== undefined)?.name ?? 'arg0'}`,
    });
  return ids
    .slice(0, 4)
    .map((id) => explainOne(compiled, id))
    .join('\n\n');
}

function explainOne(compiled: Compiled, id: ValueId): string {
  const func = mainFunction(compiled.propagated ?? compiled.module);
  const { type, layout, origin, name } = valueInfo(func, id);
  const mesh = layout === undefined ? undefined : meshOf(compiled.module, layout.mesh);
  const head = `%${name ?? id} : ${typeText(type)}${layout === undefined || mesh === undefined ? '' : ` @${layoutText(mesh, layout)}`}${place(origin, compiled.source.source)}`;
  const lines = [head];
  for (const cause of compiled.causes.get(id) ?? []) {
    lines.push(`  ${mesh === undefined ? cause.axis.name : axisText(mesh, cause.axis)} on dim ${cause.dim}`);
    lines.push(...chain(compiled, id, cause.axis.name).map((l) => `    ${l}`));
  }
  if (lines.length === 1) lines.push('  replicated: no annotation reaches it');
  lines.push(...strategyOf(compiled, name, origin?.span).map((l) => `  ${l}`));
  lines.push(...movesOf(compiled, name, origin).map((l) => `  ${l}`));
  return lines.join('\n');
}

/** The collectives that move the value, each with its bytes and the op that wanted it so. */
function movesOf(compiled: Compiled, name: string | undefined, origin: Origin | undefined): string[] {
  const { module } = compiled;
  if (module.level !== 'local' || name === undefined) return [];
  const func = mainFunction(module);
  const makers = new Map<ValueId, Op>();
  const moves: string[] = [];
  for (const op of walkOps(func.body)) {
    if (!isCollective(op)) continue;
    for (const r of op.results) makers.set(r, op);
    const root = rootOf(makers, op.operands[0] as ValueId);
    const info = valueInfo(func, root);
    if (info.name !== name || info.origin?.span?.start !== origin?.span?.start) continue;
    const { kind, bytes } = collectiveBytes(op, func, module.meshes);
    if (bytes === 0) continue;
    const axes = collectiveAxes(op)
      .map((a) => a.name)
      .join(', ');
    moves.push(
      `moves: ${kind}${axes === '' ? '' : ` over ${axes}`}, ${bytesText(bytes)} per device: ${op.origin.reason ?? 'no reason noted'}${place(written(op.origin), compiled.source.source)}`,
    );
  }
  return moves;
}

/** The place in the source that a compiler-made op goes back to. */
function written(origin: Origin): Origin | undefined {
  let at: Origin | undefined = origin;
  while (at !== undefined && at.span === undefined && at.user === undefined) at = at.from?.[0];
  return at;
}

/** Back through the collectives that moved it before. */
function rootOf(makers: ReadonlyMap<ValueId, Op>, id: ValueId): ValueId {
  let at = id;
  for (let maker = makers.get(at); maker !== undefined; maker = makers.get(at)) at = maker.operands[0] as ValueId;
  return at;
}

/** From the value to the annotation, one step a line. */
function chain(compiled: Compiled, start: ValueId, axis: string): string[] {
  const func = mainFunction(compiled.propagated ?? compiled.module);
  const source = compiled.source.source;
  const lines: string[] = [];
  const seen = new Set<ValueId>();
  for (let id: ValueId | undefined = start; id !== undefined && !seen.has(id) && lines.length < 64; ) {
    seen.add(id);
    const cause: Cause | undefined = (compiled.causes.get(id) ?? []).find((c) => c.axis.name === axis);
    const label = `%${valueInfo(func, id).name ?? id}`;
    if (cause === undefined) break;
    if (cause.op === undefined) {
      lines.push(`annotated: ${label}${place(valueInfo(func, id).origin, source)}`);
      break;
    }
    const from: string = cause.from === undefined ? '' : ` from %${valueInfo(func, cause.from).name ?? cause.from}`;
    lines.push(`${label}: through ${opText(cause.op)}${from}${place(cause.op.origin, source)}`);
    id = cause.from;
  }
  return lines;
}

const opText = (op: Pick<Op, 'kind'>): string => op.kind;

function place(origin: Origin | undefined, source: SourceText | undefined): string {
  if (origin?.user !== undefined) return `  (${origin.user.file}:${origin.user.line})`;
  if (origin?.span === undefined || source === undefined) return '';
  return `  (${source.file}:${position(source.text, origin.span.start).line})`;
}
