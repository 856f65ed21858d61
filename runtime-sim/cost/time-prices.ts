/** `--objective time`: layout changes priced in seconds on a machine, latency included. */
import { coordinates, deviceCount, type AxisRef, fullAxis, type Mesh } from '../../ir/mesh.ts';
import type { CollectiveKind } from '../../ir/program.ts';
import type { DType } from '../../ir/types.ts';
import { type Machine, peakFlops } from '../machine/machine.ts';
import { type Load, loadCost, loadKey, type Pattern } from './collective-cost.ts';
import { placeFor } from './cost-model.ts';

/** Structurally the planner's `Prices` (passes/partition/prices.ts); the two folders do not know each other. */
export interface TimePrices {
  collective(kind: CollectiveKind, bytes: number, operandBytes: number, axes: readonly AxisRef[]): number;
  memory(bytes: number): number;
  compute(flops: number, type: DType): number;
}

/** Nothing is known of the program yet: the mesh is placed so that large gathers along each axis are fast. */
export function timePrices(machine: Machine, mesh: Mesh): TimePrices {
  const gathers = mesh.axes.map((a): { load: Load; times: number } => ({
    load: { kind: 'all_gather', mesh, operand: TYPICAL / a.size, whole: TYPICAL, axes: [fullAxis(mesh, a.name)] },
    times: 1,
  }));
  const placement = placeFor(mesh, machine, gathers);
  const known = new Map<string, number>();
  return {
    collective: (kind, _, operand, axes) => {
      const split = axes.filter((a) => a.size > 1);
      if (split.length === 0) return Number.MIN_VALUE;
      const members = split.reduce((n, a) => n * a.size, 1);
      const moves = kind === 'collective_permute' || kind === 'collective_shift' || kind === 'device_permute';
      const load: Load = {
        kind,
        mesh,
        operand,
        whole: kind === 'all_gather' ? operand * members : operand,
        axes: split,
        ...(moves ? { pattern: halfTurn(mesh, split[0]?.name ?? '') } : {}),
      };
      const key = loadKey(load);
      let seconds = known.get(key);
      if (seconds === undefined) known.set(key, (seconds = loadCost(load, machine, placement).seconds));
      return seconds;
    },
    memory: (bytes) => bytes / (machine.memory.bandwidth * machine.memory.efficiency),
    compute: (flops, type) => flops / peakFlops(machine, type),
  };
}

const TYPICAL = 2 ** 26;
const turns = new WeakMap<Mesh, Map<string, Int32Array>>();

/** A permute whose pairs are not known yet is taken for a shift by half along its first axis: the longest way of a ring. */
function halfTurn(mesh: Mesh, axis: string): Pattern {
  return {
    key: `half ${axis}`,
    sources: () => {
      const known = turns.get(mesh) ?? new Map<string, Int32Array>();
      turns.set(mesh, known);
      const found = known.get(axis) ?? shiftByHalf(mesh, axis);
      known.set(axis, found);
      return found;
    },
  };
}

function shiftByHalf(mesh: Mesh, axis: string): Int32Array {
  const at = mesh.axes.findIndex((a) => a.name === axis);
  const inner = mesh.axes.slice(at + 1).reduce((n, a) => n * a.size, 1);
  const size = mesh.axes[at]?.size ?? 1;
  return Int32Array.from({ length: deviceCount(mesh) }, (_, device) => {
    const position = coordinates(mesh, device)[at] ?? 0;
    const source = (position + Math.floor(size / 2)) % size;
    return device + (source - position) * inner;
  });
}
