/** `--objective time`: layout changes priced in seconds on a machine, latency included. */
import { coordinates, deviceCount, type AxisRef, type Mesh } from '../../ir/mesh.ts';
import type { CollectiveKind } from '../../ir/program.ts';
import { loadSeconds } from './collective-time.ts';
import type { Machine } from './machine.ts';

/** Structurally the planner's `Prices` (passes/partition/prices.ts); the two folders do not know each other. */
export interface TimePrices {
  collective(kind: CollectiveKind, bytes: number, operandBytes: number, axes: readonly AxisRef[]): number;
  memory(bytes: number): number;
}

export function timePrices(machine: Machine, mesh: Mesh): TimePrices {
  const shifts = new Map<string, Int32Array>();
  const shift = (axis: string): Int32Array => {
    const known = shifts.get(axis) ?? halfTurn(mesh, axis);
    shifts.set(axis, known);
    return known;
  };
  return {
    collective: (kind, bytes, operand, axes) => {
      const load = {
        kind,
        mesh,
        bytes,
        operand,
        axes: axes.filter((a) => a.size > 1),
        sources: () => shift(axes[0]?.name ?? ''),
      };
      return load.axes.length === 0 ? Number.MIN_VALUE : loadSeconds(load, machine);
    },
    memory: (bytes) => bytes / (machine.hbmBandwidth * machine.hbmEfficiency),
  };
}

/** A permute whose pairs are not known yet is taken for a shift by half along its first axis: the longest way of a ring. */
function halfTurn(mesh: Mesh, axis: string): Int32Array {
  const at = mesh.axes.findIndex((a) => a.name === axis);
  const inner = mesh.axes.slice(at + 1).reduce((n, a) => n * a.size, 1);
  const size = mesh.axes[at]?.size ?? 1;
  return Int32Array.from({ length: deviceCount(mesh) }, (_, device) => {
    const position = coordinates(mesh, device)[at] ?? 0;
    const source = (position + Math.floor(size / 2)) % size;
    return device + (source - position) * inner;
  });
}
