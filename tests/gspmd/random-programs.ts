/**
 * Random programs of one to five ops, every op (or few) annotated in GSPMD's way: any tiles, any order of the devices, partly
 * replicated or not. Sizes divide by all tiles, or, but for arguments and results (JAX places no others), by a few.
 */
import fc from 'fast-check';
import type { AnnotatedProgram } from './programs.ts';

export interface Kind {
  readonly uneven: boolean;
  /** Up to eight ops, of which few are annotated: the partitioners decide on the others. */
  readonly sparse: boolean;
}

export function randomPrograms(seed: number, count: number, kind: Kind): AnnotatedProgram[] {
  const texts = fc.sample(
    fc.gen().map((draw) => new Writer(draw, kind).text()),
    { seed, numRuns: count },
  );
  const series = `s${seed}${kind.uneven ? 'u' : ''}${kind.sparse ? 's' : ''}`;
  return texts.map((text, i) => ({ name: `${series}_${i}`, text }));
}

interface Value {
  readonly name: string;
  readonly shape: readonly number[];
}

type Draw = fc.GeneratorValue;
/** What an op is written as, its own sharding to be put in. */
type Written = (result: string, sharding: string) => string;

const DEVICES = [8, 8, 8, 4, 6, 12, 16];
const MOST_ELEMENTS = 60_000;
const MOST_DIMS = 4;

interface Placing {
  /** Into shards that divide. */
  readonly even: boolean;
  /** Not annotated. */
  readonly bare: boolean;
}

const LAST: Placing = { even: true, bare: false };

class Writer {
  private readonly draw: Draw;
  private readonly uneven: boolean;
  private readonly sparse: boolean;
  private readonly devices: number;
  private readonly args: string[] = [];
  private readonly values: Value[] = [];
  private readonly constants: string[] = [];
  private readonly ops: string[] = [];
  private names = 0;
  private asked = '{replicated}';

  constructor(draw: Draw, { uneven, sparse }: Kind) {
    this.draw = draw;
    this.uneven = uneven;
    this.sparse = sparse;
    this.devices = this.pick(DEVICES);
  }

  text(): string {
    let last = this.argument(Array.from({ length: 1 + this.below(3) }, () => this.size()));
    const count = this.sparse ? 3 + this.below(6) : 1 + this.below(5);
    for (let tries = 0; this.ops.length < count && tries < 20; tries++) {
      const made = this.pick(OPS)(this, last);
      if (made !== undefined && made.shape.reduce((a, b) => a * b, 1) <= MOST_ELEMENTS) last = made;
      else if (made !== undefined) break;
    }
    if (this.ops.length === 0)
      last = this.op(last.shape, (r, s) => `${r} = stablehlo.negate ${last.name} ${s} : ${typeOf(last)}`);
    if (this.uneven || this.sparse)
      last = this.op(last.shape, (r, s) => `${r} = stablehlo.tanh ${last.name} ${s} : ${typeOf(last)}`, LAST);
    const end = this.values.at(-1) as Value;
    return [
      'module {',
      `  func.func public @main(${this.args.join(', ')}) -> (${typeOf(end)} {mhlo.sharding = "${this.asked}"}) {`,
      ...[...this.constants, ...this.ops].map((line) => `    ${line}`),
      `    return ${end.name} : ${typeOf(end)}`,
      '  }',
      '}',
      '',
    ].join('\n');
  }

  // --- what ops ask of it ---------------------------------------------------------------------------------------------

  op(shape: readonly number[], written: Written, { even, bare } = this.usual()): Value {
    const value = { name: `%v${this.names++}`, shape };
    this.asked = this.sharding(shape, even);
    this.ops.push(written(value.name, bare ? '' : `{mhlo.sharding = "${this.asked}"}`));
    this.values.push(value);
    return value;
  }

  private usual(): Placing {
    return { even: !this.uneven, bare: this.sparse && this.chance(0.75) };
  }

