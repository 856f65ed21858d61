/**
 * Random programs for Shardy and shardc alike, from a seed: StableHLO text with layouts of every kind, ops of every kind of
 * rule, loops, branches, calls from several sites, manual computations, groups and barriers. A program is a list of pieces,
 * so that one that fails can be made smaller piece by piece.
 */
import { layoutText, manualFactors, meshLine, Random, type RandomMesh } from './random-layouts.ts';

export interface Value {
  readonly name: string;
  readonly shape: readonly number[];
  readonly dtype: string;
}

/** Lines that define values. */
interface Piece {
  readonly text: string;
  readonly makes: readonly Value[];
  readonly uses: readonly string[];
}

interface Argument {
  readonly value: Value;
  readonly layout: string | undefined;
}

interface Result {
  readonly value: Value;
  readonly layout: string | undefined;
}

export interface RandomProgram {
  readonly name: string;
  readonly text: string;
  readonly flags: readonly string[];
  /** The same with one thing less each. */
  smaller(): RandomProgram[];
}

const type = (v: Pick<Value, 'shape' | 'dtype'>): string => `tensor<${v.shape.map((d) => `${d}x`).join('')}${v.dtype}>`;
const types = (vs: readonly Value[]): string => vs.map(type).join(', ');
const names = (vs: readonly Value[]): string => vs.map((v) => v.name).join(', ');
const signature = (from: readonly Value[], to: readonly Value[]): string =>
  `(${types(from)}) -> ${to.length === 1 ? types(to) : `(${types(to)})`}`;

const EDGES = ['-sdy-add-data-flow-edges', '-sdy-apply-sharding-constraints'];
const SINK = '-sdy-sink-data-flow-edges';
/** How a program is propagated: mostly by the whole pipeline. */
const WAYS: readonly (readonly string[])[] = [
  ['-sdy-propagation-pipeline'],
  ['-sdy-propagation-pipeline'],
  ['-sdy-propagation-pipeline'],
  [...EDGES, '-sdy-user-priority-propagate', SINK],
  [...EDGES, '-sdy-op-priority-propagate', SINK],
  [...EDGES, '-sdy-aggressive-propagate', SINK],
  [...EDGES, '-sdy-basic-propagate', SINK],
  [...EDGES, '-sdy-basic-propagate=conservative-propagation=true', SINK],
];

const MESHES: readonly RandomMesh[] = [
  {
    name: 'mesh',
    axes: [
      ['x', 2],
      ['y', 4],
    ],
  },
  {
    name: 'mesh',
    axes: [
      ['x', 2],
      ['y', 2],
      ['z', 2],
    ],
  },
  { name: 'mesh', axes: [['x', 8]] },
  {
    name: 'mesh',
    axes: [
      ['x', 4],
      ['y', 2],
      ['z', 3],
    ],
  },
  {
    name: 'mesh',
    axes: [
      ['x', 2],
      ['y', 2],
    ],
    deviceIds: [3, 1, 2, 0],
  },
];
const EXTENTS = [1, 2, 3, 4, 4, 6, 8, 8, 12, 16];

export function randomProgram(seed: number): RandomProgram {
  const rnd = new Random(seed);
  const mesh = rnd.pick(MESHES);
  const maker = new Maker(rnd, mesh);
  const flags = rnd.pick(WAYS);
  const wish = { open: 0.5, priorities: true, unreduced: false };
  const args = Array.from({ length: 1 + rnd.below(4) }, (_, i): Argument => {
    const value = { name: `%arg${i}`, shape: maker.shape(), dtype: 'f32' };
    return { value, layout: rnd.chance(0.6) ? layoutText(rnd, mesh, value.shape, wish) : undefined };
  });
  const body = maker.block(
    args.map((a) => a.value),
    3 + rnd.below(14),
    true,
  );
  const results = maker.results(body, args).map(
    (value): Result => ({
      value,
      layout: rnd.chance(0.3) ? layoutText(rnd, mesh, value.shape, wish) : undefined,
    }),
  );
  return program(`seed ${seed}`, flags, mesh, maker.functions, args, body, results);
}

