/** The way of one axis back to where it was written, one step a line. */
import { overlaps, type AxisRef } from '../../ir/mesh.ts';
import { mainFunction, type ValueId, valueInfo } from '../../ir/program.ts';
import type { Cause } from '../../passes/propagate/propagate.ts';
import type { Compiled } from '../compile.ts';
import { place } from './places.ts';

/** Longer ways are cut: a hundred layers say the same a hundred times. */
const MAX_STEPS = 64;

export const chainOf = (compiled: Compiled, start: ValueId, axis: AxisRef): string[] =>
  stepsBack(compiled, start, axis).map((step) => stepText(compiled, step));

/** The annotation at the end of the way, on one line. */
export function sourceOf(compiled: Compiled, id: ValueId, axis: AxisRef): string {
  const steps = stepsBack(compiled, id, axis);
  const last = steps.at(-1);
  if (last === undefined) return 'no cause noted';
  const text = stepText(compiled, last);
  return steps.length > 1 ? `${text}, ${steps.length - 1} ${steps.length === 2 ? 'step' : 'steps'} away` : text;
}

/** A value, and why it has the axis. */
interface Step {
  readonly id: ValueId;
  readonly cause: Cause;
}

function stepsBack(compiled: Compiled, start: ValueId, axis: AxisRef): Step[] {
  const steps: Step[] = [];
  const seen = new Set<ValueId>();
  for (let id: ValueId | undefined = start; id !== undefined && steps.length < MAX_STEPS; ) {
    seen.add(id);
    const cause: Cause | undefined = causesOf(compiled, id, axis).find(
      (c) => c.from === undefined || !seen.has(c.from),
    );
    if (cause === undefined) break;
    steps.push({ id, cause });
    id = cause.op === undefined ? undefined : cause.from;
  }
  return steps;
}

function stepText(compiled: Compiled, { id, cause }: Step): string {
  const func = mainFunction(compiled.propagated ?? compiled.module);
  const source = compiled.source.source;
  const label = nameOf(compiled, id);
  if (cause.op === undefined) return `annotated: ${label}${place(valueInfo(func, id).origin, source)}`;
  const from = cause.from === undefined ? '' : ` from ${nameOf(compiled, cause.from)}`;
  return `${label}: through ${cause.op.kind}${from}${place(cause.op.origin, source)}`;
}

/** Of what a value has of an axis, dim by dim. */
const causesOf = (compiled: Compiled, id: ValueId, axis: AxisRef): readonly Cause[] =>
  (compiled.causes.get(id) ?? []).filter((c) => overlaps(c.axis, axis));

export const causeOf = (compiled: Compiled, id: ValueId, axis: AxisRef): Cause | undefined =>
  causesOf(compiled, id, axis)[0];

export function nameOf(compiled: Compiled, id: ValueId): string {
  const func = mainFunction(compiled.propagated ?? compiled.module);
  const info = func.values[id];
  return `%${info?.name ?? id}${info?.origin?.label === undefined ? '' : ` ${info.origin.label}`}`;
}
