/**
 * Roofline of one tensor op: the longer of its arithmetic and its memory traffic, after what it takes to begin. Of a matrix
 * product the first operands are loaded before and the last results stored after: so much of the shorter adds.
 */
import type { OpAttrs } from '../../ir/attrs.ts';
import type { OpView, Registry } from '../../ir/op.ts';
import { type DType, elementCount, type TensorType } from '../../ir/types.ts';
import { type Machine, matrixEfficiency, peakFlops } from '../machine/machine.ts';

export interface OpCost {
  readonly flops: number;
  /** Bytes moved to and from HBM. */
  readonly bytes: number;
  readonly seconds: number;
  /** Seconds of the flops at peak: what utilisation counts. Matrix products only. */
  readonly idealSeconds: number;
}

/** `bytes`: operands read plus results written, less what fusion keeps on chip (traffic.ts). */
export function opCost(view: OpView, bytes: number, fuses: boolean, registry: Registry, machine: Machine): OpCost {
  const def = registry[view.kind];
  const flops = def?.flops?.(view) ?? view.results.reduce((n, t) => n + elementCount(t), 0);
  const matrix = isMatrixOp(view.kind);
  const ideal = flops / peakFlops(machine, computeType(view));
  const busy = matrix ? ideal / share(view, machine) : flops / machine.compute.vectorFlops;
  const traffic = bytes / (machine.memory.bandwidth * machine.memory.efficiency);
  const apart = matrix ? Math.min(busy, traffic, machine.compute.staging) : 0;
  const launch = fuses ? 0 : machine.compute.launch;
  return { flops, bytes, seconds: launch + Math.max(busy, traffic) + apart, idealSeconds: matrix ? ideal : 0 };
}

/** Ops that run on the matrix unit. */
export const isMatrixOp = (kind: string): boolean => kind === 'dot_general' || kind === 'convolution';

/** A product runs at the rate of its operands' type. */
const computeType = (view: OpView): DType => (view.operands[0] ?? view.results[0])?.dtype ?? 'f32';

/** Share of the peak: what of the padded tiles holds data, times what the machine reaches at that size. */
function share(view: OpView, machine: Machine): number {
  const { tile } = machine.compute;
  const { m, k, n } = view.kind === 'dot_general' ? productOf(view) : LARGE;
  const padded = [padTo(m, tile.rows), padTo(k, tile.depth), padTo(n, tile.columns)] as const;
  const used = (m * k * n) / (padded[0] * padded[1] * padded[2]);
  return matrixEfficiency(machine, Math.min(...padded)) * (used > 0 ? used : 1);
}

/** Convolutions are taken for large products. */
const LARGE = { m: 2 ** 20, k: 2 ** 20, n: 2 ** 20 };

/** A dot as [m, k] × [k, n], once per batch. */
function productOf(view: OpView): { m: number; k: number; n: number } {
  const attrs = view.attrs as OpAttrs['dot_general'];
  const [lhs, rhs] = view.operands as readonly [TensorType, TensorType];
  const extent = (t: TensorType, keep: (d: number) => boolean): number =>
    t.shape.reduce((n, s, d) => (keep(d) ? n * s : n), 1);
  const k = extent(lhs, (d) => attrs.lhs_contracting.includes(d));
  const m = extent(lhs, (d) => !attrs.lhs_contracting.includes(d) && !attrs.lhs_batch.includes(d));
  const n = extent(rhs, (d) => !attrs.rhs_contracting.includes(d) && !attrs.rhs_batch.includes(d));
  // Which side streams and which is held is the compiler's choice: the longer side streams.
  return m >= n ? { m, k, n } : { m: n, k, n: m };
}

const padTo = (extent: number, tile: number): number => Math.max(1, Math.ceil(extent / tile)) * tile;
