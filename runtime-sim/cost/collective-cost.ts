/** What one collective takes of the network: seconds while nothing else is on the links, and what it puts on which. */
import { internalError } from '../../ir/diagnostics.ts';
import type { AxisRef, Mesh } from '../../ir/mesh.ts';
import { type CollectiveKind, type Func, type Op, typeOf, type ValueId } from '../../ir/program.ts';
import { byteSize } from '../../ir/types.ts';
import type { Machine } from '../machine/machine.ts';
import type { Placement } from '../machine/placement.ts';
import { axesKey } from '../device-grid.ts';
import { collectiveAxes, collectiveBytes, patternKey, permuteMap } from './collective-bytes.ts';
import { switchCost } from './switch-cost.ts';
import { torusCost } from './torus-cost.ts';

export interface LaneUse {
  /** `ici0`, `ici1`, … the torus' dims, `dcn`; `net0`, `net1`, … the switches' levels, innermost first. */
  readonly lane: string;
  /** That the busiest device puts on it. */
  readonly bytes: number;
  readonly seconds: number;
}

export interface CollectiveCost {
  readonly seconds: number;
  readonly lanes: readonly LaneUse[];
}

/** A collective as the network sees it. */
export interface Load {
  readonly kind: CollectiveKind;
  readonly mesh: Mesh;
  /** Bytes of the operand on one device. */
  readonly operand: number;
  /** Bytes of the gathered, or not yet scattered, array of one group. */
  readonly whole: number;
  readonly axes: readonly AxisRef[];
  /** Of permutes and shifts. */
  readonly pattern?: Pattern;
}

export interface Pattern {
  /** Equal for equal maps. */
  readonly key: string;
  /** The device that each one receives from; itself where it receives nothing. */
  readonly sources: () => Int32Array;
}

export const loadKey = ({ kind, operand, whole, axes, pattern }: Load): string =>
  `${kind} ${operand} ${whole} ${axesKey(axes)} ${pattern?.key ?? ''}`;

const NOTHING: CollectiveCost = { seconds: 0, lanes: [] };

export function loadCost(load: Load, { network }: Machine, placement: Placement | undefined): CollectiveCost {
  if (network.kind === 'switch') return switchCost(load, network);
  if (placement === undefined) throw internalError('a torus needs the mesh placed on it');
  return torusCost(load, network, placement);
}

export function collectiveCost(
  op: Op,
  func: Func,
  meshes: readonly Mesh[],
  machine: Machine,
  placement: Placement | undefined,
): CollectiveCost {
  const load = loadOf(op, func, meshes);
  return load === undefined ? NOTHING : loadCost(load, machine, placement);
}

/** Undefined where nothing crosses the wire. `func` is at the local level. */
export function loadOf(op: Op, func: Func, meshes: readonly Mesh[]): Load | undefined {
  const { kind, bytes } = collectiveBytes(op, func, meshes);
  if (bytes === 0) return undefined;
  const mesh = meshes.find((m) => m.name === op.attrs.mesh);
  if (mesh === undefined) throw internalError(`${kind} names no mesh`);
  const sizeOf = (ids: readonly ValueId[]): number => ids.reduce((n, v) => n + byteSize(typeOf(func, v)), 0);
  const [operand, result] = [sizeOf(op.operands), sizeOf(op.results)];
  const moves = kind === 'collective_permute' || kind === 'collective_shift' || kind === 'device_permute';
  return {
    kind,
    mesh,
    operand,
    whole: kind === 'all_gather' ? result : operand,
    axes: collectiveAxes(op).filter((a) => a.size > 1),
    ...(moves ? { pattern: { key: patternKey(op), sources: () => permuteMap(op, meshes) } } : {}),
  };
}
