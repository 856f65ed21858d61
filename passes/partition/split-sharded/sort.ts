/**
 * A sort over a sharded dim of which only the first few elements are read (jnp.sort(x)[:k], approx_max_k, top_k of a dim
 * with padding): each shard sorts, its first k go on. A stable sort in both steps leaves equals in the order of shards.
 *
 *   %s = sort %x dim=0;  %r = slice %s [0:2]       // %x: f32[64] @{x}, x=4
 *   →  %a = sort (reshape %x : f32[4,16] @{x, _}) dim=1;  %b = slice %a [0:4, 0:2]
 *      %s = sort (reshape %b : f32[8]) dim=0;  %r = slice %s [0:2]
 */
import type { OpAttrs } from '../../../ir/attrs.ts';
import { closedDim } from '../../../ir/layout.ts';
import { isOrder } from '../../../ir/ops/sort-split.ts';
import type { Op, ValueId } from '../../../ir/program.ts';
import { tensor, withShape } from '../../../ir/types.ts';
import { evenShards, type Split, type SplitContext, type SplitWriter, withDim } from './split.ts';

export const splitSort: Split = (op, ctx) => {
  const { dim, size } = op.attrs as OpAttrs['sort'];
  const info = ctx.info(op.operands[0] as ValueId);
  const shards = evenShards(info, dim);
  const read = readFirst(op, dim, ctx);
  const held = (info.type.shape[dim] as number) / shards;
  const ordered = isOrder({ regions: op.regions, operands: op.operands.map((v) => ctx.info(v).type) });
  if (shards === 1 || read === 0 || 2 * read > held || read > (size ?? read) || !ordered) return undefined;
  return (w) => write(op, { dim, shards, read, size }, w);
};

/** How many of the first elements are read of all results; 0 where others are read too. */
function readFirst(op: Op, dim: number, ctx: SplitContext): number {
  const limits = op.results.flatMap((r) => ctx.readers(r).map((reader) => keptOf(reader, r, dim, ctx)));
  return limits.length === 0 || limits.includes(0) ? 0 : Math.max(...limits);
}

/** A slice, or a pad that only cuts. */
function keptOf(reader: Op, value: ValueId, dim: number, ctx: SplitContext): number {
  if (reader.operands[0] !== value) return 0;
  if (reader.kind === 'slice') {
    const { limit } = reader.attrs as OpAttrs['slice'];
    return limit[dim] as number;
  }
  if (reader.kind !== 'pad') return 0;
  const { low, high, interior } = reader.attrs as OpAttrs['pad'];
  const cuts = (low[dim] as number) <= 0 && (high[dim] as number) < 0 && interior[dim] === 0;
  return cuts ? (ctx.info(value).type.shape[dim] as number) + (high[dim] as number) : 0;
}

interface FirstOf {
  readonly dim: number;
  readonly shards: number;
  readonly read: number;
  readonly size: number | undefined;
}

function write(op: Op, { dim, shards, read, size }: FirstOf, w: SplitWriter): void {
  const parts = op.operands.map((v) => w.inShards(v, dim, shards));
  const layout = w.layoutOf(parts[0] as ValueId);
  const { shape } = w.typeOf(parts[0] as ValueId);
  const marked = size === undefined ? parts : [...parts, w.inShards(padding(op, dim, size, w), dim, shards)];
  const regions = (): ReturnType<SplitWriter['copiedRegions']> =>
    size === undefined ? w.copiedRegions() : [w.withPaddingLast()];
  const sorted = w.made('sort', marked, { dim: dim + 1, is_stable: true }, layout, regions());
  const whole = withDim(withDim(layout, dim + 1, []), dim, [closedDim()]);
  const few = sorted.map((v) => {
    const limit = shape.map((n, d) => (d === dim + 1 ? read : n));
    const cut = w.one('slice', [v], { start: shape.map(() => 0), limit, strides: shape.map(() => 1) }, layout);
    const joined = shape.flatMap((n, d) => (d === dim + 1 ? [] : d === dim ? [n * read] : [n]));
    return w.one('reshape', [cut], { shape: joined }, whole);
  });
  const best = w.made('sort', few, { dim, is_stable: true }, whole, regions());
  op.results.forEach((r, i) => w.standsFor(r, best[i] as ValueId, dim));
}

/** Is the element padding? */
function padding(op: Op, dim: number, size: number, w: SplitWriter): ValueId {
  const first = op.operands[0] as ValueId;
  const layout = w.layoutOf(first);
  const type = withShape(tensor('i32', []), w.typeOf(first).shape);
  const place = w.one('iota', [], { dim, dtype: 'i32', shape: type.shape }, layout);
  const attrs = { direction: 'GE', compare_type: 'SIGNED' };
  return w.one('compare', [place, w.splat(size, type, layout)], attrs, layout);
}
