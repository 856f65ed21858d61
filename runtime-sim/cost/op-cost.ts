/** Roofline of one tensor op: the longer of its arithmetic and its memory traffic. */
import type { OpAttrs } from '../../ir/attrs.ts';
import type { OpView, Registry } from '../../ir/op.ts';
import { type DType, elementCount, type TensorType } from '../../ir/types.ts';
import { type Machine, peakFlops } from './machine.ts';

export interface OpCost {
  readonly flops: number;
  /** Bytes moved to and from HBM. */
  readonly bytes: number;
  readonly seconds: number;
  /** Seconds of the flops at peak: what utilisation counts. */
  readonly idealSeconds: number;
}

/** `bytes`: operands read plus results written, less what fusion keeps on chip (traffic.ts). */
export function opCost(view: OpView, bytes: number, registry: Registry, machine: Machine): OpCost {
  const def = registry[view.kind];
  const flops = def?.flops?.(view) ?? view.results.reduce((n, t) => n + elementCount(t), 0);
  const matrix = view.kind === 'dot_general' || view.kind === 'convolution';
  const ideal = flops / peakFlops(machine, computeType(view));
  const busy = matrix ? ideal / (machine.flopsEfficiency * tileUse(view, machine.tile)) : 0;
  const traffic = bytes / (machine.hbmBandwidth * machine.hbmEfficiency);
  return { flops, bytes, seconds: Math.max(busy, traffic), idealSeconds: matrix ? ideal : 0 };
}

/** A product runs at the rate of its operands' type. */
const computeType = (view: OpView): DType => (view.operands[0] ?? view.results[0])?.dtype ?? 'f32';

/** Share of the padded tiles of an [m, k] × [k, n] product that holds data. */
function tileUse(view: OpView, tile: number): number {
  if (view.kind !== 'dot_general') return 1;
  const attrs = view.attrs as OpAttrs['dot_general'];
  const [lhs, rhs] = view.operands as readonly [TensorType, TensorType];
  const extent = (t: TensorType, keep: (d: number) => boolean): number =>
    t.shape.reduce((n, s, d) => (keep(d) ? n * s : n), 1);
  const k = extent(lhs, (d) => attrs.lhs_contracting.includes(d));
  const m = extent(lhs, (d) => !attrs.lhs_contracting.includes(d) && !attrs.lhs_batch.includes(d));
  const n = extent(rhs, (d) => !attrs.rhs_contracting.includes(d) && !attrs.rhs_batch.includes(d));
  // Rows stream through the matrix unit eight at a time; k and n fill its sides.
  return filled(m, 8) * filled(k, tile) * filled(n, tile);
}

const filled = (extent: number, tile: number): number =>
  extent === 0 ? 1 : extent / (Math.ceil(extent / tile) * tile);
