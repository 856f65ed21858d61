/**
 * Seconds of one collective on an idle torus (jax-ml/scaling-book, "Sharded matrices"). V = bytes of the gathered array,
 * W = one link one way, f = members along a dim, c = groups of the collective that share that dim's links.
 *
 *   ring  V · c · (f-1)/f / 2W      line  V · c · (f-1)/f / W      several dims at once: rates add, up to what a corner sends
 *   all_reduce twice that · all_to_all n · f · c / 8W on a ring, / 4W on a line · a permute: the busiest link
 *
 * Between pods every device has its own way into the data-centre network; both stages run at the same time.
 */
import { type AxisRef, coordinates, type Mesh } from '../../ir/mesh.ts';
import type { Torus } from '../machine/machine.ts';
import { dcnDim, digitsOf, physicalCoordinates, type Placement } from '../machine/placement.ts';
import type { CollectiveCost, LaneUse, Load } from './collective-cost.ts';

export function torusCost(load: Load, net: Torus, placement: Placement): CollectiveCost {
  if (load.pattern !== undefined) return permuteCost(load, load.pattern.sources(), net, placement);
  const group = groupOn(placement, load.axes);
  return load.kind === 'all_to_all' ? exchange(load.operand, group, net) : gather(load, group, net);
}

/** Seconds as `torusCost` has them, permutes from a sample of their pairs: what a search over placements compares. */
export function estimate(load: Load, net: Torus, placement: Placement): number {
  if (load.pattern === undefined) return torusCost(load, net, placement).seconds;
  const sources = load.pattern.sources();
  const hops = placement.shape.map(() => 0);
  const step = Math.max(1, Math.floor(sources.length / SAMPLES));
  let pairs = 0;
  for (let device = 0; device < sources.length; device += step, pairs++) {
    const [from, to] = [sources[device] as number, device].map((d) =>
      physicalCoordinates(placement, load.mesh, coordinates(load.mesh, d)),
    ) as [number[], number[]];
    hops.forEach((_, dim) => {
      const ahead = Math.abs((to[dim] as number) - (from[dim] as number));
      const round = placement.wraps[dim] === true ? (placement.shape[dim] as number) - ahead : ahead;
      hops[dim] = (hops[dim] as number) + Math.min(ahead, round);
    });
  }
  const share = Math.max(...hops.map((n) => n / pairs));
  return net.setup + share * (load.operand / (net.linkBandwidth * net.efficiency) + net.hopLatency);
}

const SAMPLES = 64;

/** Where the members of one group stand along a dim. */
interface Side {
  readonly dim: number;
  readonly members: number;
  /** Groups that share a link: members stand that far apart. */
  readonly shared: number;
  readonly ring: boolean;
}

interface Group {
  readonly sides: readonly Side[];
  readonly pods: number;
  readonly inPod: number;
}

function groupOn(placement: Placement, axes: readonly AxisRef[]): Group {
  const digits = axes.flatMap((a) => digitsOf(placement, a));
  const dcn = dcnDim(placement);
  const sides = placement.shape.slice(0, dcn).flatMap((extent, dim): Side[] => {
    const own = digits.filter((d) => d.dim === dim);
    if (own.length === 0) return [];
    const members = own.reduce((n, d) => n * d.size, 1);
    const span = Math.max(...own.map((d) => d.size * d.stride));
    return [{ dim, members, shared: span / members, ring: span === extent && placement.wraps[dim] === true }];
  });
  const pods = digits.filter((d) => d.dim === dcn).reduce((n, d) => n * d.size, 1);
  return { sides, pods, inPod: sides.reduce((n, s) => n * s.members, 1) };
}

const hopsOf = ({ members, shared, ring }: Side): number => (ring ? Math.floor(members / 2) : members - 1) * shared;

/** all_gather and reduce_scatter; all_reduce is both, or, where that is sooner, everyone's array sent to everyone. */
function gather(load: Load, group: Group, net: Torus): CollectiveCost {
  const members = group.inPod * group.pods;
  const once = gatherBytes(load.whole, group, net);
  if (load.kind !== 'all_reduce') return once;
  const oneShot = gatherBytes(load.whole * members, group, net);
  const twice = joined(once, 2, net);
  return oneShot.seconds < twice.seconds ? oneShot : twice;
}

