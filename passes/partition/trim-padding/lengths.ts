/**
 * How long padded dims have to be, now that layouts are decided. A class of dims is what ops tie together between two
 * layout changes; it needs the least extent that divides by the shards it is in, and its true size where it lies whole.
 *
 *   %h : f32[10 of 16] @{x, y}-sharded in one class, @{x} in another, whole in a third    x=2, y=4
 *   →  16, 10, 10
 */
import { gcd, lcm } from '../../../ir/axes.ts';
import type { DimOf, DimUnion } from '../../../ir/dim-union.ts';
import { dimAxes } from '../../../ir/layout.ts';
import { axesSize } from '../../../ir/mesh.ts';
import { collectives } from '../../../ir/ops/collectives.ts';
import type { OpAttrs } from '../../../ir/attrs.ts';
import type { Registry } from '../../../ir/op.ts';
import { type Func, type Op, type ValueId, valueInfo, walkOps } from '../../../ir/program.ts';
import { dimClasses, viewOf } from '../pad-dims/classes.ts';
import { padOfDim, padView } from '../pad-dims/joins.ts';

/** Less work than this factor is not worth an exchange with neighbours. */
const WORTH = 1.02;

/** Of a class: its dims are `padded / unit` times as long as before. */
interface Length {
  readonly unit: number;
  readonly padded: number;
}

export class Lengths {
  private readonly func: Func;
  private readonly registry: Registry;
  private readonly dims: DimUnion;
  /** Classes that keep their extents: an op would have to be written anew, or they are padded for no value that is known. */
  private readonly kept = new Set<number>();
  private lengths = new Map<number, Length>();

  constructor(func: Func, registry: Registry) {
    this.func = func;
    this.registry = registry;
    this.dims = dimClasses(func, registry, false);
    const ops = [...walkOps(func.body)];
    for (const op of ops) this.keepAround(op);
    for (const op of ops) this.tieOwed(op);
    this.settle(ops);
    for (let apart = this.apart(ops); apart.length > 0; apart = this.apart(ops)) {
      for (const [a, b] of apart) this.dims.join(a, b);
      this.settle(ops);
    }
  }

  /** Chooses extents until every slice and pad finds what it takes. */
  private settle(ops: readonly Op[]): void {
    for (let again = true; again; ) {
      this.lengths = this.choose();
      again = false;
      for (const op of ops) again = this.mustKeep(op) || again;
    }
  }

  get none(): boolean {
    return this.lengths.size === 0;
  }

  /**
   * Extents at which a value goes from one layout to another: where a dim is sharded in both, one that divides by the
   * shards of both; where it lies whole on a side, the other side's, as cutting and padding are free there.
   */
  between(from: ValueId, to: ValueId): readonly number[] {
    const [source, target] = [this.shape(from), this.shape(to)];
    return source.map((n, d) => {
      const wanted = target[d] as number;
      const [before, after] = [this.shards(from, d), this.shards(to, d)];
      if (before === 1) return after === 1 && wanted > n ? n : wanted;
      if (after === 1 || n % after === 0) return n;
      if (wanted % before === 0) return wanted;
      const size = valueInfo(this.func, from).padding?.[d]?.size ?? n;
      const both = lcm(before, after);
      return Math.ceil(size / both) * both;
    });
  }

  shape(id: ValueId): readonly number[] {
    return valueInfo(this.func, id).type.shape.map((n, d) => {
      const length = this.lengths.get(this.dims.of(id, d));
      return length === undefined ? n : (n / length.unit) * length.padded;
    });
  }

  /** Sums still owed whose padding must hold a number keep their extent: what is added is added on every device. */
  private tieOwed(op: Op): void {
    if (op.kind !== 'reshard') return;
    const [from, to] = [op.operands[0] as ValueId, op.results[0] as ValueId];
    const { type, layout, padding } = valueInfo(this.func, from);
    if (layout?.unreduced.length === 0) return;
    type.shape.forEach((_, dim) => {
      const holds = padding?.[dim]?.holds;
      if (typeof holds === 'object' && Number(holds.value) !== 0) this.dims.join({ id: from, dim }, { id: to, dim });
    });
  }

  /**
   * Two layouts of one dim, sharded in both, have one extent, as another one has to be exchanged with neighbours: unless
   * a dot or convolution would then compute noticeably more. Dims that are still apart.
   */
  private apart(ops: readonly Op[]): [DimOf, DimOf][] {
    const heavy = this.heavy(ops);
    const costsWork = (id: ValueId, dim: number, n: number): boolean =>
      heavy.has(this.dims.of(id, dim)) && n > WORTH * (this.shape(id)[dim] as number);
    return ops.flatMap((op): [DimOf, DimOf][] => {
      if (op.kind !== 'reshard') return [];
      const [from, to] = [op.operands[0] as ValueId, op.results[0] as ValueId];
      const [source, target] = [this.shape(from), this.shape(to)];
      return valueInfo(this.func, from).type.shape.flatMap((n, dim): [DimOf, DimOf][] => {
        const differ = source[dim] !== target[dim] && this.shards(from, dim) > 1 && this.shards(to, dim) > 1;
        const tied = differ && !costsWork(from, dim, n) && !costsWork(to, dim, n);
        return tied
          ? [
              [
                { id: from, dim },
                { id: to, dim },
              ],
            ]
          : [];
      });
    });
  }