function program(
  name: string,
  flags: readonly string[],
  mesh: RandomMesh,
  functions: readonly string[],
  args: readonly Argument[],
  pieces: readonly Piece[],
  results: readonly Result[],
): RandomProgram {
  const attr = (layout: string | undefined): string =>
    layout === undefined ? '' : ` {sdy.sharding = #sdy.sharding${layout}}`;
  const params = args.map((a) => `${a.value.name}: ${type(a.value)}${attr(a.layout)}`).join(', ');
  const outs = results.map((r) => `${type(r.value)}${attr(r.layout)}`).join(', ');
  const called = functions.filter((f) => pieces.some((p) => p.text.includes(`@${/@(\w+)/.exec(f)?.[1]}(`)));
  const text = [
    'module {',
    meshLine(mesh),
    `func.func public @main(${params}) -> (${outs}) {`,
    ...pieces.map((p) => p.text),
    `return ${names(results.map((r) => r.value))} : ${types(results.map((r) => r.value))}`,
    '}',
    ...called,
    '}',
  ].join('\n');
  const again = (
    p: Partial<{ args: readonly Argument[]; pieces: readonly Piece[]; results: readonly Result[] }>,
  ): RandomProgram => program(name, flags, mesh, functions, p.args ?? args, p.pieces ?? pieces, p.results ?? results);
  return {
    name,
    flags,
    text,
    smaller: () => [
      ...pieces.flatMap((_, i) => withoutPiece(args, pieces, results, i)).map(again),
      ...(results.length > 1 ? results.map((_, i) => again({ results: results.filter((_r, j) => j !== i) })) : []),
      ...results.flatMap((r, i) =>
        r.layout === undefined ? [] : [again({ results: replaced(results, i, { ...r, layout: undefined }) })],
      ),
      ...args.flatMap((a, i) =>
        a.layout === undefined ? [] : [again({ args: replaced(args, i, { ...a, layout: undefined }) })],
      ),
    ],
  };
}

const replaced = <T>(list: readonly T[], index: number, item: T): T[] => list.map((x, i) => (i === index ? item : x));

/** Without a piece and all that needs it; none where nothing would be returned. */
function withoutPiece(
  args: readonly Argument[],
  pieces: readonly Piece[],
  results: readonly Result[],
  gone: number,
): { pieces: Piece[]; results: Result[] }[] {
  const known = new Set(args.map((a) => a.value.name));
  const kept = pieces.filter((p, i) => {
    if (i === gone || p.uses.some((u) => !known.has(u))) return false;
    for (const v of p.makes) known.add(v.name);
    return true;
  });
  const left = results.filter((r) => known.has(r.value.name));
  return left.length === 0 ? [] : [{ pieces: kept, results: left }];
}

class Maker {
  readonly functions: string[] = [];
  private readonly rnd: Random;
  private readonly mesh: RandomMesh;
  private readonly callees: { name: string; params: readonly Value[]; results: readonly Value[] }[] = [];
  private next = 0;
  /** In scope. */
  private pool: Value[] = [];
  private pieces: Piece[] = [];
  /** Only ops whose regions and layouts may stand anywhere. */
  private simple = false;

  constructor(rnd: Random, mesh: RandomMesh) {
    this.rnd = rnd;
    this.mesh = mesh;
  }

  shape(): number[] {
    return Array.from({ length: this.rnd.below(4) + (this.rnd.chance(0.9) ? 1 : 0) }, () =>
      this.rnd.pick(EXTENTS),
    ).slice(0, 4);
  }

  /** Pieces over the given values. */
  block(values: readonly Value[], count: number, rich: boolean): Piece[] {
    const [pool, pieces, simple] = [this.pool, this.pieces, this.simple];
    [this.pool, this.pieces, this.simple] = [[...values], [], !rich];
    for (let tries = 0; this.pieces.length < count && tries < 40 * count; tries++) this.any();
    const made = this.pieces;
    [this.pool, this.pieces, this.simple] = [pool, pieces, simple];
    return made;
  }