  argument(shape: readonly number[], element = 'f32'): Value {
    const value = { name: `%a${this.args.length}`, shape };
    this.args.push(`${value.name}: ${typeText(shape, element)} {mhlo.sharding = "${this.sharding(shape, true)}"}`);
    if (element === 'f32') this.values.push(value);
    return value;
  }

  constant(text: string, type: string): string {
    const name = `%c${this.names++}`;
    this.constants.push(`${name} = stablehlo.constant dense<${text}> : tensor<${type}>`);
    return name;
  }

  /** A value of that shape, an argument where there is none. */
  other(than: Value): Value {
    const alike = this.values.filter((v) => v !== than && v.shape.join() === than.shape.join());
    return alike.length > 0 && this.chance(0.6) ? this.pick(alike) : this.argument(than.shape);
  }

  size(): number {
    if (this.uneven) return this.pick([6, 9, 10, 12, 14, 18, 20]);
    return this.devices % 3 === 0 ? this.pick([12, 24, 36]) : this.pick([8, 16, 24, 32]);
  }

  below(n: number): number {
    return this.draw(fc.nat, Math.max(0, n - 1));
  }

  pick<T>(list: readonly T[]): T {
    return list[this.below(list.length)] as T;
  }

  chance(p: number): boolean {
    return this.below(1000) < p * 1000;
  }

  shuffled<T>(list: readonly T[]): T[] {
    const [from, to]: [T[], T[]] = [[...list], []];
    while (from.length > 0) to.push(...from.splice(this.below(from.length), 1));
    return to;
  }

  // --- shardings ------------------------------------------------------------------------------------------------------

  private sharding(shape: readonly number[], even: boolean): string {
    if (shape.length === 0 || this.chance(0.12)) return '{replicated}';
    const tile = shape.map(() => 1);
    let rest = 1;
    for (const factor of primes(this.devices)) {
      const d = this.below(shape.length + 1);
      const ways = (tile[d] ?? 1) * factor;
      const fits = even ? (shape[d] ?? 1) % ways === 0 : ways <= (shape[d] ?? 0);
      if (d < shape.length && fits) tile[d] = ways;
      else rest *= factor;
    }
    if (tile.every((t) => t === 1)) return '{replicated}';
    const dims = rest > 1 ? [...tile, rest] : tile;
    return `{devices=[${dims.join(',')}]${this.order()}${rest > 1 ? ' last_tile_dim_replicate' : ''}}`;
  }

  /** Two in five are transposed: the mesh's axes in another order. */
  private order(): string {
    const axes: number[] = [];
    for (const factor of primes(this.devices)) {
      if (axes.length === 0 || this.chance(0.5)) axes.push(factor);
      else axes.push((axes.pop() as number) * factor);
    }
    const permutation = this.shuffled(axes.map((_, i) => i));
    const same = permutation.every((p, i) => p === i);
    if (same || this.chance(0.6)) return `<=[${this.devices}]`;
    return `<=[${axes.join(',')}]T(${permutation.join(',')})`;
  }
}

function primes(n: number): number[] {
  const found: number[] = [];
  for (let [p, left] = [2, n]; left > 1; p++) for (; left % p === 0; left /= p) found.push(p);
  return found;
}

const typeText = (shape: readonly number[], element = 'f32'): string => `tensor<${[...shape, element].join('x')}>`;
const typeOf = (v: Value): string => typeText(v.shape);
const without = (shape: readonly number[], d: number): number[] => shape.filter((_, i) => i !== d);
/** `at` on one dim, `elsewhere` on the others. */
const onDim = (shape: readonly number[], d: number, at: number, elsewhere = 0): string =>
  shape.map((_, i) => (i === d ? at : elsewhere)).join(', ');
