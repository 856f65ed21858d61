/**
 * sort over a sharded dim: every shard sorts its part, then they exchange (ir/ops/sort-split.ts says in which of two ways,
 * and why the order is made total first).
 *
 *   %r = sort %x dim=0 less          // %x: f32[1024] @{x}, x=8: columns of 128
 *   →  %a = sort %x;  deal: all_to_all (reshape %a : [16, 8]);  sort;  runs: all_to_all (reshape : [8, 16]);  sort
 *      the last 56 and the next shard's first 56, pairwise in order;  sort
 */
import type { OpAttrs } from '../../../ir/attrs.ts';
import { dimAxes, type Layout } from '../../../ir/layout.ts';
import { type AxisRef, axesSize, axisText, type Mesh } from '../../../ir/mesh.ts';
import { type Marks, marksOf, type Round, type SortSplit, sortSplit } from '../../../ir/ops/sort-split.ts';
import type { Block, ValueId } from '../../../ir/program.ts';
import { tensor, type TensorType } from '../../../ir/types.ts';
import { exchangeHalo } from './halo.ts';
import { joined, ofShard, part, resized } from './parts.ts';
import type { Emitter, Localizer, Site, ShardedDim } from './localizer.ts';
import { totalOrder } from './sort-order.ts';

type Values = readonly ValueId[];

export const localizeSort: Localizer = (site) => {
  const attrs = site.op.attrs as unknown as OpAttrs['sort'];
  const axes = dimAxes(site.operandLayouts[0] as Layout, attrs.dim);
  const shards = axesSize(axes);
  const extent = (site.operandTypes[0] as TensorType).shape[attrs.dim] as number;
  const view = { attrs, operands: site.operandTypes, regions: site.op.regions, makers: site.makers };
  const split = shards === 1 ? undefined : sortSplit(view, shards);
  if (split === undefined && attrs.size === undefined)
    return site.emit.ops('sort', site.operands, site.localResults, attrs as never, site.regions);
  const marks = split?.marks ?? marksOf(view, extent, false);
  const emit = split === undefined ? site.emit : site.emit.because(wayText(split, site.emit.mesh, axes));
  return new ShardSort(site, emit, { dim: attrs.dim, axes }, marks, attrs.size ?? extent, split).run();
};

const wayText = ({ way, exchanges }: SortSplit, mesh: Mesh, axes: readonly AxisRef[]): string =>
  `sort: ${way === 'columns' ? 'columnsort' : 'merge network'} over ${axes.map((a) => axisText(mesh, a)).join(', ')}, ${exchanges} exchanges`;

class ShardSort {
  private readonly site: Site;
  private readonly emit: Emitter;
  private readonly at: ShardedDim;
  private readonly marks: Marks;
  /** Undefined where the dim is whole. */
  private readonly split: SortSplit | undefined;
  /** True elements of the whole dim. */
  private readonly size: number;
  private readonly held: number;
  private readonly shards: number;
  /** Do places behind the true elements take part? */
  private readonly padded: boolean;

  constructor(site: Site, emit: Emitter, at: ShardedDim, marks: Marks, size: number, split: SortSplit | undefined) {
    this.site = site;
    this.emit = emit;
    this.at = at;
    this.marks = marks;
    this.size = size;
    this.shards = axesSize(at.axes);
    this.held = this.extentOf(site.operands[0] as ValueId);
    this.split = split;
    this.padded = (split?.column ?? this.held) * this.shards > size;
  }

  run(): Values {
    const { site, held, split } = this;
    const column = split?.column ?? held;
    let all = this.marked(site.operands.map((v) => this.lengthened(v, column)));
    all = this.sorted(all);
    if (split?.way === 'network') for (const round of split.rounds) all = this.exchanged(all, round);
    if (split?.way === 'columns') all = this.columns(all, split.border);
    const results = all.slice(0, site.operands.length).map((v) => this.shortened(v, column));
    return this.marks.kind === 'padding' && this.size < held * this.shards ? this.restored(results) : results;
  }

  // --- what is sorted -----------------------------------------------------------------------------------------------

