/**
 * Where a wrong program goes wrong: the first value, in the order of the run, that is not what the one-device program has
 * under the same name, and what stands between it and the values that are right.
 */
import type { TensorArray } from '../ir/array.ts';
import type { Layout } from '../ir/layout.ts';
import type { Registry } from '../ir/op.ts';
import { Places } from '../ir/places.ts';
import {
  type Func,
  isCollective,
  mainFunction,
  meshOf,
  type Module,
  type Op,
  synchronous,
  type ValueId,
  valueInfo,
  walkOps,
} from '../ir/program.ts';
import { compareResults } from './check.ts';
import { blockIndex, DeviceGrid } from './device-grid.ts';
import { ReplicaMismatch } from './distributed.ts';
import { runOneDevice } from './interpret.ts';
import { runSpmd } from './spmd.ts';

export interface Blame {
  /** As the source names it. */
  readonly value: string;
  readonly source: string;
  readonly op: string;
  readonly index: readonly number[];
  readonly expected: number;
  readonly got: number;
  /** Devices that hold the element, up to eight. */
  readonly devices: readonly number[];
  /** Collectives on the way from the last right values, each with its place and why it is there. */
  readonly suspects: readonly string[];
}

export interface BlameRequest {
  readonly whole: Module;
  readonly local: Module;
  readonly registry: Registry;
  readonly inputs: readonly TensorArray[];
  readonly tolerance: number;
}

/** Undefined where every value that both programs name is right: then what differs has no name. */
export function blame({ whole, local, registry, inputs, tolerance }: BlameRequest): Blame | undefined {
  const expected = namedValues(whole, registry, inputs);
  const func = mainFunction(local);
  const right = new Set<ValueId>();
  const seen = new Set<string>();
  let found: { id: ValueId; difference: Pick<Blame, 'index' | 'expected' | 'got'> } | undefined;
  const onValue = (id: ValueId, assembled: () => TensorArray): void => {
    const key = keyOf(func, id);
    const want = key === undefined || seen.has(key) ? undefined : expected.get(key);
    if (key === undefined || want === undefined || found !== undefined) return;
    seen.add(key);
    const difference = differenceOf(want, assembled, tolerance);
    if (difference === undefined) right.add(id);
    else found = { id, difference };
  };
  try {
    runSpmd(local, registry, inputs, 'wide', { checkClaims: false, onValue });
  } catch {
    // A wrong program may also be one that cannot run on: what was found until then counts.
  }
  return found === undefined ? undefined : describe(local, found.id, found.difference, right);
}

function namedValues(whole: Module, registry: Registry, inputs: readonly TensorArray[]): Map<string, TensorArray> {
  const found = new Map<string, TensorArray>();
  const func = mainFunction(whole);
  const onValue = (id: ValueId, value: TensorArray): void => {
    const key = keyOf(func, id);
    if (key !== undefined && !found.has(key)) found.set(key, value);
  };
  runOneDevice(whole, registry, inputs, 'wide', { onValue });
  return found;
}

/** A name in the source and where it stands: the same in both programs. */
function keyOf(func: Func, id: ValueId): string | undefined {
  const { name, origin } = func.values[id] ?? {};
  return name === undefined ? undefined : `${name}@${origin?.span?.start ?? ''}`;
}

function differenceOf(
  want: TensorArray,
  assembled: () => TensorArray,
  tolerance: number,
): Pick<Blame, 'index' | 'expected' | 'got'> | undefined {
  try {
    const got = assembled();
    if (got.shape.join() !== want.shape.join()) return undefined;
    return compareResults([want], [got], tolerance).first;
  } catch (error) {
    if (!(error instanceof ReplicaMismatch)) throw error;
    return { index: [], expected: Number.NaN, got: Number.NaN };
  }
}

function describe(
  local: Module,
  id: ValueId,
  difference: Pick<Blame, 'index' | 'expected' | 'got'>,
  right: ReadonlySet<ValueId>,
): Blame {
  const func = mainFunction(local);
  const places = new Places(local.source);
  const makers = new Map<ValueId, Op>();
  for (const op of walkOps(func.body)) for (const r of op.results) makers.set(r, op);
  const { name, origin, layout, type } = valueInfo(func, id);
  return {
    value: `%${name ?? id}`,
    source: places.of(origin),
    op: synchronous(makers.get(id) ?? ({ kind: 'argument' } as Op)).kind,
    ...difference,
    devices: layout === undefined ? [] : holders(local, layout, difference.index, type.shape),
    suspects: upstream(id, makers, right).map((op) => {
      const why = op.origin.reason ?? 'no reason noted';
      return `${op.kind} at ${places.of(op.origin)}: ${why}`;
    }),
  };
}

const MAX_SUSPECTS = 4;

/** Collectives among the makers of a value, nearest first, up to values that are right. */
function upstream(id: ValueId, makers: ReadonlyMap<ValueId, Op>, right: ReadonlySet<ValueId>): Op[] {
  const found: Op[] = [];
  const queue = [id];
  const seen = new Set(queue);
  for (let i = 0; i < queue.length && found.length < MAX_SUSPECTS; i++) {
    const op = makers.get(queue[i] as ValueId);
    if (op === undefined) continue;
    const collective = synchronous(op);
    if (isCollective(collective)) found.push(collective);
    for (const v of op.operands) {
      if (seen.has(v) || right.has(v)) continue;
      seen.add(v);
      queue.push(v);
    }
  }
  return found;
}

const MAX_DEVICES = 8;

function holders(local: Module, layout: Layout, index: readonly number[], shape: readonly number[]): number[] {
  const grid = new DeviceGrid(meshOf(local, layout.mesh));
  const found: number[] = [];
  for (let device = 0; device < grid.size && found.length < MAX_DEVICES; device++) {
    const block = blockIndex(grid, layout, device);
    if (index.every((i, d) => Math.floor(i / (shape[d] as number)) === block[d])) found.push(device);
  }
  return found;
}

/** One line for people. */
export function blameText({ value, source, op, index, expected, got, devices, suspects }: Blame): string {
  const what =
    index.length === 0 && Number.isNaN(expected) ? 'copies differ' : `[${index.join(', ')}] is ${got}, not ${expected}`;
  const where = devices.length === 0 ? '' : ` on device${devices.length > 1 ? 's' : ''} ${devices.join(', ')}`;
  const by = suspects.length === 0 ? '' : `; on the way to it: ${suspects.join('; ')}`;
  return `the first wrong value is ${value} (${op}${source === '' ? '' : `, ${source}`}): ${what}${where}${by}`;
}
