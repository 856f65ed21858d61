/** Why each value has each axis: what `explain` tells (Shardy: debugging/source_sharding.cc). */
import { factorName } from '../../ir/factors.ts';
import type { Layout } from '../../ir/layout.ts';
import { type AxisRef, overlaps, sameAxis } from '../../ir/mesh.ts';
import type { Op, ValueId } from '../../ir/program.ts';
import type { Node } from './graph.ts';
import type { Projection } from './projection.ts';

/** What is told of the op that brought an axis. */
export type CauseOp = Pick<Op, 'kind' | 'origin'>;

/** An annotation (no op), or an op that brought the axis from another value. */
export interface Cause {
  readonly dim: number;
  readonly axis: AxisRef;
  readonly op?: CauseOp;
  readonly from?: ValueId | undefined;
  /** The factor of the op's rule that it came along, as the rule prints it. */
  readonly factor?: string;
  /** Operand to result, result to operand, or from one operand (or result) to another. */
  readonly direction?: 'forward' | 'backward' | 'sideways';
  /** Round of op priority, 0…4. */
  readonly round?: number;
  /** User priority, when not 0. */
  readonly priority?: number;
  /** Of all causes noted, this was the n-th. */
  readonly order?: number;
}

export class CauseLog {
  readonly causes = new Map<ValueId, Cause[]>();
  round = 0;
  priority = 0;
  private count = 0;

  /** Axes that a value has because the user (or a constraint, or its sharding group) says so. */
  annotated(id: ValueId, before: Layout | undefined, after: Layout | undefined, op?: CauseOp, from?: ValueId): void {
    for (const grown of growth(before, after)) {
      const asked = after?.dims[grown.dim]?.priority ?? 0;
      this.note(id, {
        ...grown,
        ...(asked > 0 ? { priority: asked } : {}),
        ...(op === undefined ? {} : { op }),
        ...(from === undefined ? {} : { from }),
        ...this.when(op !== undefined),
      });
    }
  }

  /** Axes that tensor `t` of the node (operands first) has just got. */
  propagated(
    id: ValueId,
    before: Layout | undefined,
    after: Layout,
    node: Node,
    projection: Projection,
    t: number,
    slotOf: (value: ValueId) => ValueId,
  ): void {
    const grown = growth(before, after);
    if (grown.length === 0) return;
    const tensors = [...projection.operands, ...projection.results];
    const values = [...node.operands, ...node.results];
    const since = (i: number, axis: AxisRef): number => this.since(slotOf(values[i] as ValueId), axis);
    const isResult = (i: number): boolean => i >= node.operands.length;
    for (const { dim, axis } of grown) {
      const factor = tensors[t]?.dims[dim]?.find((f) => tensors[t]?.factors[f]?.axes.some((a) => overlaps(a, axis)));
      const has = (i: number): boolean =>
        i !== t && factor !== undefined && tensors[i]?.factors[factor]?.axes.some((a) => overlaps(a, axis)) === true;
      // In one step several tensors get the axis: from who had it first.
      const source = tensors.reduce((first, _, i) => {
        if (!has(i)) return first;
        return first < 0 || since(i, axis) < since(first, axis) ? i : first;
      }, -1);
      const direction =
        source < 0 || isResult(source) === isResult(t) ? 'sideways' : isResult(t) ? 'forward' : 'backward';
      const from = values[source];
      this.note(id, {
        dim,
        axis,
        op: node.op,
        direction,
        ...this.when(true),
        ...(factor === undefined ? {} : { factor: factorName(factor) }),
        ...(from === undefined ? {} : { from }),
      });
    }
  }

  /** What ops are told as. */
  rename(told: (op: CauseOp) => CauseOp): void {
    for (const list of this.causes.values())
      list.forEach((c, i) => {
        if (c.op !== undefined) list[i] = { ...c, op: told(c.op) };
      });
  }

  /** When the slot got the axis. */
  private since(slot: ValueId, axis: AxisRef): number {
    return this.causes.get(slot)?.find((c) => overlaps(c.axis, axis))?.order ?? Number.POSITIVE_INFINITY;
  }

  private when(byOp: boolean): Pick<Cause, 'round' | 'priority'> {
    return { ...(byOp ? { round: this.round } : {}), ...(this.priority > 0 ? { priority: this.priority } : {}) };
  }

  private note(id: ValueId, cause: Cause & { order?: number }): void {
    cause.order = this.count++;
    const known = this.causes.get(id);
    if (known === undefined) this.causes.set(id, [cause]);
    else known.push(cause);
  }
}

/** For passes that do not explain. */
export class NoCauses extends CauseLog {
  override annotated(): void {}

  override propagated(): void {}
}

/** Axes of `after` that `before` lacks, or has less of. */
function growth(before: Layout | undefined, after: Layout | undefined): { dim: number; axis: AxisRef }[] {
  const found: { dim: number; axis: AxisRef }[] = [];
  after?.dims.forEach(({ axes }, dim) => {
    const old = before?.dims[dim]?.axes;
    axes.forEach((axis, i) => {
      const known = old?.[i];
      if (known === undefined || !sameAxis(known, axis)) found.push({ dim, axis });
    });
  });
  return found;
}