const resized = (shape: readonly number[], d: number, n: number): number[] => shape.map((s, i) => (i === d ? n : s));
const reducer = (name: string, op: string): string =>
  `^bb0(%${name}0: tensor<f32>, %${name}1: tensor<f32>): %${name}2 = stablehlo.${op} %${name}0, %${name}1 : tensor<f32> stablehlo.return %${name}2 : tensor<f32>`;

type Maker = (w: Writer, x: Value) => Value | undefined;

const unary: Maker = (w, x) => w.op(x.shape, (r, s) => `${r} = stablehlo.tanh ${x.name} ${s} : ${typeOf(x)}`);

const binary: Maker = (w, x) => {
  const y = w.other(x);
  return w.op(x.shape, (r, s) => `${r} = stablehlo.add ${x.name}, ${y.name} ${s} : ${typeOf(x)}`);
};

const dot: Maker = (w, x) => {
  const k = w.below(x.shape.length);
  const y = w.argument([x.shape[k] as number, w.size()]);
  const shape = [...without(x.shape, k), y.shape[1] as number];
  return w.op(
    shape,
    (r, s) =>
      `${r} = stablehlo.dot_general ${x.name}, ${y.name}, contracting_dims = [${k}] x [0] ${s} : (${typeOf(x)}, ${typeOf(y)}) -> ${typeText(shape)}`,
  );
};

const batchDot: Maker = (w, x) => {
  const rank = x.shape.length;
  if (rank < 2) return undefined;
  const [b, k] = [x.shape[0] as number, x.shape[rank - 1] as number];
  const y = w.argument([b, k, w.size()]);
  const shape = [...x.shape.slice(0, -1), y.shape[2] as number];
  return w.op(
    shape,
    (r, s) =>
      `${r} = stablehlo.dot_general ${x.name}, ${y.name}, batching_dims = [0] x [0], contracting_dims = [${rank - 1}] x [1] ${s} : (${typeOf(x)}, ${typeOf(y)}) -> ${typeText(shape)}`,
  );
};

const transpose: Maker = (w, x) => {
  const order = w.shuffled(x.shape.map((_, i) => i));
  if (order.every((p, i) => p === i)) return undefined;
  const shape = order.map((p) => x.shape[p] as number);
  return w.op(
    shape,
    (r, s) =>
      `${r} = stablehlo.transpose ${x.name}, dims = [${order.join(', ')}] ${s} : (${typeOf(x)}) -> ${typeText(shape)}`,
  );
};

const reshape: Maker = (w, x) => {
  const rank = x.shape.length;
  const d = w.below(rank);
  const n = x.shape[d] as number;
  const parts = [2, 3, 4].filter((f) => n % f === 0);
  let shape: number[];
  if (d + 1 < rank && w.chance(0.5))
    shape = [...x.shape.slice(0, d), n * (x.shape[d + 1] as number), ...x.shape.slice(d + 2)];
  else if (parts.length > 0 && rank < MOST_DIMS) {
    const f = w.pick(parts);
    shape = [...x.shape.slice(0, d), ...(w.chance(0.5) ? [f, n / f] : [n / f, f]), ...x.shape.slice(d + 1)];
  } else return undefined;
  return w.op(shape, (r, s) => `${r} = stablehlo.reshape ${x.name} ${s} : (${typeOf(x)}) -> ${typeText(shape)}`);
};

const broadcast: Maker = (w, x) => {
  if (x.shape.length >= MOST_DIMS) return undefined;
  const d = w.below(x.shape.length + 1);
  const shape = [...x.shape.slice(0, d), w.size(), ...x.shape.slice(d)];
  const dims = x.shape.map((_, i) => (i < d ? i : i + 1)).join(', ');
  return w.op(
    shape,
    (r, s) =>
      `${r} = stablehlo.broadcast_in_dim ${x.name}, dims = [${dims}] ${s} : (${typeOf(x)}) -> ${typeText(shape)}`,
  );
};

