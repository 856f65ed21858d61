/**
 * A sort over a sharded dim of which only the first few elements are read, or the last (jnp.sort(x)[:k], approx_max_k, top_k
 * of a dim with padding): each shard sorts, its first k go on. Stable sorts in both steps leave equals in the order of shards.
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
import { type End, evenShards, otherEnd, type Split, type SplitContext, type SplitWriter, withDim } from './split.ts';

export const splitSort: Split = (op, ctx) => {
  const { dim, size } = op.attrs as OpAttrs['sort'];
  const info = ctx.info(op.operands[0] as ValueId);
  const shards = evenShards(info, dim);
  const read = readEnd(op.results, dim, ctx);
  const held = (info.type.shape[dim] as number) / shards;
  const ordered = isOrder({ regions: op.regions, operands: op.operands.map((v) => ctx.info(v).type) });
  if (shards === 1 || read === undefined || !ordered || 2 * read.count > held) return undefined;
  if (size !== undefined && (read.end === 'last' || read.count > size)) return undefined;
  return (w) => write(op, { dim, shards, ...read, size }, w);
};

/** Of all results only the `count` first elements are read, or last; undefined where others are, or both. */
interface Read {
  readonly end: End;
  readonly count: number;
}

function readEnd(values: readonly ValueId[], dim: number, ctx: SplitContext): Read | undefined {
  const reads = values.flatMap((v) => ctx.readers(v).map((reader) => readBy(reader, v, dim, ctx)));
  const [one] = reads;
  if (one === undefined || reads.some((r) => r === undefined || r.end !== one.end)) return undefined;
  return { end: one.end, count: Math.max(...reads.map((r) => (r as Read).count)) };
}

/** A slice, a pad that only cuts, or a reverse and what reads that. */
function readBy(reader: Op, value: ValueId, dim: number, ctx: SplitContext): Read | undefined {
  if (reader.operands[0] !== value) return undefined;
  const extent = ctx.info(value).type.shape[dim] as number;
  if (reader.kind === 'slice') {
    const { start, limit } = reader.attrs as OpAttrs['slice'];
    const [from, to] = [start[dim] as number, limit[dim] as number];
    return to <= extent - from ? { end: 'first', count: to } : { end: 'last', count: extent - from };
  }
  if (reader.kind === 'reverse') {
    const { dims } = reader.attrs as OpAttrs['reverse'];
    const read = readEnd(reader.results, dim, ctx);
    return read !== undefined && dims.includes(dim) ? { ...read, end: otherEnd(read.end) } : read;
  }
  if (reader.kind !== 'pad') return undefined;
  const { low, high, interior } = reader.attrs as OpAttrs['pad'];
  const cuts = (low[dim] as number) <= 0 && (high[dim] as number) < 0 && interior[dim] === 0;
  return cuts ? { end: 'first', count: extent + (high[dim] as number) } : undefined;
}

interface FirstOf extends Read {
  readonly dim: number;
  readonly shards: number;
  readonly size: number | undefined;
}

function write(op: Op, { dim, shards, end, count, size }: FirstOf, w: SplitWriter): void {
  const parts = op.operands.map((v) => w.inShards(v, dim, shards));
  const layout = w.layoutOf(parts[0] as ValueId);
  const { shape } = w.typeOf(parts[0] as ValueId);
  const marked = size === undefined ? parts : [...parts, w.inShards(padding(op, dim, size, w), dim, shards)];
  const regions = (): ReturnType<SplitWriter['copiedRegions']> =>
    size === undefined ? w.copiedRegions() : [w.withPaddingLast()];
  const sorted = w.made('sort', marked, { dim: dim + 1, is_stable: true }, layout, regions());
  const whole = withDim(withDim(layout, dim + 1, []), dim, [closedDim()]);
  const few = sorted.map((v) => {
    const start = shape.map((n, d) => (d === dim + 1 && end === 'last' ? n - count : 0));
    const limit = shape.map((n, d) => (d === dim + 1 && end === 'first' ? count : n));
    const cut = w.one('slice', [v], { start, limit, strides: shape.map(() => 1) }, layout);
    const joined = shape.flatMap((n, d) => (d === dim + 1 ? [] : d === dim ? [n * count] : [n]));
    return w.one('reshape', [cut], { shape: joined }, whole);
  });
  const best = w.made('sort', few, { dim, is_stable: true }, whole, regions());
  op.results.forEach((r, i) => w.standsFor(r, best[i] as ValueId, dim, end));
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