  /** With what tells its elements apart. Places that are no element's count on from `size`. */
  private marked(all: Values): Values {
    const { marks, emit, at } = this;
    if (marks.kind === 'none') return all;
    const [first] = all as readonly [ValueId];
    const { shape } = emit.typeOf(first);
    const column = shape[at.dim] as number;
    if (marks.kind === 'padding') return [...all, emit.broadcast(this.isPadding(column), shape, [at.dim])];
    if (marks.operand === undefined) {
      const places = emit.convert(this.places(column), marks.dtype);
      return [...all, emit.broadcast(places, shape, [at.dim])];
    }
    if (column === this.held) return all;
    const places = emit.broadcast(emit.convert(this.places(column), marks.dtype), shape, [at.dim]);
    return all.map((v, i) => (i === (marks.operand as number) ? places : v));
  }

  /** i32 per place of the shard: its place in the dim; of those added at its end, places behind all others. */
  private places(column: number): ValueId {
    const { emit, held, shards, at } = this;
    const scalar = tensor('i32', []);
    const first = (extent: number): ValueId =>
      shards === 1 ? emit.constant(scalar, [0]) : emit.shardOffset(at.axes, extent * shards, 'i32');
    const own = emit.placesFrom(first(held), held);
    if (column === held) return own;
    const behind = emit.binary('add', first(column - held), emit.constant(scalar, [held * shards]));
    return joined(emit, [own, emit.placesFrom(behind, column - held)], 0);
  }

  private isPadding(column: number): ValueId {
    const { emit } = this;
    const places = this.places(column);
    return emit.compare('GE', places, emit.constant(emit.typeOf(places), [this.size]));
  }

  private sorted(all: Values, dim = this.at.dim): Values {
    const { emit } = this;
    const types = all.map((v) => emit.typeOf(v));
    const less = this.comparator(types.map((t) => t.dtype));
    return emit.ops('sort', all, types, { dim, is_stable: true }, [less]);
  }

  private comparator(dtypes: readonly TensorType['dtype'][]): Block {
    const [region] = this.site.regions as readonly [Block];
    return totalOrder(this.emit, region, dtypes, this.marks, this.padded ? this.size : undefined);
  }

  /** Padding as it was. */
  private restored(results: Values): Values {
    const { emit, site, at, held } = this;
    const padding = this.isPadding(held);
    return results.map((v, i) =>
      emit.select(emit.broadcast(padding, emit.typeOf(v).shape, [at.dim]), site.operands[i] as ValueId, v),
    );
  }

  // --- columns ------------------------------------------------------------------------------------------------------

  private columns(first: Values, border: number): Values {
    const dealt = this.sorted(first.map((v) => this.dealt(v)));
    const runs = this.sorted(dealt.map((v) => this.inRuns(v)));
    return this.sorted(this.acrossBorders(runs, border));
  }

  /** Every p-th element to each shard. */
  private dealt(value: ValueId): ValueId {
    const [before, column, after] = this.around(value);
    return this.exchange(value, [...before, column / this.shards, this.shards, ...after], this.at.dim + 1, this.at.dim);
  }

  /** The i-th run to the i-th shard. */
  private inRuns(value: ValueId): ValueId {
    const [before, column, after] = this.around(value);
    return this.exchange(value, [...before, this.shards, column / this.shards, ...after], this.at.dim, this.at.dim + 1);
  }

  private exchange(value: ValueId, shape: readonly number[], target: number, source: number): ValueId {
    const { emit, at, shards } = this;
    const type = emit.typeOf(value);
    const parts = emit.op('reshape', [value], tensor(type.dtype, shape), { shape });
    const given = shape.map((n, d) => (d === target ? n / shards : d === source ? n * shards : n));
    const moves = [{ axes: at.axes, source, target }];
    const moved = emit.op('all_to_all', [parts], tensor(type.dtype, given), { mesh: emit.mesh.name, moves });
    return emit.op('reshape', [moved], type, { shape: type.shape });
  }

  private around(value: ValueId): [before: readonly number[], extent: number, after: readonly number[]] {
    const { shape } = this.emit.typeOf(value);
    const { dim } = this.at;
    return [shape.slice(0, dim), shape[dim] as number, shape.slice(dim + 1)];
  }

