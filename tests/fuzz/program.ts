/**
 * A random small program: meshes, arguments and results with random layouts, and ops of `makers/` on what is at hand.
 * Extents come from a pool of a few sizes per program, so that shapes meet, and many do not divide by the axes.
 */
import { type DimSharding, type Layout, MONOIDS, openDim, closedDim } from '../../ir/layout.ts';
import { type AxisRef, deviceCount, fullAxis, type Mesh } from '../../ir/mesh.ts';
import { InferError } from '../../ir/op.ts';
import { registry } from '../../ir/ops/index.ts';
import { type Block, type Func, type Module, typeOf, type ValueId, walkOps } from '../../ir/program.ts';
import { TypedBuilder } from '../../ir/typed-build.ts';
import { type DType, isFloat, tensor, type TensorType } from '../../ir/types.ts';
import { Choices } from './choices.ts';
import { OP_MAKERS } from './makers/index.ts';
import type { OpMaker } from './makers/maker.ts';

/** Axis sizes of the meshes: small, with every size from 1 to 8. */
const MESHES: readonly (readonly number[])[] = [
  [2],
  [4],
  [2, 2],
  [2, 4],
  [3],
  [2, 3],
  [4, 2],
  [2, 2, 2],
  [5],
  [6],
  [3, 2],
  [7],
  [1, 4],
  [3, 1, 2],
  [8],
  [2, 3, 2],
];
const EXTENTS: readonly number[] = [4, 8, 6, 12, 5, 3, 7, 16, 2, 10, 9, 1, 13, 24, 0];
const NAMES = ['x', 'y', 'z'];
/** Of the first argument; the others follow from what ops want. */
const DTYPES: readonly DType[] = [
  ...Array.from({ length: 24 }, (): DType => 'f32'),
  ...(['bf16', 'f16', 'f64', 'i32', 'i8', 'u8', 'i64', 'u32', 'pred', 'c64', 'i4', 'u2'] as const),
  ...(['f8e4m3fn', 'f8e5m2', 'f8e4m3b11fnuz', 'f8e5m2fnuz', 'f4e2m1fn'] as const),
];
const MAX_OPS = 8;
const MAX_ELEMENTS = 4096;

export const randomProgram = (stream: readonly number[]): Module => new ProgramMaker(new Choices(stream)).make();

/** What op makers see: values at hand, and ways to get more. */
export class ProgramMaker {
  readonly choices: Choices;
  readonly extents: readonly number[];
  readonly mesh: Mesh;
  /** The function at hand. */
  b = new TypedBuilder(registry);
  readonly functions: Func[] = [];
  /** Regions and functions around what is made now. */
  depth = 0;
  /** Axes of the manual computations around it. */
  manual: readonly string[] = [];
  private readonly meshes: readonly Mesh[];
  private values: ValueId[] = [];
  private groups = 0;

  constructor(choices: Choices) {
    this.choices = choices;
    const sizes = choices.of(MESHES);
    this.mesh = {
      name: 'mesh',
      axes: sizes.map((size, i) => ({ name: NAMES[i] as string, size })),
      ...this.order(sizes),
    };
    this.meshes = choices.chance(8) ? [this.mesh, { ...this.mesh, name: 'other', ...this.order(sizes) }] : [this.mesh];
    this.extents = Array.from({ length: 3 }, () => choices.of(EXTENTS));
  }

  make(): Module {
    this.argument(tensor(this.choices.of(DTYPES), this.shape(1 + this.choices.below(3))));
    const count = 2 + this.choices.below(MAX_OPS);
    for (let i = 0; i < count; i++) this.step(this.choices.of(OP_MAKERS));
    const main = this.finish('main', this.ends());
    return { name: 'fuzz', level: 'parsed', meshes: this.meshes, functions: [main, ...this.functions] };
  }

  /** The latest value, all that nothing reads, and a few besides. */
  private ends(): ValueId[] {
    const read = new Set([...walkOps(this.b.openBlocks()[0] as Block)].flatMap((op) => op.operands));
    const [last, ...others] = [...this.values].filter((v) => this.b.typeOf(v).dtype !== 'token').reverse();
    return [...new Set([last as ValueId, ...others.filter((v) => !read.has(v) || this.choices.chance(8))])];
  }