  results(body: readonly Piece[], args: readonly Argument[]): Value[] {
    const all = [...body.flatMap((p) => p.makes), ...args.map((a) => a.value)];
    const used = new Set(body.flatMap((p) => p.uses));
    const ends = all.filter((v) => !used.has(v.name) && v.dtype !== 'i1');
    const some = this.rnd.some(ends, 0.8);
    return some.length > 0 ? some : [all[0] as Value];
  }

  private any(): void {
    const basic = [
      this.unary,
      this.binary,
      this.binary,
      this.dot,
      this.dot,
      this.reduce,
      this.broadcast,
      this.transpose,
      this.reshape,
      this.reshape,
    ];
    const more = [
      this.concatenate,
      this.slice,
      this.pad,
      this.dynamicSlice,
      this.update,
      this.gather,
      this.sort,
      this.reverse,
      this.constant,
      this.select,
      this.topK,
      this.window,
    ];
    const structural = [
      this.constraint,
      this.constraint,
      this.barrier,
      this.group,
      this.optimizationBarrier,
      this.loop,
      this.branch,
      this.call,
      this.call,
      this.manual,
    ];
    const p = this.rnd.next();
    const list = p < 0.5 || (this.simple && p > 0.8) ? basic : p < 0.8 ? more : structural;
    this.rnd.pick(list).call(this);
  }

  private name(): string {
    return `%v${this.next++}`;
  }

  private floats(rank = 0): Value[] {
    return this.pool.filter((v) => v.dtype === 'f32' && v.shape.length >= rank);
  }

  private one(rank = 0): Value | undefined {
    const found = this.floats(rank);
    // Later values twice as often: chains, not bushes.
    return found.length === 0
      ? undefined
      : this.rnd.chance(0.5)
        ? found[found.length - 1 - this.rnd.below(Math.min(3, found.length))]
        : this.rnd.pick(found);
  }

  private emit(text: string, makes: readonly Value[], uses: readonly Value[]): void {
    this.pieces.push({
      text,
      makes,
      uses: [...new Set(uses.map((u) => u.name.split('#')[0] as string))].flatMap((n) => this.named(n)),
    });
    this.pool.push(...makes);
  }

  /** All results of the op a name belongs to. */
  private named(name: string): string[] {
    return this.pool.filter((v) => v.name === name || v.name.startsWith(`${name}#`)).map((v) => v.name);
  }

  private value(shape: readonly number[], dtype = 'f32'): Value {
    return { name: this.name(), shape, dtype };
  }

  private op(op: string, from: readonly Value[], shape: readonly number[], rest: string, tail?: string): Value {
    const to = this.value(shape);
    this.emit(`${to.name} = ${op} ${names(from)}${rest} : ${tail ?? signature(from, [to])}`, [to], from);
    return to;
  }

  // --- ops ------------------------------------------------------------------------------------------------------------

  private unary(): void {
    const a = this.one();
    if (a !== undefined)
      this.op(`stablehlo.${this.rnd.pick(['sine', 'tanh', 'negate', 'exponential'])}`, [a], a.shape, '', type(a));
  }

  private binary(): void {
    const a = this.one();
    if (a === undefined) return;
    const alike = this.floats().filter((v) => type(v) === type(a));
    const b = this.rnd.pick(alike);
    this.op(`stablehlo.${this.rnd.pick(['add', 'multiply', 'maximum', 'subtract'])}`, [a, b], a.shape, '', type(a));
  }

