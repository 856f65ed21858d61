/** Cotangents as they come together, by value; in a shardMap body with the sums over devices that are still owed. */
import { Formula } from '../../../ir/gradient.ts';
import { axesSize } from '../../../ir/mesh.ts';
import type { ValueId } from '../../../ir/program.ts';
import type { TypedBuilder } from '../../../ir/typed-build.ts';
import { type Axes, NONE, type Variation, without } from './variation.ts';

/** A cotangent, of which every device along the owed axes holds a part. */
export interface Owing {
  readonly value: ValueId;
  readonly owed: Axes;
}

export class Cotangents {
  private readonly b: TypedBuilder;
  private readonly variation: Variation | undefined;
  private readonly found = new Map<ValueId, Owing>();

  constructor(b: TypedBuilder, variation: Variation | undefined) {
    this.b = b;
    this.variation = variation;
  }

  add(of: ValueId, value: ValueId, owed: Axes = NONE): void {
    const before = this.found.get(of);
    if (before === undefined) this.found.set(of, { value, owed });
    else if (sameAxes(before.owed, owed)) this.found.set(of, { value: this.sum(before.value, value), owed });
    else this.found.set(of, { value: this.sum(this.paid(before), this.paid({ value, owed })), owed: NONE });
  }

  /** With its sums taken: one collective, however many uses the value has. */
  get(of: ValueId): ValueId | undefined {
    const found = this.found.get(of);
    if (found === undefined) return undefined;
    const value = this.paid(found);
    this.found.set(of, { value, owed: NONE });
    return value;
  }

  /** As it is: a loop adds up what its turns owe, and the sum over devices is taken once, after it. */
  owing(of: ValueId): Owing | undefined {
    return this.found.get(of);
  }

  private sum(x: ValueId, y: ValueId): ValueId {
    return new Formula(this.b).add(x, y);
  }

  private paid({ value, owed }: Owing): ValueId {
    if (owed.length === 0 || this.variation === undefined) return value;
    const { b } = this;
    const attrs = { mesh: this.variation.mesh, axes: owed, monoid: 'sum' };
    return b.op('all_reduce', [value], [b.typeOf(value)], b.origin, attrs)[0] as ValueId;
  }
}

export const sameAxes = (a: Axes, b: Axes): boolean => a.length === b.length && without(a, b).length === 0;

/** The equal part of each device along these axes, where the whole is on all. */
export function shareOf(b: TypedBuilder, value: ValueId, axes: Axes): ValueId {
  return axes.length === 0 ? value : new Formula(b).mul(value, { value: 1 / axesSize(axes) });
}