const reduce: Maker = (w, x) => {
  if (x.shape.length < 2) return undefined;
  const d = w.below(x.shape.length);
  const zero = w.constant('0.0', 'f32');
  const shape = without(x.shape, d);
  return w.op(
    shape,
    (r, s) =>
      `${r} = stablehlo.reduce(${x.name} init: ${zero}) applies stablehlo.add across dimensions = [${d}] ${s} : (${typeOf(x)}, tensor<f32>) -> ${typeText(shape)}`,
  );
};

const concatenate: Maker = (w, x) => {
  const d = w.below(x.shape.length);
  const y = w.argument(resized(x.shape, d, w.size()));
  const shape = resized(x.shape, d, (x.shape[d] as number) + (y.shape[d] as number));
  return w.op(
    shape,
    (r, s) =>
      `${r} = stablehlo.concatenate ${x.name}, ${y.name}, dim = ${d} ${s} : (${typeOf(x)}, ${typeOf(y)}) -> ${typeText(shape)}`,
  );
};

const slice: Maker = (w, x) => {
  const d = w.below(x.shape.length);
  const n = x.shape[d] as number;
  const [start, limit, stride] = [w.below(Math.floor(n / 2)), n - w.below(Math.floor(n / 4)), 1 + w.below(2)];
  const shape = resized(x.shape, d, Math.ceil((limit - start) / stride));
  if (shape[d] === n) return undefined;
  const limits = x.shape.map((s, i) => (i === d ? limit : s)).join(', ');
  return w.op(
    shape,
    (r, s) =>
      `${r} = "stablehlo.slice"(${x.name}) <{start_indices = array<i64: ${onDim(x.shape, d, start)}>, limit_indices = array<i64: ${limits}>, strides = array<i64: ${onDim(x.shape, d, stride, 1)}>}> ${s} : (${typeOf(x)}) -> ${typeText(shape)}`,
  );
};

/** XLA gets a negative high padding wrong: none. */
const pad: Maker = (w, x) => {
  const d = w.below(x.shape.length);
  const [low, high] = [w.below(5) - 1, w.below(4)];
  if (low + high === 0) return undefined;
  const zero = w.constant('0.0', 'f32');
  const shape = resized(x.shape, d, (x.shape[d] as number) + low + high);
  return w.op(
    shape,
    (r, s) =>
      `${r} = stablehlo.pad ${x.name}, ${zero}, low = [${onDim(x.shape, d, low)}], high = [${onDim(x.shape, d, high)}], interior = [${onDim(x.shape, d, 0)}] ${s} : (${typeOf(x)}, tensor<f32>) -> ${typeText(shape)}`,
  );
};

const reverse: Maker = (w, x) =>
  w.op(
    x.shape,
    (r, s) => `${r} = stablehlo.reverse ${x.name}, dims = [${w.below(x.shape.length)}] ${s} : ${typeOf(x)}`,
  );

const window: Maker = (w, x) => {
  const d = w.below(x.shape.length);
  const zero = w.constant('0.0', 'f32');
  const ones = onDim(x.shape, d, 1, 1);
  const padding = x.shape.map((_, i) => (i === d ? '[1, 1]' : '[0, 0]')).join(', ');
  return w.op(
    x.shape,
    (r, s) =>
      `${r} = "stablehlo.reduce_window"(${x.name}, ${zero}) <{window_dimensions = array<i64: ${onDim(x.shape, d, 3, 1)}>, window_strides = array<i64: ${ones}>, padding = dense<[${padding}]> : tensor<${x.shape.length}x2xi64>}> ({ ${reducer(`w${r.slice(2)}_`, 'add')} }) ${s} : (${typeOf(x)}, tensor<f32>) -> ${typeOf(x)}`,
  );
};