  private dot(): void {
    const [a, b] = [this.one(1), this.one(1)];
    if (a === undefined || b === undefined) return;
    const pairs = a.shape.flatMap((n, i) => b.shape.flatMap((m, j) => (n === m && n > 1 ? [[i, j] as const] : [])));
    if (pairs.length === 0) return;
    const taken: (readonly [number, number])[] = [];
    for (const [i, j] of this.rnd.shuffle(pairs))
      if (taken.length < 2 && !taken.some(([p, q]) => p === i || q === j)) taken.push([i, j]);
    const contracted = taken.slice(0, 1);
    const batch = this.rnd.chance(0.6) ? taken.slice(1) : [];
    const free = (v: Value, side: 0 | 1): number[] =>
      v.shape.filter((_, d) => ![...contracted, ...batch].some((p) => p[side] === d));
    const shape = [...batch.map(([i]) => a.shape[i] as number), ...free(a, 0), ...free(b, 1)];
    if (shape.length > 4 || shape.reduce((n, s) => n * s, 1) > 1e5) return;
    const list = (ps: readonly (readonly [number, number])[]): string =>
      `[${ps.map((p) => p[0]).join(', ')}] x [${ps.map((p) => p[1]).join(', ')}]`;
    const batching = batch.length === 0 ? '' : `, batching_dims = ${list(batch)}`;
    this.op('stablehlo.dot_general', [a, b], shape, `${batching}, contracting_dims = ${list(contracted)}`);
  }

  private scalar(value: string, dtype = 'f32'): Value {
    const to = this.value([], dtype);
    this.emit(`${to.name} = stablehlo.constant dense<${value}> : ${type(to)}`, [to], []);
    return to;
  }

  private reduce(): void {
    const a = this.one(1);
    if (a === undefined) return;
    const dims = this.rnd.some(
      a.shape.map((_, d) => d),
      0.4,
    );
    if (dims.length === 0) return;
    const init = this.scalar('0.0');
    const to = this.value(a.shape.filter((_, d) => !dims.includes(d)));
    const kind = this.rnd.pick(['add', 'maximum']);
    this.emit(
      `${to.name} = stablehlo.reduce(${a.name} init: ${init.name}) applies stablehlo.${kind} across dimensions = [${dims.join(', ')}] : ${signature([a, init], [to])}`,
      [to],
      [a, init],
    );
  }

  private broadcast(): void {
    const a = this.one();
    if (a === undefined || a.shape.length > 3) return;
    const shape = [...a.shape];
    const dims = a.shape.map((_, d) => d);
    const at = this.rnd.below(shape.length + 1);
    shape.splice(at, 0, this.rnd.pick(EXTENTS));
    const moved = dims.map((d) => (d >= at ? d + 1 : d));
    for (const [i, d] of moved.entries())
      if (a.shape[i] === 1 && this.rnd.chance(0.7)) shape[d] = this.rnd.pick(EXTENTS);
    this.op('stablehlo.broadcast_in_dim', [a], shape, `, dims = [${moved.join(', ')}]`);
  }

  private transpose(): void {
    const a = this.one(2);
    if (a === undefined) return;
    const order = this.rnd.shuffle(a.shape.map((_, d) => d));
    this.op(
      'stablehlo.transpose',
      [a],
      order.map((d) => a.shape[d] as number),
      `, dims = [${order.join(', ')}]`,
    );
  }

  private reshape(): void {
    const a = this.one(1);
    if (a === undefined) return;
    const shape = [...a.shape];
    for (let n = 0; n < 1 + this.rnd.below(2); n++) {
      const d = this.rnd.below(shape.length);
      const size = shape[d] as number;
      if (this.rnd.chance(0.5) && d + 1 < shape.length) shape.splice(d, 2, size * (shape[d + 1] as number));
      else {
        const parts = [2, 3, 4].filter((p) => size % p === 0);
        if (parts.length > 0 && shape.length < 5) {
          const part = this.rnd.pick(parts);
          shape.splice(d, 1, ...(this.rnd.chance(0.5) ? [part, size / part] : [size / part, part]));
        }
      }
    }
    this.op('stablehlo.reshape', [a], shape, '');
  }

