/**
 * The basic strategy: each factor on its own, and only axes that every tensor of the op can take (Shardy,
 * basic_factor_propagation.cc). The aggressive strategy builds on the same steps.
 *
 *   add  {x, ?} , {x, y}? → {?, ?}     gives    {x, y?} , {x, y}? → {x?, y?}
 */
import { beginsAxis, gcd, listContains, prefixStatus, prefixWithoutOverlap } from '../../ir/axes.ts';
import { type AxisRef, sameAxis } from '../../ir/mesh.ts';
import type { FactorSharding, Projection, TensorProjection } from './projection.ts';
import { along, BACKWARD, BOTH, type Direction, NONE, type Strategy } from './strategy.ts';

export const basic: Strategy = (rule, projection, directions, ends) => {
  const tensors = [...projection.operands, ...projection.results];
  const changed = tensors.map(() => false);
  rule.factors.forEach(({ size }, f) => {
    const compatible = compatibleMajorAxes(projection, f, along(directions, f));
    const axes = truncate(compatible, (axis, sharded) => fitsAll(tensors, f, axis, sharded, size), ends);
    tensors.forEach((tensor, t) => {
      if (expand(tensor, f, axes)) changed[t] = true;
    });
  });
  return changed.includes(true) ? changed : null;
};

/** Takes longer axes over; true if they extend what the tensor has. */
export function expand(tensor: TensorProjection, f: number, axes: readonly AxisRef[]): boolean {
  const held = tensor.factors[f];
  if (held === undefined || prefixStatus(held.axes, axes) !== 'strict') return false;
  held.axes = axes;
  return true;
}

/**
 * The longest list of axes that all tensors with the factor agree on: a list may extend another, a disagreement ends it.
 * Forward, only operands may extend it and results only cut it short; backward the reverse.
 */
export function compatibleMajorAxes(
  { operands, results }: Projection,
  f: number,
  direction: Direction,
): readonly AxisRef[] {
  if (direction === NONE) return [];
  const [first, second] = direction === BACKWARD ? [results, operands] : [operands, results];
  let agreed: Agreed = { axes: [], grows: true };
  for (const tensor of first) agreed = agree(agreed, tensor.factors[f]?.axes);
  if (direction !== BOTH) agreed = { axes: agreed.axes, grows: false };
  for (const tensor of second) agreed = agree(agreed, tensor.factors[f]?.axes);
  return agreed.axes;
}

interface Agreed {
  readonly axes: readonly AxisRef[];
  /** No disagreement so far, and the direction lets the list grow. */
  readonly grows: boolean;
}

/**
 * [a] with [a, b] → [a, b];  [a, b] with [a, c] → [a], ended;  [a:(1)2] with [a:(1)4] → [a:(1)4];
 * [a:(1)2, b] with [a:(1)4, b] → [a:(1)2], ended. Where the list may not grow it stays at most what it was.
 */
function agree(so: Agreed, more: readonly AxisRef[] | undefined): Agreed {
  if (more === undefined || more === so.axes) return so;
  const common: AxisRef[] = [];
  const shorter = Math.min(so.axes.length, more.length);
  for (let i = 0; i < shorter; i++) {
    const [old, axis] = [so.axes[i] as AxisRef, more[i] as AxisRef];
    if (sameAxis(old, axis)) {
      common.push(axis);
      continue;
    }
    const [oldEnds, newEnds] = [i === so.axes.length - 1, i === more.length - 1];
    if (beginsAxis(axis, old)) {
      common.push(newEnds ? old : axis);
      if (!newEnds) return { axes: common, grows: false };
    } else if (beginsAxis(old, axis)) {
      const extends_ = so.grows && oldEnds;
      common.push(extends_ ? axis : old);
      if (!extends_) return { axes: common, grows: false };
    } else return { axes: common, grows: false };
  }
  common.push(...so.axes.slice(shorter));
  if (so.grows) common.push(...more.slice(shorter));
  return { axes: common, grows: so.grows };
}

/**
 * Cuts the list where an axis does not fit whole; `fitOf` gives the prefix of it that does, or null. It is told into how
 * many shards the axes before split the factor.
 */
export function truncate(
  axes: readonly AxisRef[],
  fitOf: (axis: AxisRef, sharded: number) => AxisRef | null,
  ends?: (axis: AxisRef) => boolean,
): readonly AxisRef[] {
  let sharded = 1;
  for (let i = 0; i < axes.length; i++) {
    const axis = axes[i] as AxisRef;
    const fitting = fitOf(axis, sharded);
    if (fitting === null || ends?.(fitting) === true) return axes.slice(0, i);
    if (!sameAxis(fitting, axis)) return [...axes.slice(0, i), fitting];
    sharded *= axis.size;
  }
  return axes;
}

/** The prefix of an axis that shards no other factor of the tensor. */
export function freeOfOtherFactors(axis: AxisRef, tensor: TensorProjection, f: number): AxisRef | null {
  let found: AxisRef | null = axis;
  for (let g = 0; g < tensor.factors.length && found !== null; g++) {
    const other = tensor.factors[g];
    if (other === undefined || g === f) continue;
    if (other.overflow.length > 0) found = prefixWithoutOverlap(found, other.overflow);
    if (found !== null && other.axes.length > 0) found = prefixWithoutOverlap(found, other.axes);
  }
  return found;
}

/**
 * The prefix of an axis that the tensor has on the factor already, or may add to it: not replicated or unreduced, the
 * factor open and without overflow, and dividing what is left of it unless the factor is minor-most.
 */
export function fitsFactor(
  axis: AxisRef,
  tensor: TensorProjection,
  held: FactorSharding,
  sharded: number,
  size: number,
): AxisRef | null {
  let found = tensor.replicated.length === 0 ? axis : prefixWithoutOverlap(axis, tensor.replicated);
  if (found !== null && tensor.unreduced.length > 0) found = prefixWithoutOverlap(found, tensor.unreduced);
  if (found === null || listContains(held.axes, found)) return found;
  if (!held.closed && held.overflow.length === 0) {
    if (held.minorMost) return found;
    const common = size % sharded === 0 ? gcd(size / sharded, found.size) : 1;
    if (common === found.size) return found;
    if (common !== 1) return { name: found.name, pre: found.pre, size: common };
  }
  const last = held.axes.at(-1);
  return last !== undefined && beginsAxis(last, found) ? last : null;
}

function fitsAll(
  tensors: readonly TensorProjection[],
  f: number,
  axis: AxisRef,
  sharded: number,
  size: number,
): AxisRef | null {
  let found: AxisRef | null = axis;
  for (const tensor of tensors) {
    found = freeOfOtherFactors(found, tensor, f);
    const held = tensor.factors[f];
    if (found !== null && held !== undefined) found = fitsFactor(found, tensor, held, sharded, size);
    if (found === null) return null;
  }
  return found;
}
