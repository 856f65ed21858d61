/**
 * Manual regions (jax.shard_map): the function is what one device runs on its shards, with its collectives. Layouts name
 * the manual axes of each argument and result; inside, dims have their per-device extents.
 */
import { closedDim, globalShape, type Layout, type Monoid, openDim } from '../../ir/layout.ts';
import { type AxisRef, axesSize, fullAxis, type Mesh } from '../../ir/mesh.ts';
import { collectives } from '../../ir/ops/collectives.ts';
import { type CollectiveKind, type Op, readFromOutside, type ValueId } from '../../ir/program.ts';
import { tensor, type TensorType, typeText } from '../../ir/types.ts';
import { replaceReads } from './blocks.ts';
import { fail } from './errors.ts';
import { type DimSpec, readLayout, sameMeshAs } from './mesh.ts';
import { divide } from './ops/elementwise.ts';
import { dimOf } from './ops/lift.ts';
import type { Tensor } from './tensor.ts';
import { currentTrace, type Trace } from './trace.ts';
import { tensorsOf, withTensors } from './tree.ts';

export interface ShardMapOptions {
  /** Per argument: an entry per dim, for every tensor in it. */
  readonly inSpecs: readonly (readonly DimSpec[])[];
  /** Per tensor of the result, in order. */
  readonly outSpecs: readonly (readonly DimSpec[])[];
  /** Axes that the function handles itself; default all of the mesh. */
  readonly axes?: readonly string[];
  /** Checked against the program's. */
  readonly mesh?: Mesh;
}

export function shardMap<A extends readonly unknown[], R>(
  fn: (...args: A) => R,
  options: ShardMapOptions,
): (...args: A) => R {
  return (...args) => {
    const trace = currentTrace();
    const mesh = sameMeshAs(trace, options.mesh, 'shardMap');
    const manual = options.axes ?? mesh.axes.map((a) => a.name);
    manual.forEach((name) => axisRef(mesh, name));
    const layoutAs = layoutReader(trace, mesh, manual);
    const operands = args.flatMap((arg, i) => tensorsOf(arg).map((t) => ({ t, dims: options.inSpecs[i] })));
    if (options.inSpecs.length !== args.length)
      fail('SH0607', `shardMap has ${options.inSpecs.length} inSpecs for ${args.length} arguments`, {
        expected: 'one per argument',
      });
    const inLayouts = operands.map(({ t, dims = [] }) => layoutAs(dims, t.shape.length));
    const ids = operands.map(({ t }) => trace.id(t));
    const types = ids.map((id, i) => localType(trace.b.typeOf(id), inLayouts[i] as Layout, manual));
    trace.manualAxes.push(...manual);
    const {
      block,
      types: ends,
      rest,
    } = trace.region('the body of a shardMap', types, (params) => {
      const out = fn(...withTensors(args, params));
      return { returned: tensorsOf(out), rest: out };
    });
    trace.manualAxes.length -= manual.length;
    if (options.outSpecs.length !== ends.length)
      fail('SH0607', `shardMap has ${options.outSpecs.length} outSpecs, the function gives ${ends.length} tensors`, {
        expected: 'one per tensor of the result',
      });
    const outLayouts = ends.map((t, i) => layoutAs(options.outSpecs[i] as readonly DimSpec[], t.shape.length));
    const results = ends.map((t, i) => tensor(t.dtype, globalShape(t.shape, outLayouts[i] as Layout)));
    // What the body reads from around enters whole.
    const captured = readFromOutside([block]);
    const attrs: Op['attrs'] = {
      in_layouts: [
        ...inLayouts,
        ...captured.map((id) =>
          layoutAs(
            trace.b.typeOf(id).shape.map(() => null),
            trace.b.typeOf(id).shape.length,
          ),
        ),
      ],
      out_layouts: outLayouts,
      manual_axes: manual,
    };
    const made = trace.build((b) => {
      const now = new Map(captured.map((id) => [id, b.value(b.typeOf(id))] as const));
      const body = { ...replaceReads(block, now), params: [...block.params, ...now.values()] };
      return b.op('manual_computation', [...ids, ...captured], results, b.origin, attrs, [body]);
    });
    return withTensors(
      rest,
      made.map((id: ValueId) => trace.tensor(id)),
    );
  };
}

/** Dims that free axes may still split are open where there are any. */
function layoutReader(
  trace: Trace,
  mesh: Mesh,
  manual: readonly string[],
): (dims: readonly DimSpec[], rank: number) => Layout {
  const free = mesh.axes.some((a) => !manual.includes(a.name));
  return (dims, rank) => {
    const layout = readLayout(trace, dims, rank);
    const other = layout.dims.flatMap((d) => d.axes).find((a) => !manual.includes(a.name));
    if (other !== undefined)
      fail('SH0210', `${other.name} is not a manual axis of this shardMap`, {
        expected: `one of ${manual.join(', ')}`,
      });
    return { ...layout, dims: layout.dims.map((d) => (free ? openDim(d.axes) : closedDim(d.axes))) };
  };
}

function localType(type: TensorType, layout: Layout, manual: readonly string[]): TensorType {
  return tensor(
    type.dtype,
    type.shape.map((n, d) => {
      const parts = axesSize((layout.dims[d]?.axes ?? []).filter((a) => manual.includes(a.name)));
      if (n % parts !== 0)
        fail('SH0204', `shardMap: dim ${d} of ${typeText(type)} does not divide into ${parts} shards`);
      return n / parts;
    }),
  );
}

type Axes = string | readonly string[];

