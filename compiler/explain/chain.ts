/** The way of one axis back to where it was written, one step a line. */
import { overlaps, type AxisRef } from '../../ir/mesh.ts';
import { mainFunction, type ValueId, valueInfo } from '../../ir/program.ts';
import type { Cause } from '../../passes/propagate/propagate.ts';
import type { Compiled } from '../compile.ts';
import { place } from './places.ts';

/** Longer ways are cut: a hundred layers say the same a hundred times. */
const MAX_STEPS = 64;

export function chainOf(compiled: Compiled, start: ValueId, axis: AxisRef): string[] {
  const func = mainFunction(compiled.propagated ?? compiled.module);
  const source = compiled.source.source;
  const lines: string[] = [];
  const seen = new Set<ValueId>();
  for (let id: ValueId | undefined = start; id !== undefined && !seen.has(id) && lines.length < MAX_STEPS; ) {
    seen.add(id);
    const cause = causeOf(compiled, id, axis);
    const label = nameOf(compiled, id);
    if (cause === undefined) break;
    if (cause.op === undefined) {
      lines.push(`annotated: ${label}${place(valueInfo(func, id).origin, source)}`);
      break;
    }
    const from: string = cause.from === undefined ? '' : ` from ${nameOf(compiled, cause.from)}`;
    lines.push(`${label}: through ${cause.op.kind}${from}${place(cause.op.origin, source)}`);
    id = cause.from;
  }
  return lines;
}

/** The annotation at the end of the way, on one line. */
export function sourceOf(compiled: Compiled, id: ValueId, axis: AxisRef): string {
  const chain = chainOf(compiled, id, axis);
  const last = chain.at(-1);
  if (last === undefined) return 'no cause noted';
  return chain.length > 1 ? `${last}, ${chain.length - 1} ${chain.length === 2 ? 'step' : 'steps'} away` : last;
}

export const causeOf = (compiled: Compiled, id: ValueId, axis: AxisRef): Cause | undefined =>
  (compiled.causes.get(id) ?? []).find((c) => overlaps(c.axis, axis));

export function nameOf(compiled: Compiled, id: ValueId): string {
  const func = mainFunction(compiled.propagated ?? compiled.module);
  const info = func.values[id];
  return `%${info?.name ?? id}${info?.origin?.label === undefined ? '' : ` ${info.origin.label}`}`;
}
