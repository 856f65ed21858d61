/** What the propagation strategies share: directions, and the interface the driver calls. */
import type { FactorRule } from '../../ir/factors.ts';
import type { AxisRef } from '../../ir/mesh.ts';
import type { Projection } from './projection.ts';

/** Bits, so that union is `|` and intersection `&`. */
export const NONE = 0;
export const FORWARD = 1;
export const BACKWARD = 2;
export const BOTH = 3;
export type Direction = typeof NONE | typeof FORWARD | typeof BACKWARD | typeof BOTH;

export const union = (a: Direction, b: Direction): Direction => (a | b) as Direction;
export const intersection = (a: Direction, b: Direction): Direction => (a & b) as Direction;

/** One for every factor, or one each. */
export type Directions = Direction | readonly Direction[];

export const along = (directions: Directions, factor: number): Direction =>
  typeof directions === 'number' ? directions : (directions[factor] ?? NONE);

/**
 * Expands the axes of an op's factors in place and says which tensors grew (operands first, then results); null = none.
 */
export type Strategy = (
  rule: FactorRule,
  projection: Projection,
  directions: Directions,
  /** Axes at which a list ends: sub-axes, in conservative propagation. */
  ends?: (axis: AxisRef) => boolean,
) => readonly boolean[] | null;