  /** Classes that dots and convolutions have. */
  private heavy(ops: readonly Op[]): ReadonlySet<number> {
    const found = new Set<number>();
    for (const op of ops)
      if (op.kind === 'dot_general' || op.kind === 'convolution')
        for (const id of [...op.operands, ...op.results])
          valueInfo(this.func, id).type.shape.forEach((_, d) => found.add(this.dims.of(id, d)));
    return found;
  }

  /** What an op does not carry along as it is. Slices and pads are written anew: of dims that lie whole, or at their end. */
  private keepAround(op: Op): void {
    if (op.kind === 'manual_computation') return this.keepAll(op);
    const def = this.registry[op.kind] ?? collectives[op.kind];
    if (def === undefined) return;
    const padding = padView(def, viewOf(this.func, op));
    const { rule } = padding;
    const cut = (id: ValueId, d: number): boolean =>
      (op.kind === 'slice' || op.kind === 'pad') && (this.shards(id, d) === 1 || atItsEnd(op, d));
    const visit = (ids: readonly ValueId[], tensors: typeof rule.operands): void =>
      ids.forEach((id, t) =>
        tensors[t]?.forEach((held, d) => {
          const pad = padOfDim(padding, held);
          const moves = held.some((f) => rule.factors[f]?.kind === 'permute');
          const carried = pad !== null && pad.apart === undefined && !moves;
          if (!carried && !cut(id, d)) this.keep(id, d);
        }),
      );
    visit(op.operands, rule.operands);
    visit(op.results, rule.results);
  }

  private keepAll(op: Op): void {
    for (const id of [...op.operands, ...op.results, ...op.regions.flatMap((r) => r.params)])
      valueInfo(this.func, id).type.shape.forEach((_, d) => this.keep(id, d));
  }

  private keep(id: ValueId, d: number): void {
    this.kept.add(this.dims.of(id, d));
  }

  /** Elements that a slice or pad takes must still be there. True where a class was found that has to be kept. */
  private mustKeep(op: Op): boolean {
    if (op.kind !== 'slice' && op.kind !== 'pad') return false;
    const [operand, result] = [op.operands[0] as ValueId, op.results[0] as ValueId];
    const [from, to] = [this.shape(operand), this.shape(result)];
    const before = valueInfo(this.func, operand).type.shape;
    const lost = from.findIndex((n, d) => n !== before[d] && n < lastTaken(op, d, to[d] as number) + 1);
    if (lost < 0) return false;
    this.keep(operand, lost);
    return true;
  }

  private choose(): Map<number, Length> {
    const found = new Map<number, { unit: number; whole: number; step: number; bad: boolean; marked: boolean }>();
    this.each((root, n) => {
      const known = found.get(root);
      if (known !== undefined) known.unit = gcd(known.unit, n);
      else found.set(root, { unit: n, whole: 0, step: 1, bad: this.kept.has(root), marked: false });
    });
    this.each((root, n, size, shards) => {
      const known = found.get(root) as NonNullable<ReturnType<typeof found.get>>;
      const times = n / known.unit;
      const whole = size / times;
      known.bad ||= !Number.isInteger(whole) || (known.whole !== 0 && known.whole !== whole);
      known.whole = whole;
      known.marked ||= size !== n;
      known.step = lcm(known.step, shards / gcd(shards, times));
    });
    const lengths = new Map<number, Length>();
    for (const [root, { unit, whole, step, bad, marked }] of found) {
      const padded = Math.ceil(whole / step) * step;
      if (marked && !bad && padded < unit) lengths.set(root, { unit, padded });
    }
    return lengths;
  }

  private each(visit: (root: number, n: number, size: number, shards: number) => void): void {
    this.func.values.forEach(({ type, layout, padding }, id) => {
      if (layout === undefined) return;
      type.shape.forEach((n, d) => {
        if (n > 0) visit(this.dims.of(id as ValueId, d), n, padding?.[d]?.size ?? n, this.shards(id as ValueId, d));
      });
    });
  }

  private shards(id: ValueId, d: number): number {
    const { layout } = valueInfo(this.func, id);
    return layout === undefined ? 1 : axesSize(dimAxes(layout, d));
  }
}

/** A slice or pad whose elements stay where they were: there are fewer or more behind them. */
function atItsEnd(op: Op, d: number): boolean {
  if (op.kind === 'slice') {
    const { start, strides } = op.attrs as OpAttrs['slice'];
    return start[d] === 0 && strides[d] === 1;
  }
  const { low, interior } = op.attrs as OpAttrs['pad'];
  return low[d] === 0 && interior[d] === 0;
}

/** The last element of the operand's dim that `n` elements of the result take. */
function lastTaken(op: Op, d: number, n: number): number {
  if (op.kind === 'slice') {
    const { start, strides } = op.attrs as OpAttrs['slice'];
    return (start[d] as number) + (n - 1) * (strides[d] as number);
  }
  const { low, interior } = op.attrs as OpAttrs['pad'];
  return Math.floor((n - 1 - (low[d] as number)) / ((interior[d] as number) + 1));
}