const gather: Maker = (w, x) => {
  const rows = w.argument([w.size()], 'i32');
  const rest = x.shape.slice(1);
  const shape = [...rows.shape, ...rest];
  const offsets = rest.map((_, i) => i + 1).join(', ');
  return w.op(
    shape,
    (r, s) =>
      `${r} = "stablehlo.gather"(${x.name}, ${rows.name}) <{dimension_numbers = #stablehlo.gather<offset_dims = [${offsets}], collapsed_slice_dims = [0], start_index_map = [0], index_vector_dim = 1>, slice_sizes = array<i64: ${[1, ...rest].join(', ')}>, indices_are_sorted = false}> ${s} : (${typeOf(x)}, ${typeText(rows.shape, 'i32')}) -> ${typeText(shape)}`,
  );
};

const scatter: Maker = (w, x) => {
  const rows = w.argument([w.size()], 'i32');
  const rest = x.shape.slice(1);
  const updates = w.argument([...rows.shape, ...rest]);
  const windows = rest.map((_, i) => i + 1).join(', ');
  return w.op(
    x.shape,
    (r, s) =>
      `${r} = "stablehlo.scatter"(${x.name}, ${rows.name}, ${updates.name}) <{scatter_dimension_numbers = #stablehlo.scatter<update_window_dims = [${windows}], inserted_window_dims = [0], scatter_dims_to_operand_dims = [0], index_vector_dim = 1>, indices_are_sorted = false, unique_indices = false}> ({ ${reducer(`s${r.slice(2)}_`, 'add')} }) ${s} : (${typeOf(x)}, ${typeText(rows.shape, 'i32')}, ${typeOf(updates)}) -> ${typeOf(x)}`,
  );
};

const starts = (w: Writer, shape: readonly number[], d: number): string =>
  shape.map((n, i) => w.constant(String(i === d ? w.below(n) : 0), 'i32')).join(', ');

const dynamicSlice: Maker = (w, x) => {
  const d = w.below(x.shape.length);
  const shape = resized(x.shape, d, Math.ceil((x.shape[d] as number) / 2));
  const at = starts(w, x.shape, d);
  return w.op(
    shape,
    (r, s) =>
      `${r} = stablehlo.dynamic_slice ${x.name}, ${at}, sizes = [${shape.join(', ')}] ${s} : (${[typeOf(x), ...x.shape.map(() => 'tensor<i32>')].join(', ')}) -> ${typeText(shape)}`,
  );
};

const dynamicUpdate: Maker = (w, x) => {
  const d = w.below(x.shape.length);
  const part = w.argument(resized(x.shape, d, Math.ceil((x.shape[d] as number) / 2)));
  const at = starts(w, x.shape, d);
  return w.op(
    x.shape,
    (r, s) =>
      `${r} = stablehlo.dynamic_update_slice ${x.name}, ${part.name}, ${at} ${s} : (${[typeOf(x), typeOf(part), ...x.shape.map(() => 'tensor<i32>')].join(', ')}) -> ${typeOf(x)}`,
  );
};

const sort: Maker = (w, x) => {
  const d = w.below(x.shape.length);
  return w.op(x.shape, (r, s) => {
    const n = `o${r.slice(2)}_`;
    const region = `^bb0(%${n}0: tensor<f32>, %${n}1: tensor<f32>): %${n}2 = stablehlo.compare LT, %${n}0, %${n}1 : (tensor<f32>, tensor<f32>) -> tensor<i1> stablehlo.return %${n}2 : tensor<i1>`;
    return `${r} = "stablehlo.sort"(${x.name}) <{dimension = ${d} : i64, is_stable = true}> ({ ${region} }) ${s} : (${typeOf(x)}) -> ${typeOf(x)}`;
  });
};

const OPS: readonly Maker[] = [
  unary,
  binary,
  binary,
  dot,
  dot,
  dot,
  batchDot,
  transpose,
  reshape,
  reshape,
  broadcast,
  reduce,
  concatenate,
  slice,
  pad,
  reverse,
  window,
  gather,
  scatter,
  dynamicSlice,
  dynamicUpdate,
  sort,
];