  private concatenate(): void {
    const a = this.one(1);
    if (a === undefined) return;
    const d = this.rnd.below(a.shape.length);
    const others = this.floats().filter(
      (v) => v.shape.length === a.shape.length && v.shape.every((n, i) => i === d || n === a.shape[i]),
    );
    const b = this.rnd.pick(others);
    const shape = a.shape.map((n, i) => (i === d ? n + (b.shape[d] as number) : n));
    this.op('stablehlo.concatenate', [a, b], shape, `, dim = ${d}`);
  }

  private slice(): void {
    const a = this.one(1);
    if (a === undefined) return;
    const ranges = a.shape.map((n) => {
      if (this.rnd.chance(0.5)) return [0, n, 1] as const;
      const start = this.rnd.below(n);
      return [start, start + 1 + this.rnd.below(n - start), 1 + this.rnd.below(2)] as const;
    });
    const shape = ranges.map(([s, l, k]) => Math.ceil((l - s) / k));
    const to = this.value(shape);
    const text = ranges.map(([s, l, k]) => `${s}:${l}${k === 1 ? '' : `:${k}`}`).join(', ');
    this.emit(`${to.name} = stablehlo.slice ${a.name} [${text}] : ${signature([a], [to])}`, [to], [a]);
  }

  private pad(): void {
    const a = this.one(1);
    if (a === undefined) return;
    const zero = this.scalar('0.0');
    const [low, high] = [
      a.shape.map(() => this.rnd.below(2)),
      a.shape.map(() => (this.rnd.chance(0.7) ? 0 : this.rnd.below(4))),
    ];
    const shape = a.shape.map((n, d) => n + (low[d] as number) + (high[d] as number));
    this.op(
      'stablehlo.pad',
      [a, zero],
      shape,
      `, low = [${low.join(', ')}], high = [${high.join(', ')}], interior = [${a.shape.map(() => 0).join(', ')}]`,
    );
  }

  private starts(rank: number): Value[] {
    const known = this.pool.filter((v) => v.dtype === 'i32' && v.shape.length === 0);
    return Array.from({ length: rank }, () =>
      known.length > 0 && this.rnd.chance(0.5) ? this.rnd.pick(known) : this.scalar('0', 'i32'),
    );
  }

  private dynamicSlice(): void {
    const a = this.one(1);
    if (a === undefined) return;
    const sizes = a.shape.map((n) => (this.rnd.chance(0.6) ? n : 1 + this.rnd.below(n)));
    this.op('stablehlo.dynamic_slice', [a, ...this.starts(a.shape.length)], sizes, `, sizes = [${sizes.join(', ')}]`);
  }

  private update(): void {
    const a = this.one(1);
    if (a === undefined) return;
    const fitting = this.floats(1).filter(
      (v) => v.shape.length === a.shape.length && v.shape.every((n, d) => n <= (a.shape[d] as number)),
    );
    const b = this.rnd.pick(fitting);
    this.op('stablehlo.dynamic_update_slice', [a, b, ...this.starts(a.shape.length)], a.shape, '');
  }

  private indices(n: number): Value {
    const to = this.value([n, 1], 'i32');
    this.emit(`${to.name} = stablehlo.iota dim = 0 : ${type(to)}`, [to], []);
    return to;
  }