const joined = (cost: CollectiveCost, times: number, net: Torus): CollectiveCost => ({
  seconds: times * cost.seconds - (times - 1) * net.setup,
  lanes: cost.lanes.map((l) => ({ ...l, bytes: l.bytes * times, seconds: l.seconds * times })),
});

function gatherBytes(bytes: number, group: Group, net: Torus): CollectiveCost {
  const rate = net.linkBandwidth * net.efficiency;
  const members = group.inPod * group.pods;
  const alone = group.sides.map((s) => (bytes * s.shared * stepsShare(s, net)) / rate);
  const pooled = alone.reduce((sum, t) => sum + 1 / t, 0);
  const ports = group.sides.reduce((n, s) => n + (s.ring && s.members > 1 ? 2 : 1) / s.shared, 0);
  const corner = (bytes * (group.inPod - 1)) / group.inPod / (rate * ports);
  const torus = group.sides.length === 0 ? 0 : Math.max(1 / pooled, corner);
  const apart = (bytes * (group.pods - 1)) / group.pods / group.inPod;
  const dcn = apart / (net.dcn.bandwidth * net.dcn.efficiency);
  const sent = (bytes * (members - 1)) / members - apart;
  const lanes = group.sides.map((s, i): LaneUse => {
    const part = 1 / (alone[i] as number) / pooled;
    return { lane: `ici${s.dim}`, bytes: sent * part * s.shared, seconds: torus };
  });
  if (group.pods > 1) lanes.push({ lane: 'dcn', bytes: apart, seconds: dcn });
  return { seconds: total(group, net, Math.max(torus, dcn)), lanes };
}

/** Bytes over the busiest link in one direction, as a share of the gathered array. */
function stepsShare({ members, ring }: Side, net: Torus): number {
  if (!ring) return (members - 1) / members;
  return (net.ring === 'textbook' ? Math.ceil((members - 1) / 2) : (members - 1) / 2) / members;
}

/** Textbooks hide the way behind the bytes; measurements add them up. */
function total(group: Group, net: Torus, bytes: number): number {
  const hops = group.sides.reduce((n, s) => n + hopsOf(s), 0) * net.hopLatency;
  const dcn = group.pods > 1 ? net.dcn.setup + net.dcn.latency * Math.ceil(Math.log2(group.pods)) : 0;
  return net.setup + dcn + (net.ring === 'textbook' ? Math.max(hops, bytes) : hops + bytes);
}

/**
 * all_to_all: what crosses the middle of each dim; dims work at the same time. A message to each member begins after the one
 * before (the gap of LogGP, Alexandrov et al. 1995): what it takes to begin a collective of one message.
 */
function exchange(operand: number, group: Group, net: Torus): CollectiveCost {
  const rate = net.linkBandwidth * net.efficiency;
  const lanes = group.sides.map((s): LaneUse => {
    const crossing = (operand * s.members * s.shared) / (s.ring ? 8 : 4);
    return { lane: `ici${s.dim}`, bytes: crossing, seconds: crossing / rate };
  });
  const apart = (operand * (group.pods - 1)) / group.pods;
  if (group.pods > 1)
    lanes.push({ lane: 'dcn', bytes: apart, seconds: apart / (net.dcn.bandwidth * net.dcn.efficiency) });
  const more = Math.max(0, group.inPod - 2) * net.setup;
  return { seconds: more + total(group, net, Math.max(0, ...lanes.map((l) => l.seconds))), lanes };
}

/**
 * Every device sends to one other, dim by dim, the shorter way round, half of it along the dims in the opposite order:
 * time is that of the busiest link. O(devices × hops).
 */
function permuteCost(load: Load, sources: Int32Array, net: Torus, placement: Placement): CollectiveCost {
  const routes = routed(load.mesh, sources, placement);
  const rate = net.linkBandwidth * net.efficiency;
  const lanes = routes.busiest.map(
    (share, dim): LaneUse => ({
      lane: `ici${dim}`,
      bytes: share * load.operand,
      seconds: (share * load.operand) / rate,
    }),
  );
  const used = lanes.filter((l) => l.bytes > 0);
  if (routes.leaves)
    used.push({
      lane: 'dcn',
      bytes: load.operand,
      seconds: load.operand / (net.dcn.bandwidth * net.dcn.efficiency),
    });
  const latency = routes.longest * net.hopLatency + (routes.leaves ? net.dcn.setup + net.dcn.latency : 0);
  return { seconds: net.setup + latency + Math.max(0, ...used.map((l) => l.seconds)), lanes: used };
}

