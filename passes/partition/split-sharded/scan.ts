/**
 * A scan (cumsum, cummax, JAX's cumlogsumexp: a window over everything before) along a sharded dim: each shard scans its
 * part; the totals of the shards before it, few elements, are combined with all it has.
 *
 *   %y = reduce_window %x, window = 16, pad_low = 15, add        // %x: f32[16] @{x}, x=4
 *   →  %a = reshape %x : f32[4,4] @{x, _};  %b = reduce_window %a, window = [1,4], pad_low = [0,3]
 *      %t = the last of each row : f32[4];  %p = reduce_window (pad %t by 1 in front, -1 behind), window = 4, pad_low = 3
 *      %y = reshape (add %p, %b)
 */
import type { OpAttrs } from '../../../ir/attrs.ts';
import { closedDim } from '../../../ir/layout.ts';
import { identityOf } from '../../../ir/monoid.ts';
import { regionMonoids } from '../../../ir/ops/monoid.ts';
import type { Elements, Op, ValueId } from '../../../ir/program.ts';
import { scanOf } from '../../../ir/ops/windows.ts';
import { evenShards, type Split, type SplitContext, type SplitWriter, withDim } from './split.ts';

type Window = OpAttrs['reduce_window'];

interface SplitScan {
  readonly dim: number;
  readonly shards: number;
  readonly reverse: boolean;
}

export const splitScan: Split = (op, ctx) => {
  const scan = shardedScan(op, ctx);
  return scan === undefined ? undefined : (w) => write(op, scan, w);
};

function shardedScan(op: Op, ctx: SplitContext): SplitScan | undefined {
  const info = ctx.info(op.operands[0] as ValueId);
  const scan = scanOf(op.attrs as unknown as Window, info.type.shape);
  if (scan === undefined) return undefined;
  const { dim, direction } = scan;
  const shards = evenShards(info, dim);
  const flat = op.regions.every((r) => r.ops.every((o) => o.regions.length === 0));
  if (shards === 1 || !flat || !startsNeutral(op, ctx)) return undefined;
  return { dim, shards, reverse: direction === 'reverse' };
}

/** Start values count once per shard: those of known monoids must change nothing (others are taken at their word). */
function startsNeutral(op: Op, ctx: SplitContext): boolean {
  const monoid = regionMonoids(op.regions[0]);
  if (monoid === null) return true;
  return op.operands.slice(op.results.length).every((v) => {
    let maker = ctx.maker(v);
    while (maker?.kind === 'broadcast_in_dim' || maker?.kind === 'convert')
      maker = ctx.maker(maker.operands[0] as ValueId);
    const { dtype } = ctx.info(v).type;
    const data = maker?.kind === 'constant' ? (maker.attrs.value as Elements).data : undefined;
    return data?.length === 1 && data[0] === identityOf(monoid, dtype);
  });
}

function write(op: Op, { dim, shards, reverse }: SplitScan, w: SplitWriter): void {
  const n = op.results.length;
  const starts = op.operands.slice(n);
  const parts = op.operands.slice(0, n).map((v) => w.inShards(v, dim, shards));
  const [first] = parts as [ValueId];
  const { shape } = w.typeOf(first);
  const layout = w.layoutOf(first);
  const length = shape[dim + 1] as number;
  const local = w.made(
    'reduce_window',
    [...parts, ...starts],
    scanAttrs(shape, dim + 1, reverse),
    layout,
    w.copiedRegions(),
  );
  // Few elements: whole on every device.
  const few = withDim(withDim(layout, dim + 1, []), dim, [closedDim()]);
  const totals = local.map((v) => {
    const at = reverse ? 0 : length - 1;
    const edge = w.one(
      'slice',
      [v],
      {
        start: shape.map((_, d) => (d === dim + 1 ? at : 0)),
        limit: shape.map((s, d) => (d === dim + 1 ? at + 1 : s)),
        strides: shape.map(() => 1),
      },
      layout,
    );
    const flat = { shape: shape.filter((_, d) => d !== dim + 1) };
    return w.one('reshape', [edge], flat, withDim(layout, dim + 1, []));
  });
  const totalShape = w.typeOf(totals[0] as ValueId).shape;
  const upTo = w.made(
    'reduce_window',
    [...totals, ...starts],
    scanAttrs(totalShape, dim, reverse),
    few,
    w.copiedRegions(),
  );
  // Moved by one after the scan, not before: XLA's CPU compiler folds a pad into the reduce_window after it, wrongly here.
  const by = (k: number): number[] => totalShape.map((_, d) => (d === dim ? k : 0));
  const [low, high] = reverse ? [by(-1), by(1)] : [by(1), by(-1)];
  const prefix = upTo.map((v, i) => w.one('pad', [v, starts[i] as ValueId], { low, high, interior: by(0) }, few));
  const kept = shape.map((_, d) => d).filter((d) => d !== dim + 1);
  const spread = prefix.map((v) => w.one('broadcast_in_dim', [v], { dims: kept, shape }, layout));
  const combined = w.regionOn(reverse ? [...local, ...spread] : [...spread, ...local], layout);
  combined.forEach((v, i) => w.gives('reshape', [v], { shape: w.typeOf(op.operands[i] as ValueId).shape }, i));
}

function scanAttrs(shape: readonly number[], dim: number, reverse: boolean): Window {
  const each = (n: number, otherwise: number): number[] => shape.map((_, d) => (d === dim ? n : otherwise));
  const size = shape[dim] as number;
  return {
    window_dimensions: each(size, 1),
    window_strides: each(1, 1),
    base_dilations: each(1, 1),
    window_dilations: each(1, 1),
    pad_low: each(reverse ? 0 : size - 1, 0),
    pad_high: each(reverse ? size - 1 : 0, 0),
  };
}