  /** Rows of a table, and sometimes back into it. */
  private gather(): void {
    const a = this.one(2);
    if (a === undefined) return;
    const index = this.indices(this.rnd.pick([4, 8]));
    const window = a.shape
      .slice(1)
      .map((_, d) => d + 1)
      .join(', ');
    const rows = this.value([index.shape[0] as number, ...a.shape.slice(1)]);
    const sizes = [1, ...a.shape.slice(1)].join(', ');
    this.emit(
      `${rows.name} = "stablehlo.gather"(${a.name}, ${index.name}) <{dimension_numbers = #stablehlo.gather<offset_dims = [${window}], collapsed_slice_dims = [0], start_index_map = [0], index_vector_dim = 1>, indices_are_sorted = false, slice_sizes = array<i64: ${sizes}>}> : ${signature([a, index], [rows])}`,
      [rows],
      [a, index],
    );
    if (!this.rnd.chance(0.4)) return;
    const to = this.value(a.shape);
    this.emit(
      `${to.name} = "stablehlo.scatter"(${a.name}, ${index.name}, ${rows.name}) <{scatter_dimension_numbers = #stablehlo.scatter<update_window_dims = [${window}], inserted_window_dims = [0], scatter_dims_to_operand_dims = [0], index_vector_dim = 1>, indices_are_sorted = false, unique_indices = false}> ({\n^bb0(%p: tensor<f32>, %q: tensor<f32>):\n%s = stablehlo.${this.rnd.pick(['add', 'subtract'])} %p, %q : tensor<f32>\nstablehlo.return %s : tensor<f32>\n}) : ${signature([a, index, rows], [to])}`,
      [to],
      [a, index, rows],
    );
  }

  private sort(): void {
    const a = this.one(1);
    if (a === undefined) return;
    const to = this.value(a.shape);
    this.emit(
      `${to.name} = "stablehlo.sort"(${a.name}) <{dimension = ${this.rnd.below(a.shape.length)} : i64, is_stable = true}> ({\n^bb0(%p: tensor<f32>, %q: tensor<f32>):\n%s = stablehlo.compare LT, %p, %q : (tensor<f32>, tensor<f32>) -> tensor<i1>\nstablehlo.return %s : tensor<i1>\n}) : ${signature([a], [to])}`,
      [to],
      [a],
    );
  }

  private reverse(): void {
    const a = this.one(1);
    if (a !== undefined)
      this.op('stablehlo.reverse', [a], a.shape, `, dims = [${this.rnd.below(a.shape.length)}]`, type(a));
  }

  /** Used several times, mostly: each use gets its own. */
  private constant(): void {
    const like = this.one(1);
    if (like === undefined) return;
    const to = this.value(like.shape);
    if (this.rnd.chance(0.5)) this.emit(`${to.name} = stablehlo.constant dense<1.0> : ${type(to)}`, [to], []);
    else {
      const one = this.scalar('1.0');
      this.emit(
        `${to.name} = stablehlo.broadcast_in_dim ${one.name}, dims = [] : ${signature([one], [to])}`,
        [to],
        [one],
      );
    }
    for (let n = 0; n < 1 + this.rnd.below(2); n++) this.op('stablehlo.add', [like, to], like.shape, '', type(like));
  }

  private select(): void {
    const a = this.one();
    if (a === undefined) return;
    const b = this.rnd.pick(this.floats().filter((v) => type(v) === type(a)));
    const mask = this.value(a.shape, 'i1');
    this.emit(
      `${mask.name} = stablehlo.compare LT, ${a.name}, ${b.name} : ${signature([a, b], [mask])}`,
      [mask],
      [a, b],
    );
    this.op('stablehlo.select', [mask, a, b], a.shape, '', `${type(mask)}, ${type(a)}`);
  }

  private topK(): void {
    const a = this.one(1);
    const size = a?.shape.at(-1) ?? 0;
    if (a === undefined || size < 2) return;
    const name = this.name();
    const shape = [...a.shape.slice(0, -1), 2];
    const made = [
      { name: `${name}#0`, shape, dtype: 'f32' },
      { name: `${name}#1`, shape, dtype: 'i32' },
    ];
    this.emit(
      `${name}:2 = stablehlo.custom_call @mhlo.topk(${a.name}) {mhlo.attributes = {k = 2 : i64, largest = true}} : ${signature([a], made)}`,
      made,
      [a],
    );
  }