function axisRef(mesh: Mesh, name: string): AxisRef {
  if (!mesh.axes.some((a) => a.name === name))
    fail('SH0210', `mesh @${mesh.name} has no axis "${name}"`, {
      expected: `one of ${mesh.axes.map((a) => a.name).join(', ')}`,
    });
  return fullAxis(mesh, name);
}

/** The axes of a collective, which have to be manual where it stands. */
function manualAxes(trace: Trace, what: string, names: Axes): { mesh: Mesh; axes: AxisRef[] } {
  const mesh = sameMeshAs(trace, undefined, what);
  const axes = (typeof names === 'string' ? [names] : names).map((n) => axisRef(mesh, n));
  const free = axes.find((a) => !trace.manualAxes.includes(a.name));
  if (free !== undefined)
    fail('SH0210', `${what} over ${free.name}, which is not manual here`, {
      expected: trace.manualAxes.length === 0 ? 'a shardMap around it' : `one of ${trace.manualAxes.join(', ')}`,
    });
  return { mesh, axes };
}

function emit(kind: CollectiveKind | 'axis_index', x: readonly Tensor[], attrs: Op['attrs']): Tensor {
  const trace = currentTrace();
  const ids = x.map((t) => trace.id(t));
  const made = trace.build((b) => {
    const operands = ids.map((id) => b.typeOf(id));
    return b.op(kind, ids, collectives[kind]?.infer({ kind, attrs, operands, regions: [] }) ?? [], b.origin, attrs);
  });
  return trace.tensor(made[0] as ValueId);
}

const reduceOver =
  (what: string, monoid: Monoid) =>
  <T extends Tensor>(x: T, axes: Axes): T => {
    const on = manualAxes(currentTrace(), what, axes);
    return emit('all_reduce', [x], { mesh: on.mesh.name, axes: on.axes, monoid }) as T;
  };

/** Sums over the devices along axes. */
export const psum = reduceOver('psum', 'sum');
export const pmax = reduceOver('pmax', 'max');
export const pmin = reduceOver('pmin', 'min');
export const pmean = <T extends Tensor>(x: T, axes: Axes): T => divide(psum(x, axes), axisSize(axes)) as Tensor as T;

/** Shards along axes joined on a dim. */
export const allGather = (x: Tensor, axes: Axes, dim = 0): Tensor => onDim('all_gather', 'allGather', x, axes, dim, {});
/** A sum over axes, each device left with its shard of a dim. */
export const reduceScatter = (x: Tensor, axes: Axes, dim = 0): Tensor =>
  onDim('reduce_scatter', 'reduceScatter', x, axes, dim, { monoid: 'sum' });

function onDim(kind: CollectiveKind, what: string, x: Tensor, axes: Axes, dim: number, more: Op['attrs']): Tensor {
  const on = manualAxes(currentTrace(), what, axes);
  const at = dimOf(x, dim);
  return emit(kind, [x], { mesh: on.mesh.name, axes: x.shape.map((_, d) => (d === at ? on.axes : [])), ...more });
}

/** Dim `split` is cut into a part per device along axes; the parts that arrive are joined on dim `concat`. */
export function allToAll(x: Tensor, axes: Axes, dims: { readonly split: number; readonly concat: number }): Tensor {
  const on = manualAxes(currentTrace(), 'allToAll', axes);
  return emit('all_to_all', [x], {
    mesh: on.mesh.name,
    moves: [{ axes: on.axes, source: dimOf(x, dims.concat), target: dimOf(x, dims.split) }],
  });
}

/** Pairs [from, to] of places along an axis; where nothing arrives there are zeros. */
export function ppermute<T extends Tensor>(x: T, axes: Axes, pairs: readonly (readonly [number, number])[]): T {
  const on = manualAxes(currentTrace(), 'ppermute', axes);
  const count = axesSize(on.axes);
  const sources = new Array<number>(count).fill(-1);
  for (const [from, to] of pairs) {
    const beyond = [from, to].find((p) => !Number.isInteger(p) || p < 0 || p >= count);
    const again = sources[to] !== -1 || sources.includes(from);
    if (beyond !== undefined || again)
      fail(
        'SH0204',
        `ppermute: the pair [${from}, ${to}] ${beyond === undefined ? 'uses a place again' : `is beyond the ${count} places`}`,
        {
          expected: `pairs of 0 to ${count - 1}, each sending once and receiving once`,
        },
      );
    sources[to] = from;
  }
  return emit('device_permute', [x], { mesh: on.mesh.name, axes: on.axes, sources }) as T;
}

/** Every device gets what the one `by` places further along the axis holds, around the end. */
export function pshift<T extends Tensor>(x: T, axis: string, by = 1): T {
  const on = manualAxes(currentTrace(), 'pshift', axis);
  if (!Number.isSafeInteger(by))
    fail('SH0204', `pshift: ${by} is not a number of places`, { expected: 'a whole number' });
  return emit('collective_shift', [x], { mesh: on.mesh.name, axes: on.axes, by, flip: false, wrap: true }) as T;
}

/** This device's place along axes. */
export function axisIndex(axes: Axes): Tensor<'i32', readonly []> {
  const on = manualAxes(currentTrace(), 'axisIndex', axes);
  return emit('axis_index', [], { mesh: on.mesh.name, axes: on.axes }) as Tensor<'i32', readonly []>;
}

/** How many devices stand along axes. */
export const axisSize = (axes: Axes): number => axesSize(manualAxes(currentTrace(), 'axisSize', axes).axes);
