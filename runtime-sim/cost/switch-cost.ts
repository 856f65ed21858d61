/**
 * Seconds of one collective on switches within switches (jax-ml/scaling-book, GPU chapter). At each level the members
 * under one switch exchange what they lack; levels work at the same time.
 *
 *   bytes  V · (units-1)/units / members below      steps  units-1 on a ring, log2 of that on a tree, twice for all_reduce
 */
import { axesSize, type AxisRef, type Mesh } from '../../ir/mesh.ts';
import { unravel } from '../blocks.ts';
import { positionWeight } from '../../ir/permute.ts';
import type { Switched } from '../machine/machine.ts';
import type { CollectiveCost, LaneUse, Load } from './collective-cost.ts';

type Level = Switched['levels'][number];

export function switchCost(load: Load, net: Switched): CollectiveCost {
  if (load.pattern !== undefined) return permuteCost(load, load.pattern.sources(), net);
  const units = unitsOf(load, net);
  const rounds = load.kind === 'all_reduce' ? 2 : 1;
  const lanes = units.flatMap((u, i): LaneUse[] => {
    if (u.units === 1) return [];
    const bytes = load.kind === 'all_to_all' ? leaving(load, units, i) : rounds * passing(load.whole, u);
    const level = net.levels[i] as Level;
    return [{ lane: laneOf(i), bytes, seconds: bytes / (level.bandwidth * level.efficiency) }];
  });
  const latency = stepLatency(units, net, load) * rounds;
  return { seconds: net.setup + latency + Math.max(0, ...lanes.map((l) => l.seconds)), lanes };
}

/** Of one group at one level: members below one unit, and how many units it spans. */
interface Units {
  readonly below: number;
  readonly units: number;
}

const laneOf = (level: number): string => `net${level}`;

/** What one device passes on: its unit's share of what the other units hold, split among the members of the unit. */
const passing = (whole: number, { below, units }: Units): number => (whole * (units - 1)) / units / below;

/** all_to_all: the part for members that are first met at this level or beyond. */
function leaving({ operand }: Load, units: readonly Units[], level: number): number {
  const members = units.reduce((n, u) => n * u.units, 1);
  const inside = (units[level] as Units).below;
  return (operand * (members - inside)) / members;
}

/** Steps of a ring in the innermost switch, of a tree where arrays are small and between switches. */
function stepLatency(units: readonly Units[], net: Switched, load: Load): number {
  return units.reduce((sum, u, i) => {
    const tree = load.kind !== 'all_to_all' && (i > 0 || load.whole <= TREE_BYTES);
    return sum + (tree ? Math.ceil(Math.log2(u.units)) : u.units - 1) * (net.levels[i] as Level).latency;
  }, 0);
}

/** Largest array that libraries send whole down a tree within a node. */
const TREE_BYTES = 2 ** 18;

function unitsOf({ mesh, axes }: Load, net: Switched): Units[] {
  let below = 1;
  return net.levels.map((level, i) => {
    const inUnit =
      level.devices === undefined || i === net.levels.length - 1
        ? Math.max(below, membersWithin(mesh, axes, level.devices))
        : membersWithin(mesh, axes, level.devices);
    const found = { below, units: inUnit / below };
    below = inUnit;
    return found;
  });
}

/** How many members of the first device's group sit under its switch. */
function membersWithin(mesh: Mesh, axes: readonly AxisRef[], unit: number | undefined): number {
  const members = axesSize(axes);
  if (unit === undefined) return members;
  const sizes = axes.map((a) => a.size);
  const weights = axes.map((a) => positionWeight(mesh, a));
  const deviceAt = (position: number): number => mesh.deviceIds?.[position] ?? position;
  const home = Math.floor(deviceAt(0) / unit);
  let count = 0;
  for (let rank = 0; rank < members; rank++) {
    const position = unravel(rank, sizes).reduce((n, digit, i) => n + digit * (weights[i] as number), 0);
    if (Math.floor(deviceAt(position) / unit) === home) count++;
  }
  return count;
}

/** The outermost level that some pair crosses takes the time. */
function permuteCost(load: Load, sources: Int32Array, net: Switched): CollectiveCost {
  const crossed = sources.reduce((most, source, device) => Math.max(most, levelBetween(source, device, net)), -1);
  if (crossed < 0) return { seconds: 0, lanes: [] };
  const level = net.levels[crossed] as Level;
  const seconds = load.operand / (level.bandwidth * level.efficiency);
  return {
    seconds: net.setup + level.latency + seconds,
    lanes: [{ lane: laneOf(crossed), bytes: load.operand, seconds }],
  };
}

/** The innermost switch that reaches both; -1 for one device. */
function levelBetween(a: number, b: number, { levels }: Switched): number {
  if (a === b || a < 0) return -1;
  const at = levels.findIndex(
    (l) => l.devices === undefined || Math.floor(a / l.devices) === Math.floor(b / l.devices),
  );
  return at < 0 ? levels.length - 1 : at;
}