  private window(): void {
    const a = this.one(1);
    if (a === undefined) return;
    const zero = this.scalar('0.0');
    const sizes = a.shape.map((n) => (n > 2 && this.rnd.chance(0.5) ? 2 : 1));
    const pads = sizes.map((s) => `[0, ${s - 1}]`);
    const to = this.value(a.shape);
    this.emit(
      `${to.name} = "stablehlo.reduce_window"(${a.name}, ${zero.name}) <{padding = dense<[${pads.join(', ')}]> : tensor<${sizes.length}x2xi64>, window_dimensions = array<i64: ${sizes.join(', ')}>}> ({\n^bb0(%p: tensor<f32>, %q: tensor<f32>):\n%s = stablehlo.maximum %p, %q : tensor<f32>\nstablehlo.return %s : tensor<f32>\n}) : ${signature([a, zero], [to])}`,
      [to],
      [a, zero],
    );
  }

  // --- layouts and structure --------------------------------------------------------------------------------------------

  private constraint(): void {
    const a = this.one(1);
    if (a === undefined) return;
    const to = this.value(a.shape);
    const layout = layoutText(this.rnd, this.mesh, a.shape, { open: this.rnd.pick([0, 0.5, 1]), priorities: true });
    this.emit(`${to.name} = sdy.sharding_constraint ${a.name} ${layout} : ${type(a)}`, [to], [a]);
  }

  private barrier(): void {
    const a = this.one(1);
    if (a === undefined) return;
    const to = this.value(a.shape);
    const way = this.rnd.pick(['NONE', 'FORWARD', 'BACKWARD']);
    this.emit(`${to.name} = sdy.propagation_barrier ${a.name} allowed_direction=${way} : ${type(a)}`, [to], [a]);
  }

  private group(): void {
    const a = this.one(1);
    if (a === undefined) return;
    const b = this.rnd.pick(this.floats().filter((v) => type(v) === type(a)));
    const id = this.next++;
    const lines = [a, b].map((v) => `sdy.sharding_group ${v.name} group_id=${id} : ${type(v)}`);
    this.emit(lines.join('\n'), [], [a, b]);
  }

  private several(rank: number): Value[] {
    const some = this.rnd.shuffle(this.floats(rank)).slice(0, 1 + this.rnd.below(2));
    return some;
  }

  private made(values: readonly Value[]): { head: string; made: Value[] } {
    const name = this.name();
    if (values.length === 1) return { head: name, made: [{ ...(values[0] as Value), name }] };
    return { head: `${name}:${values.length}`, made: values.map((v, i) => ({ ...v, name: `${name}#${i}` })) };
  }

  private optimizationBarrier(): void {
    const from = this.several(1);
    if (from.length === 0) return;
    const { head, made } = this.made(from);
    this.emit(`${head} = stablehlo.optimization_barrier ${names(from)} : ${types(from)}`, made, from);
  }

  /** The last value of each wanted type, or what was given. */
  private ending(body: readonly Piece[], given: readonly Value[], wanted: readonly Value[]): Value[] {
    const all = [...given, ...body.flatMap((p) => p.makes)];
    return wanted.map((w) => all.filter((v) => type(v) === type(w)).at(-1) as Value);
  }

  private loop(): void {
    const from = this.several(0);
    if (from.length === 0) return;
    const zero = this.scalar('0', 'i32');
    const [limit, step] = [this.scalar('4', 'i32'), this.scalar('1', 'i32')];
    const carried = [zero, ...from];
    const inside = carried.map((v) => ({ ...v, name: `${this.name()}c` }));
    const body = this.block([...inside, ...this.pool], 1 + this.rnd.below(4), false);
    const ends = this.ending(body, inside, inside.slice(1));
    const { head, made } = this.made(carried);
    const [count] = inside as [Value];
    const pairs = inside.map((v, i) => `${v.name} = ${carried[i]?.name}`).join(', ');
    this.emit(
      [
        `${head} = stablehlo.while(${pairs}) : ${types(carried)}`,
        `cond {\n%t = stablehlo.compare LT, ${count.name}, ${limit.name} : (tensor<i32>, tensor<i32>) -> tensor<i1>\nstablehlo.return %t : tensor<i1>`,
        '} do {',
        ...body.map((p) => p.text),
        `%n = stablehlo.add ${count.name}, ${step.name} : tensor<i32>`,
        `stablehlo.return %n, ${names(ends)} : tensor<i32>, ${types(ends)}`,
        '}',
      ].join('\n'),
      made,
      [...carried, limit, step, ...this.outer(body)],
    );
  }