  private step(maker: OpMaker): void {
    const made = this.attempt(() => maker(this));
    if (made !== undefined) this.bind(this.choices.chance(60) ? this.constrained(made) : made);
  }

  /** Nothing where an op does not take what it would be given. */
  private attempt<T>(make: () => T): T | undefined {
    try {
      return make();
    } catch (error) {
      if (error instanceof InferError) return undefined;
      throw error;
    }
  }

  // --- for op makers --------------------------------------------------------------------------------------------------

  /** A value at hand, the latest most often. */
  any(fits: (type: TensorType) => boolean = () => true): ValueId | undefined {
    const found = this.values.filter((v) => fits(this.b.typeOf(v))).reverse();
    return found.length === 0 ? undefined : this.choices.of(found.slice(0, 4));
  }

  /** A float value at hand of at least that rank. */
  float(rank = 0): ValueId | undefined {
    return this.any((t) => isFloat(t.dtype) && t.shape.length >= rank);
  }

  /** Another value of that type: one at hand, or a new one. */
  like(type: TensorType): ValueId {
    const other = this.choices.chance(50) ? this.any((t) => t === type) : undefined;
    return other ?? this.argument(type);
  }

  /** A value of numbers of its own: an argument of the function; a constant where a body reads nothing from outside. */
  argument(type: TensorType): ValueId {
    if (this.manual.length > 0) return this.b.splat(1, type);
    const value = this.b.argument(type, this.choices.chance(94) ? { layout: this.layout(type.shape) } : {});
    this.values.push(value);
    return value;
  }

  extent(): number {
    return this.choices.of(this.extents);
  }

  shape(rank: number): number[] {
    return Array.from({ length: rank }, () => this.extent());
  }

  /** Makes a value one of those at hand. */
  bind(value: ValueId): void {
    this.values.push(value);
  }

  fits(shape: readonly number[]): boolean {
    return shape.reduce((n, d) => n * d, 1) <= MAX_ELEMENTS;
  }

  nextGroup(): number {
    return this.groups++;
  }

  typeOfParam(func: Func, at: number): TensorType {
    return typeOf(func, func.body.params[at] as ValueId);
  }

  // --- regions and functions ------------------------------------------------------------------------------------------

  /** Runs `fill` with what is at hand outside; what it adds stays inside. */
  scoped<T>(fill: () => T): T {
    const outside = [...this.values];
    this.depth++;
    try {
      return fill();
    } finally {
      this.depth--;
      this.values = outside;
    }
  }

  /** The body of a manual computation, which reads nothing from outside. */
  inManual<T>(axes: readonly string[], params: readonly ValueId[], fill: () => T): T {
    const around = this.manual;
    this.manual = [...around, ...axes];
    try {
      return this.scoped(() => {
        this.values = [...params];
        return fill();
      });
    } finally {
      this.manual = around;
    }
  }

  /** A private function of a value of that type, and of what else its body wants. */
  makeFunction(type: TensorType, fill: (x: ValueId) => readonly ValueId[]): Func {
    const caller = this.b;
    this.b = new TypedBuilder(registry);
    try {
      const func = this.scoped(() => {
        const x = this.b.argument(type);
        this.values = [x];
        const results = fill(x);
        return this.finish(`f${this.functions.length}`, results);
      });
      this.functions.push(func);
      return func;
    } finally {
      this.b = caller;
    }
  }

  private finish(name: string, results: readonly ValueId[]): Func {
    this.b.op('return', results, [], {});
    const types = results.map((r) => this.b.typeOf(r));
    const main = name === 'main';
    const func = this.b.finish({
      name,
      isPublic: main,
      resultTypes: types,
      resultLayouts: types.map((t, i) =>
        main && this.placesResult(results[i] as ValueId) ? this.layout(t.shape) : undefined,
      ),
      paramAttrs: [],
      resultAttrs: types.map(() => undefined),
    });
    return { ...func, paramAttrs: func.body.params.map(() => undefined) };
  }