/** What a permute is on the links, whatever it moves. */
interface Routed {
  readonly mesh: Mesh;
  readonly placement: Placement;
  readonly busiest: readonly number[];
  readonly longest: number;
  readonly leaves: boolean;
}

/** By the map of a permute: a search over layouts asks for its price thousands of times. */
const known = new WeakMap<Int32Array, Routed>();

function routed(mesh: Mesh, sources: Int32Array, placement: Placement): Routed {
  const before = known.get(sources);
  if (before?.mesh === mesh && before.placement === placement) return before;
  const routes = new Routes(mesh, placement);
  sources.forEach((source, device) => {
    if (source !== device && source >= 0) routes.send(source, device);
  });
  const { longest, leaves } = routes;
  const found = { mesh, placement, busiest: routes.busiest(), longest, leaves };
  known.set(sources, found);
  return found;
}

/** Loads of all links, in shares of one device's operand. */
class Routes {
  longest = 0;
  leaves = false;
  private readonly mesh: Mesh;
  private readonly placement: Placement;
  private readonly extents: readonly number[];
  /** Per dim: [device in the pod's part, direction]. */
  private readonly loads: Float64Array[];

  constructor(mesh: Mesh, placement: Placement) {
    this.mesh = mesh;
    this.placement = placement;
    this.extents = placement.shape.slice(0, -1);
    const devices = placement.shape.reduce((a, b) => a * b, 1);
    this.loads = this.extents.map(() => new Float64Array(2 * devices));
  }

  busiest(): number[] {
    return this.loads.map((list) => list.reduce((most, n) => Math.max(most, n), 0));
  }

  send(source: number, device: number): void {
    const [from, to] = [this.place(source), this.place(device)];
    if (from.at(-1) !== to.at(-1)) {
      this.leaves = true;
      return;
    }
    const steps = this.extents.map((extent, dim) => this.way(from[dim] as number, to[dim] as number, extent, dim));
    const moving = steps.flatMap((ways, dim) => (ways.some(([n]) => n !== 0) ? [dim] : []));
    this.longest = Math.max(
      this.longest,
      steps.reduce((n, ways) => n + Math.abs(ways[0]?.[0] ?? 0), 0),
    );
    for (const order of moving.length > 1 ? [moving, moving.toReversed()] : [moving]) {
      const at = [...from];
      for (const dim of order) {
        for (const [hops, part] of steps[dim] as readonly Way[])
          this.walk(at, dim, hops, part / (moving.length > 1 ? 2 : 1));
        at[dim] = to[dim] as number;
      }
    }
  }

  /** Hops and the share that goes so: both ways round where they are equally long. */
  private way(from: number, to: number, extent: number, dim: number): Way[] {
    const ahead = to - from;
    if (this.placement.wraps[dim] !== true || Math.abs(ahead) * 2 < extent) return [[ahead, 1]];
    const round = ahead > 0 ? ahead - extent : ahead + extent;
    return Math.abs(ahead) * 2 === extent
      ? [
          [ahead, 0.5],
          [round, 0.5],
        ]
      : [[round, 1]];
  }

  private walk(from: readonly number[], dim: number, hops: number, part: number): void {
    const extent = this.extents[dim] as number;
    const loads = this.loads[dim] as Float64Array;
    const at = [...from];
    const direction = hops > 0 ? 0 : 1;
    for (let i = 0; i < Math.abs(hops); i++) {
      const link = 2 * this.index(at) + direction;
      loads[link] = (loads[link] as number) + part;
      at[dim] = ((at[dim] as number) + Math.sign(hops) + extent) % extent;
    }
  }

  private index(at: readonly number[]): number {
    return this.placement.shape.reduce((n, extent, dim) => n * extent + (at[dim] as number), 0);
  }

  private place(device: number): number[] {
    return physicalCoordinates(this.placement, this.mesh, coordinates(this.mesh, device));
  }
}

type Way = readonly [hops: number, part: number];
