/**
 * Seconds of one collective on an idle network (jax-ml/scaling-book, "Sharded matrices" and the GPU chapter).
 * Torus, W = both directions of one ring, k = rings used: all_gather, reduce_scatter V(g-1)/(g·W·k) + hops · latency,
 * all_reduce twice that, all_to_all n · longest ring / 4W. Lines instead of rings take twice as long.
 */
import { axesSize, type AxisRef, axisSize, coordinates, type Mesh } from '../../ir/mesh.ts';
import { internalError } from '../../ir/diagnostics.ts';
import { type CollectiveKind, type Func, type Op, typeOf, type ValueId } from '../../ir/program.ts';
import { byteSize } from '../../ir/types.ts';
import { positionWeight } from '../device-grid.ts';
import { unravel } from '../blocks.ts';
import { collectiveAxes, collectiveBytes, permuteMap } from './collective-bytes.ts';
import type { Machine, Switched, Torus } from './machine.ts';

export function collectiveSeconds(op: Op, func: Func, meshes: readonly Mesh[], machine: Machine): number {
  const { kind, bytes } = collectiveBytes(op, func, meshes);
  if (bytes === 0) return 0;
  const name = (op.attrs.mesh as string | undefined) ?? '';
  const mesh = meshes.find((m) => m.name === name);
  if (mesh === undefined) throw internalError(`${kind} names no mesh`);
  const operand = op.operands.reduce((n, v) => n + byteSize(typeOf(func, v as ValueId)), 0);
  const load: Load = {
    kind,
    mesh,
    bytes,
    operand,
    axes: collectiveAxes(op).filter((a) => a.size > 1),
    sources: () => permuteMap(op, meshes),
  };
  return loadSeconds(load, machine);
}

/** Seconds of a collective that is not (yet) an op of a program. */
export const loadSeconds = (load: Load, { network }: Machine): number =>
  network.kind === 'torus' ? torusSeconds(load, network) : switchSeconds(load, network);

export interface Load {
  readonly kind: CollectiveKind;
  readonly mesh: Mesh;
  /** Wire bytes of one device. */
  readonly bytes: number;
  /** Bytes of the operand on one device. */
  readonly operand: number;
  readonly axes: readonly AxisRef[];
  /** Of a permute: the device that each one receives from. */
  readonly sources: () => Int32Array;
}

const isPermute = (kind: CollectiveKind): boolean =>
  kind === 'collective_permute' || kind === 'collective_shift' || kind === 'device_permute';

/** Each mesh axis is taken to be its own ring (or line) of the torus. */
function torusSeconds(load: Load, net: Torus): number {
  const bandwidth = net.axisBandwidth * net.efficiency;
  if (isPermute(load.kind)) {
    const hops = longestHops(load.mesh, load.sources(), net);
    return (load.operand * hops) / (bandwidth / 2) + hops * net.hopLatency;
  }
  const wrapped = load.axes.every((a) => a.size === axisSize(load.mesh, a.name) && a.size % net.wrapMultiple === 0);
  const line = wrapped ? 1 : 2;
  const rings = Math.min(net.dims, new Set(load.axes.map((a) => a.name)).size);
  const hops = load.axes.reduce((n, a) => n + Math.ceil(a.size / 2), 0) * line;
  const longest = Math.max(...load.axes.map((a) => a.size));
  if (load.kind === 'all_to_all') return (line * load.operand * longest) / (4 * bandwidth) + hops * net.hopLatency;
  const rounds = load.kind === 'all_reduce' ? 2 : 1;
  return (line * load.bytes) / (bandwidth * rings) + rounds * hops * net.hopLatency;
}

/** Mean number of hops along the axis that is used most, at least 1: what the busiest links carry per operand byte. */
function longestHops(mesh: Mesh, sources: Int32Array, net: Torus): number {
  const total = mesh.axes.map(() => 0);
  sources.forEach((source, device) => {
    const [a, b] = [coordinates(mesh, source), coordinates(mesh, device)];
    mesh.axes.forEach(({ size }, i) => {
      const straight = Math.abs((a[i] as number) - (b[i] as number));
      const hops = size % net.wrapMultiple === 0 ? Math.min(straight, size - straight) : straight;
      total[i] = (total[i] as number) + hops;
    });
  });
  return Math.max(1, ...total.map((t) => t / sources.length));
}

/** In a node every device has its own way to the switch; between nodes the node's devices share one. */
function switchSeconds(load: Load, net: Switched): number {
  const fast = net.deviceBandwidth * net.efficiency;
  const slow = (net.nodeBandwidth / net.nodeSize) * net.efficiency;
  if (isPermute(load.kind)) {
    const leaves = load.sources().some((s, d) => Math.floor(s / net.nodeSize) !== Math.floor(d / net.nodeSize));
    return net.startLatency + load.operand / (leaves ? slow : fast);
  }
  const g = axesSize(load.axes);
  const inNode = membersInNode(load.mesh, load.axes, net.nodeSize);
  const nodes = g / inNode;
  const rounds = load.kind === 'all_reduce' ? 2 : 1;
  const latency = net.startLatency + rounds * net.hopLatency * (inNode - 1 + Math.ceil(Math.log2(nodes)));
  if (nodes === 1) return latency + load.bytes / fast;
  // What leaves the node, per device: an all_to_all sends each other node its own part; the others send a sum once per node.
  const whole = load.bytes / ((g - 1) / g);
  const leaving = (whole * (nodes - 1)) / nodes / (load.kind === 'all_to_all' ? 1 : inNode);
  return latency + Math.max(load.bytes / fast, leaving / slow);
}

/** How many members of the first device's group sit in its node. */
function membersInNode(mesh: Mesh, axes: readonly AxisRef[], nodeSize: number): number {
  const sizes = axes.map((a) => a.size);
  const weights = axes.map((a) => positionWeight(mesh, a));
  const deviceAt = (position: number): number => mesh.deviceIds?.[position] ?? position;
  const node = Math.floor(deviceAt(0) / nodeSize);
  let count = 0;
  for (let rank = 0; rank < axesSize(axes); rank++) {
    const position = unravel(rank, sizes).reduce((n, digit, i) => n + digit * (weights[i] as number), 0);
    if (Math.floor(deviceAt(position) / nodeSize) === node) count++;
  }
  return count;
}