  /** No result leaves a sum owed. */
  private placesResult(v: ValueId): boolean {
    return this.choices.chance(75) || (this.b.layoutOf(v)?.unreduced.length ?? 0) > 0;
  }

  // --- layouts --------------------------------------------------------------------------------------------------------

  constrained(value: ValueId): ValueId {
    const type = this.b.typeOf(value);
    const layout = this.layout(type.shape);
    const owed = this.choices.chance(8) ? this.owed(type, layout) : layout;
    const [made] = this.b.op('sharding_constraint', [value], [type], {}, { layout: owed });
    this.b.setLayout(made as ValueId, owed);
    return made as ValueId;
  }

  /** Some of the mesh's axes, whole or in part, on some of the dims. */
  private layout(shape: readonly number[]): Layout {
    const dims: AxisRef[][] = shape.map(() => []);
    const left: AxisRef[] = [];
    for (const axis of this.choices.shuffled(this.axes())) {
      const at = shape.length === 0 || this.choices.chance(5) ? undefined : this.choices.below(shape.length);
      if (at !== undefined && (shape[at] as number) > 0) (dims[at] as AxisRef[]).push(axis);
      else left.push(axis);
    }
    const priority = (): number => (this.choices.chance(10) ? 1 + this.choices.below(2) : 0);
    const sharded = dims.map(
      (axes): DimSharding =>
        this.choices.chance(25) ? openDim(axes, priority()) : closedDim(axes, axes.length > 0 ? priority() : 0),
    );
    const mesh = this.manual.length > 0 ? this.mesh : this.choices.of([this.mesh, ...this.meshes]);
    const replicated = this.choices.chance(12) ? this.choices.some(left, 50) : [];
    return { mesh: mesh.name, dims: sharded, replicated: inOrder(this.mesh, replicated), unreduced: [] };
  }

  /** The same, a reduction over the other axes owed. */
  private owed({ dtype }: TensorType, layout: Layout): Layout {
    const taken = new Set([...layout.dims.flatMap((d) => d.axes), ...layout.replicated].map((a) => a.name));
    const free = this.axes().filter((a) => !taken.has(a.name));
    if (!isFloat(dtype) || free.length === 0) return layout;
    const monoid = this.choices.of(MONOIDS.filter((m) => m !== 'and' && m !== 'or'));
    return { ...layout, unreduced: inOrder(this.mesh, free), ...(monoid === 'sum' ? {} : { monoid }) };
  }

  /** Those that are nobody's by hand, some of them in two or three parts. */
  private axes(): AxisRef[] {
    const free = this.mesh.axes.filter((a) => !this.manual.includes(a.name));
    return free.flatMap(({ name, size }) => {
      const whole = fullAxis(this.mesh, name);
      if (size === 1 || size % 2 !== 0 || size === 2 || !this.choices.chance(20)) return [whole];
      const parts = size === 8 && this.choices.chance(50) ? [2, 2, 2] : [2, size / 2];
      let pre = 1;
      return parts.map((part): AxisRef => {
        const ref = { name, pre, size: part };
        pre *= part;
        return ref;
      });
    });
  }

  /** The devices of a mesh in another order, now and then. */
  private order(sizes: readonly number[]): { deviceIds?: readonly number[] } {
    if (!this.choices.chance(8)) return {};
    const count = deviceCount({ name: '', axes: sizes.map((size) => ({ name: '', size })) });
    return { deviceIds: this.choices.shuffled(Array.from({ length: count }, (_, i) => i).reverse()) };
  }
}

const inOrder = (mesh: Mesh, axes: readonly AxisRef[]): AxisRef[] => {
  const place = (a: AxisRef): number => mesh.axes.findIndex((m) => m.name === a.name) * 1000 + a.pre;
  return [...axes].sort((a, b) => place(a) - place(b));
};

export const scalarOf = (dtype: DType): TensorType => tensor(dtype, []);
