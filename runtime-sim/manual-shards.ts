/**
 * Manual computations as one device runs them: all their shards in lockstep, each with arrays of its own. This is what a
 * manual computation means; the partitioned program has to agree with it, so the two share no code but kernels.
 *
 *   mesh x=2 y=4, manual_axes=[x]:  2 shards of whatever y will do with their values
 */
import type { TensorArray } from '../ir/array.ts';
import { userError } from '../ir/diagnostics.ts';
import type { Layout } from '../ir/layout.ts';
import { axesSize, axisIndex, type AxisRef, deviceCount, fullAxis, type Mesh } from '../ir/mesh.ts';
import type { Op } from '../ir/program.ts';
import { offsetIn, planBlock, storageCount } from './blocks.ts';
import { runMove } from './kernels/move.ts';
import { storageLike } from './stacked.ts';

/** The shards of the manual computations around: positions, row-major, in a mesh of the manual axes alone. */
export interface ManualShards {
  readonly mesh: Mesh;
  readonly count: number;
}

/** Shards inside a manual computation: each of those around, split along its axes. */
export function shardsInside(around: ManualShards | undefined, mesh: Mesh, manual: readonly string[]): ManualShards {
  const axes = manual.map((name) => ({ name, size: fullAxis(mesh, name).size }));
  const inner: Mesh = { name: mesh.name, axes: [...(around?.mesh.axes ?? []), ...axes] };
  return { mesh: inner, count: deviceCount(inner) };
}

/** Arrays around → one per shard inside: each takes its block along the axes that are manual from here on. */
export function splitInto(
  inside: ManualShards,
  arrays: readonly TensorArray[],
  layout: Layout,
  manual: readonly string[],
  op: Op,
): TensorArray[] {
  const axes = manualAxes(layout, manual);
  return Array.from({ length: inside.count }, (_, shard) => {
    const whole = arrays[outerOf(inside, arrays.length, shard)] as TensorArray;
    if (axes.every((a) => a.length === 0)) return whole;
    const sizes = whole.shape.map((n, d) => blockSize(n, axes[d] ?? [], op));
    const start = sizes.map((n, d) => n * indexAlong(inside, axes[d] ?? [], shard));
    const data = storageLike(whole.data, storageCount(sizes, whole.dtype));
    runMove(
      planBlock(sizes, whole.shape, sizes, whole.dtype),
      whole.data,
      offsetIn(whole.shape, start, whole.dtype),
      data,
      0,
    );
    return { dtype: whole.dtype, shape: sizes, data };
  });
}

/**
 * One per shard inside → arrays around. Shards that say they hold the same block must: the first one's is taken. What is
 * owed over a manual axis is paid here.
 */
export function joinFrom(
  inside: ManualShards,
  arrays: readonly TensorArray[],
  layout: Layout,
  manual: readonly string[],
  around: number,
  op: Op,
  combine: (a: TensorArray, b: TensorArray) => TensorArray,
): TensorArray[] {
  const axes = manualAxes(layout, manual);
  const owed = layout.unreduced.filter((a) => manual.includes(a.name));
  const first = arrays[0] as TensorArray;
  const shape = first.shape.map((n, d) => n * axesSize(axes[d] ?? []));
  const perOuter = inside.count / around;
  return Array.from({ length: around }, (_, outer) => {
    const shares = new Map<string, Map<number, TensorArray>>();
    for (let shard = outer * perOuter; shard < (outer + 1) * perOuter; shard++) {
      const block = axes.map((a) => indexAlong(inside, a, shard)).join();
      const share = indexAlong(inside, owed, shard);
      const held = shares.get(block) ?? new Map<number, TensorArray>();
      shares.set(block, held);
      const known = held.get(share);
      if (known === undefined) held.set(share, arrays[shard] as TensorArray);
      else expectAlike(known, arrays[shard] as TensorArray, op);
    }
    const data = storageLike(first.data, storageCount(shape, first.dtype));
    const plan = planBlock(first.shape, first.shape, shape, first.dtype);
    for (const [block, held] of shares) {
      const start = first.shape.map((n, d) => Number(block.split(',')[d]) * n);
      runMove(plan, [...held.values()].reduce(combine).data, 0, data, offsetIn(shape, start, first.dtype));
    }
    return { dtype: first.dtype, shape, data };
  });
}

/** Per shard: its index along axes. */
export const indexAlong = (shards: ManualShards, axes: readonly AxisRef[], shard: number): number =>
  axes.reduce((index, a) => index * a.size + axisIndex(shards.mesh, a, shard), 0);

/** Of each dim, the axes that the computation is manual over: they come first. */
const manualAxes = (layout: Layout, manual: readonly string[]): AxisRef[][] =>
  layout.dims.map((d) => d.axes.filter((a) => manual.includes(a.name)));

const outerOf = (inside: ManualShards, around: number, shard: number): number =>
  Math.floor(shard / (inside.count / around));

function blockSize(size: number, axes: readonly AxisRef[], op: Op): number {
  const parts = axesSize(axes);
  if (size % parts !== 0)
    throw userError('SH0232', `a manual computation splits a dim of ${size} elements into ${parts} shards`, {
      span: op.origin.span,
      expected: `a multiple of ${parts}`,
    });
  return size / parts;
}

/** Same numbers, but for what the order of sums does to them. */
const ALIKE = 1e-6;

/** Throws where copies of what a manual computation says it replicates differ. */
export function expectAlike(a: TensorArray, b: TensorArray, op: Op): void {
  if (a === b || a.data === b.data) return;
  let scale = 0;
  for (let i = 0; i < a.data.length; i++) scale = Math.max(scale, finite(Math.abs(Number(a.data[i]))));
  for (let i = 0; i < a.data.length; i++) {
    const [x, y] = [Number(a.data[i]), Number(b.data[i])];
    if (x === y || (Number.isNaN(x) && Number.isNaN(y)) || Math.abs(x - y) <= ALIKE * scale) continue;
    throw userError(
      'SH0233',
      'a manual computation gives different numbers where it says that its result is replicated',
      {
        span: op.origin.span,
        expected: `equal copies; two shards hold ${x} and ${y} at element ${i}`,
        help: 'reduce or gather the result over those axes, or name them in its layout (out_specs)',
      },
    );
  }
}

const finite = (x: number): number => (Number.isFinite(x) ? x : 0);
