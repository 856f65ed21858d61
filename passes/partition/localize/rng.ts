/**
 * Random numbers as on one device, whatever the layout.
 *
 * rng_bit_generator: bits follow from a counter. Where a shard of the leading dim takes a run of counters, the device
 * starts at its own (`state + axis_index · run`); over all other dims, and for DEFAULT, whose algorithm is the machine's
 * choice, the bits are generated whole and cut.
 *
 *   %s, %b = rng_bit_generator %0 algorithm=PHILOX : u64[3], u32[64] @{x}      // x=4: 16 elements, 4 counters a shard
 *   →  %1 = [key, low + 4 · axis_index {x}, high + carry];  %b = rng_bit_generator %1 : u32[16]
 *
 * rng: one device draws, the others get what it drew.
 */
import type { OpAttrs } from '../../../ir/attrs.ts';
import { dimAxes, type Layout } from '../../../ir/layout.ts';
import { axesSize, fullAxis } from '../../../ir/mesh.ts';
import { philoxElements, threefryCounters } from '../../../ir/ops/random-bits.ts';
import type { ValueId } from '../../../ir/program.ts';
import { DTYPES, elementCount, tensor, type TensorType, withShape } from '../../../ir/types.ts';
import type { Emitter, Localizer, Site } from './localizer.ts';

const WORD = tensor('u64', []);

export const localizeRngBitGenerator: Localizer = (site) => {
  const { emit } = site;
  const attrs = site.op.attrs as unknown as OpAttrs['rng_bit_generator'];
  const [state] = site.operands as readonly [ValueId];
  const [stateType, whole] = site.resultTypes as readonly [TensorType, TensorType];
  const layout = site.resultLayouts[1] as Layout;
  const run = runOfCounters(attrs, whole, layout);
  if (run === null) {
    const [after, bits] = emit.ops(
      'rng_bit_generator',
      [state],
      [stateType, whole],
      { ...attrs, shape: whole.shape },
      [],
    );
    return [after as ValueId, block(emit, bits as ValueId, layout, -1)];
  }
  const axes = dimAxes(layout, run.dim);
  const words = Array.from({ length: stateType.shape[0] as number }, (_, i) => wordOf(emit, state, i));
  const [key, low] = words as [ValueId, ValueId];
  const high = words[2] ?? key;
  const mine = emit.binary(
    'multiply',
    emit.convert(emit.axisIndex(axes), 'u64'),
    emit.constant(WORD, [BigInt(run.counters)]),
  );
  const total = emit.constant(WORD, [BigInt(run.total)]);
  const philox = attrs.algorithm === 'PHILOX';
  const from = philox ? [key, ...advanced(emit, low, high, mine)] : [key, emit.binary('add', low, mine)];
  const after = words.length === 3 ? [key, ...advanced(emit, low, high, total)] : [key, emit.binary('add', low, total)];
  const part = withShape(
    whole,
    whole.shape.map((n, d) => (d === run.dim ? n / axesSize(axes) : n)),
  );
  const start = stateOf(emit, from);
  const [, bits] = emit.ops(
    'rng_bit_generator',
    [start],
    [emit.typeOf(start), part],
    { ...attrs, shape: part.shape },
    [],
  );
  return [stateOf(emit, after), block(emit, bits as ValueId, layout, run.dim)];
};

interface Run {
  /** The dim that is generated shard by shard. */
  readonly dim: number;
  /** Counters that a shard takes, and all of them. */
  readonly counters: number;
  readonly total: number;
}

/** Null where shards do not take counters that follow one another. */
function runOfCounters(
  { algorithm }: OpAttrs['rng_bit_generator'],
  { dtype, shape }: TensorType,
  layout: Layout,
): Run | null {
  const dim = shape.findIndex((n) => n > 1);
  const shards = dim < 0 ? 1 : axesSize(dimAxes(layout, dim));
  if (shards === 1 || shape.includes(0)) return null;
  const local = shape.map((n, d) => (d === dim ? n / shards : n));
  const { bits } = DTYPES[dtype];
  const count = (s: readonly number[]): number => s.reduce((n, x) => n * x, 1);
  if (algorithm === 'PHILOX') {
    const per = philoxElements(bits);
    return count(local) % per === 0
      ? { dim, counters: count(local) / per, total: Math.ceil(count(shape) / per) }
      : null;
  }
  if (algorithm !== 'THREE_FRY') return null;
  const [all, mine] = [threefryCounters(shape, bits), threefryCounters(local, bits)];
  const alike =
    all.dim === mine.dim &&
    (all.dim < 0 || ((shape[all.dim] as number) % 2 === 0 && (local[all.dim] as number) % 2 === 0));
  return alike ? { dim, counters: count(mine.half), total: count(all.half) } : null;
}

function wordOf(emit: Emitter, state: ValueId, i: number): ValueId {
  const one = emit.op('slice', [state], tensor('u64', [1]), { start: [i], limit: [i + 1], strides: [1] });
  return emit.op('reshape', [one], WORD, { shape: [] });
}

/** A counter of 128 bits plus a word. */
function advanced(emit: Emitter, low: ValueId, high: ValueId, by: ValueId): [ValueId, ValueId] {
  const sum = emit.binary('add', low, by);
  const carried = emit.compare('LT', sum, low);
  return [sum, emit.select(carried, emit.binary('add', high, emit.constant(WORD, [1n])), high)];
}

function stateOf(emit: Emitter, words: readonly ValueId[]): ValueId {
  const parts = words.map((w) => emit.op('reshape', [w], tensor('u64', [1]), { shape: [1] }));
  return emit.op('concatenate', parts, tensor('u64', [parts.length]), { dim: 0 });
}

/** This device's block of a value that is whole, but for one dim that is cut already. */
function block(emit: Emitter, value: ValueId, layout: Layout, done: number): ValueId {
  const type = emit.typeOf(value);
  const split = (d: number): boolean => d !== done && dimAxes(layout, d).length > 0;
  if (!type.shape.some((_, d) => split(d))) return value;
  const local = withShape(
    type,
    type.shape.map((n, d) => (split(d) ? n / axesSize(dimAxes(layout, d)) : n)),
  );
  const starts = type.shape.map((n, d) =>
    split(d) ? emit.shardOffset(dimAxes(layout, d), n, 'i32') : emit.constant(tensor('i32', []), [0]),
  );
  return emit.op('dynamic_slice', [value, ...starts], local, { sizes: local.shape });
}

export const localizeRng: Localizer = (site: Site) => {
  const { emit, op } = site;
  const [whole] = site.resultTypes as readonly [TensorType];
  const axes = emit.mesh.axes.map((a) => fullAxis(emit.mesh, a.name));
  const drawn = emit.op('rng', site.operands, whole, { ...op.attrs, shape: whole.shape });
  if (axesSize(axes) === 1 || elementCount(whole) === 0) return [drawn];
  const first = emit.compare('EQ', emit.axisIndex(axes), emit.constant(tensor('i32', []), [0]));
  const once = emit.select(emit.broadcast(first, whole.shape, []), drawn, emit.zero(whole));
  const shared = emit.op('all_reduce', [once], whole, { mesh: emit.mesh.name, axes, monoid: 'sum' });
  return [block(emit, shared, site.resultLayouts[0] as Layout, -1)];
};
