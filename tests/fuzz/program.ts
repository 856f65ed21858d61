/**
 * A random small program: a mesh, arguments and results with random layouts, and ops of `op-makers.ts` on what is at
 * hand. Extents come from a pool of a few sizes per program, so that shapes meet, and many do not divide by the axes.
 */
import { type DimSharding, type Layout, openDim, closedDim } from '../../ir/layout.ts';
import { type AxisRef, fullAxis, type Mesh } from '../../ir/mesh.ts';
import { registry } from '../../ir/ops/index.ts';
import type { Module, ValueId } from '../../ir/program.ts';
import { TypedBuilder } from '../../ir/typed-build.ts';
import { type DType, isFloat, tensor, type TensorType } from '../../ir/types.ts';
import { Choices } from './choices.ts';
import { OP_MAKERS } from './op-makers.ts';

/** Axis sizes of the meshes: small, with every size from 1 to 7. */
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
];
const EXTENTS: readonly number[] = [4, 8, 6, 12, 5, 3, 7, 16, 2, 10, 9, 1, 13, 24];
const NAMES = ['x', 'y', 'z'];
const MAX_OPS = 8;
const MAX_ELEMENTS = 4096;

export interface RandomProgram {
  readonly module: Module;
  /** Kinds of the makers that took part. */
  readonly makers: readonly string[];
}

export function randomProgram(stream: readonly number[]): RandomProgram {
  return new ProgramMaker(new Choices(stream)).make();
}

/** What op makers see: values at hand, and ways to get more. */
export class ProgramMaker {
  readonly choices: Choices;
  readonly b = new TypedBuilder(registry);
  readonly extents: readonly number[];
  private readonly mesh: Mesh;
  private readonly types: TensorType[] = [];
  private values: ValueId[] = [];

  constructor(choices: Choices) {
    this.choices = choices;
    const sizes = choices.of(MESHES);
    this.mesh = { name: 'mesh', axes: sizes.map((size, i) => ({ name: NAMES[i] as string, size })) };
    this.extents = Array.from({ length: 3 }, () => choices.of(EXTENTS));
  }

  make(): RandomProgram {
    this.argument(tensor('f32', this.shape(1 + this.choices.below(3))));
    const makers: string[] = [];
    const count = 1 + this.choices.below(MAX_OPS);
    for (let i = 0; i < count; i++) {
      const name = this.choices.of(Object.keys(OP_MAKERS));
      if (this.step(name)) makers.push(name);
    }
    return { module: this.finish(), makers };
  }

  /** One op of that maker; false where it found nothing to work on. */
  step(name: string): boolean {
    const made = OP_MAKERS[name]?.(this);
    if (made === undefined) return false;
    this.values.push(this.choices.chance(30) ? this.constrained(made) : made);
    return true;
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

  /** Another value of that type: one at hand, or a new argument. */
  like(type: TensorType): ValueId {
    const other = this.choices.chance(50) ? this.any((t) => t === type) : undefined;
    return other ?? this.argument(type);
  }

  argument(type: TensorType): ValueId {
    const value = this.b.argument(type, this.choices.chance(85) ? { layout: this.layout(type.shape) } : {});
    this.types.push(type);
    this.values.push(value);
    return value;
  }

  extent(): number {
    return this.choices.of(this.extents);
  }

  shape(rank: number): number[] {
    return Array.from({ length: rank }, () => this.extent());
  }

  /** Runs `fill` with what is at hand outside; what it adds stays inside. */
  scoped<T>(fill: () => T): T {
    const outside = [...this.values];
    const made = fill();
    this.values = outside;
    return made;
  }

  /** Makes a value one of those at hand. */
  bind(value: ValueId): void {
    this.values.push(value);
  }

  fits(shape: readonly number[]): boolean {
    return shape.reduce((n, d) => n * d, 1) <= MAX_ELEMENTS;
  }

  // --- layouts --------------------------------------------------------------------------------------------------------

  private constrained(value: ValueId): ValueId {
    const { shape } = this.b.typeOf(value);
    const layout = this.layout(shape);
    const [made] = this.b.op('sharding_constraint', [value], [this.b.typeOf(value)], {}, { layout });
    this.b.setLayout(made as ValueId, layout);
    return made as ValueId;
  }

  /** Some of the mesh's axes, whole or in part, on some of the dims. */
  private layout(shape: readonly number[]): Layout {
    const dims: AxisRef[][] = shape.map(() => []);
    for (const axis of this.choices.shuffled(this.axes())) {
      const at = this.choices.below(shape.length + 1);
      if (at > 0 && (shape[at - 1] as number) > 0) (dims[at - 1] as AxisRef[]).push(axis);
    }
    const sharded = dims.map((axes): DimSharding => (this.choices.chance(25) ? openDim(axes) : closedDim(axes)));
    return { mesh: this.mesh.name, dims: sharded, replicated: [], unreduced: [] };
  }

  private axes(): AxisRef[] {
    return this.mesh.axes.flatMap(({ name, size }) => {
      const whole = fullAxis(this.mesh, name);
      if (size === 1 || size % 2 !== 0 || size === 2 || !this.choices.chance(20)) return [whole];
      return [
        { name, pre: 1, size: 2 },
        { name, pre: 2, size: size / 2 },
      ];
    });
  }

  private finish(): Module {
    const results = [...new Set([this.values.at(-1) as ValueId, ...this.choices.some(this.values.slice(-4, -1), 30)])];
    this.b.op('return', results, [], {});
    const none = <T>(list: readonly T[]): undefined[] => list.map(() => undefined);
    const types = results.map((r) => this.b.typeOf(r));
    const func = this.b.finish({
      name: 'main',
      isPublic: true,
      resultTypes: types,
      resultLayouts: types.map((t) => (this.choices.chance(50) ? this.layout(t.shape) : undefined)),
      paramAttrs: none(this.types),
      resultAttrs: none(results),
    });
    return { name: 'fuzz', level: 'parsed', meshes: [this.mesh], functions: [func] };
  }
}

export const scalarOf = (dtype: DType): TensorType => tensor(dtype, []);