  /** The smaller half of its last and the next shard's first stay, the others go back; the last shard has none after it. */
  private acrossBorders(all: Values, border: number): Values {
    const { emit, at } = this;
    const [first] = all as readonly [ValueId];
    const column = this.extentOf(first);
    const own = all.map((v) => part(emit, v, at.dim, column - border, column));
    const next = all.map((v) => this.shifted(part(emit, v, at.dim, 0, border), 1));
    const { low, high } = this.inPairs(own, next);
    const end = emit.compare('EQ', emit.axisIndex(at.axes), emit.constant(tensor('i32', []), [this.shards - 1]));
    const isEnd = emit.broadcast(end, emit.typeOf(own[0] as ValueId).shape, []);
    return all.map((v, i) => {
      const stays = emit.select(isEnd, own[i] as ValueId, low[i] as ValueId);
      const back = this.shifted(emit.select(isEnd, next[i] as ValueId, high[i] as ValueId), -1);
      return joined(emit, [back, part(emit, v, at.dim, border, column - border), stays], at.dim);
    });
  }

  private shifted(value: ValueId, by: number): ValueId {
    const attrs = { mesh: this.emit.mesh.name, axes: this.at.axes, by, flip: false, wrap: true };
    return this.emit.op('collective_shift', [value], this.emit.typeOf(value), attrs);
  }

  /** Of two sorted runs the elements of the smaller half, and of the larger, in whatever order (bitonic split). */
  private inPairs(own: Values, other: Values): { low: Values; high: Values } {
    const { emit, at } = this;
    const stacked = own.map((v, i) => {
      const reversed = emit.op('reverse', [other[i] as ValueId], emit.typeOf(v), { dims: [at.dim] });
      return joined(
        emit,
        [v, reversed].map((x) => this.asRow(x)),
        at.dim,
      );
    });
    const pairs = this.sorted(stacked, at.dim);
    const row = (n: number): ValueId[] =>
      pairs.map((v, i) => {
        const type = emit.typeOf(own[i] as ValueId);
        return emit.op('reshape', [part(emit, v, at.dim, n, n + 1)], type, { shape: type.shape });
      });
    return { low: row(0), high: row(1) };
  }

  private asRow(value: ValueId): ValueId {
    const [before, extent, after] = this.around(value);
    const shape = [...before, 1, extent, ...after];
    return this.emit.op('reshape', [value], tensor(this.emit.typeOf(value).dtype, shape), { shape });
  }

  // --- merge network ------------------------------------------------------------------------------------------------

  private exchanged(all: Values, round: Round): Values {
    const { emit, at, shards } = this;
    const partner = Array.from({ length: shards }, () => -1);
    const lows = Array.from({ length: shards }, () => 0);
    for (const [low, high] of round) {
      partner[low] = high;
      partner[high] = low;
      lows[low] = 1;
    }
    const other = all.map((v) => emit.permuted(v, at.axes, partner));
    const { low, high } = this.inPairs(all, other);
    const { shape } = emit.typeOf(all[0] as ValueId);
    const isOne = (table: readonly number[]): ValueId =>
      emit.compare('EQ', ofShard(emit, at.axes, table), emit.constant(tensor('i32', []), [1]));
    const isLow = emit.broadcast(isOne(lows), shape, []);
    const isPaired = emit.broadcast(isOne(partner.map((s) => (s < 0 ? 0 : 1))), shape, []);
    const kept = all.map((v, i) => {
      const half = emit.select(isLow, low[i] as ValueId, high[i] as ValueId);
      return round.length * 2 === shards ? half : emit.select(isPaired, half, v);
    });
    return this.sorted(kept);
  }

  // --- shards of another length -------------------------------------------------------------------------------------

  private lengthened(value: ValueId, column: number): ValueId {
    const { emit, at, held } = this;
    if (column === held) return value;
    const type = emit.typeOf(value);
    return joined(emit, [value, emit.zero(resized(type, at.dim, column - held))], at.dim);
  }

  /** What is added stands behind all true elements by then: shards take what is theirs again. */
  private shortened(value: ValueId, column: number): ValueId {
    const { held } = this;
    return column === held ? value : exchangeHalo(this.emit, value, this.at, { step: held, start: 0, width: held });
  }

  private extentOf(value: ValueId): number {
    return this.emit.typeOf(value).shape[this.at.dim] as number;
  }
}