  /** Values from outside that pieces of a region use. */
  private outer(body: readonly Piece[]): Value[] {
    const used = new Set(body.flatMap((p) => p.uses));
    return this.pool.filter((v) => used.has(v.name));
  }

  private branch(): void {
    const a = this.one();
    if (a === undefined) return;
    const index = this.scalar('1', 'i32');
    const bodies = [0, 1].map(() => this.block(this.pool, 1 + this.rnd.below(3), false));
    const { head, made } = this.made([a]);
    const regions = bodies.map((body) => {
      const [end] = this.ending(body, [a], [a]) as [Value];
      return `${body.map((p) => `${p.text}\n`).join('')}stablehlo.return ${end.name} : ${type(end)}`;
    });
    this.emit(
      `${head} = "stablehlo.case"(${index.name}) ({\n${regions.join('\n}, {\n')}\n}) : (tensor<i32>) -> ${type(a)}`,
      made,
      [index, a, ...bodies.flatMap((b) => this.outer(b))],
    );
  }

  private call(): void {
    const params = this.several(0);
    if (params.length === 0) return;
    const key = types(params);
    let callee = this.callees.find((c) => types(c.params) === key && this.rnd.chance(0.7));
    if (callee === undefined) {
      const name = `f${this.callees.length}`;
      const inside = params.map((v, i) => ({ ...v, name: `%a${i}` }));
      const body = this.block(inside, 1 + this.rnd.below(4), false);
      const results = this.ending(body, inside, this.rnd.chance(0.5) ? inside : inside.slice(0, 1));
      this.functions.push(
        [
          `func.func private @${name}(${inside.map((v) => `${v.name}: ${type(v)}`).join(', ')}) -> (${types(results)}) {`,
          ...body.map((p) => p.text),
          `return ${names(results)} : ${types(results)}`,
          '}',
        ].join('\n'),
      );
      callee = { name, params, results };
      this.callees.push(callee);
    }
    const { head, made } = this.made(callee.results);
    this.emit(`${head} = call @${callee.name}(${names(params)}) : ${signature(params, made)}`, made, params);
  }

  private manual(): void {
    const from = this.several(1);
    const axes = this.rnd.some(
      this.mesh.axes.map(([n]) => n),
      0.6,
    );
    if (from.length === 0 || axes.length === 0) return;
    const wish = { open: 0.6, manual: axes };
    const layouts = from.map((v) => layoutText(this.rnd, this.mesh, v.shape, wish));
    const inside = from.map((v, i) => {
      const factors = manualFactors(layouts[i] as string, this.mesh, axes);
      return { name: `${this.name()}m`, dtype: v.dtype, shape: v.shape.map((n, d) => n / (factors[d] ?? 1)) };
    });
    const body = this.block(inside, 1 + this.rnd.below(3), false);
    const [end] = this.ending(body, inside, [inside[0] as Value]) as [Value];
    const out = layouts[0] as string;
    const { head, made } = this.made([from[0] as Value]);
    this.emit(
      [
        `${head} = sdy.manual_computation(${names(from)}) in_shardings=[${layouts.join(', ')}] out_shardings=[${out}] manual_axes={${axes.map((a) => `"${a}"`).join(', ')}} (${inside.map((v) => `${v.name}: ${type(v)}`).join(', ')}) {`,
        ...body.map((p) => p.text),
        `sdy.return ${end.name} : ${type(end)}`,
        `} : ${signature(from, made)}`,
      ].join('\n'),
      made,
      from,
    );
  }
}
