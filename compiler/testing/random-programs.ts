/**
 * Small random programs for property tests: `fc.array(fc.nat(), { maxLength: 60, size: 'max' }).map((draws) => randomProgram(draws))`.
 * fast-check shrinks the draws, and fewer and smaller draws are a smaller program.
 */
import type { DimSharding, Layout } from '../../ir/layout.ts';
import { closedDim, openDim } from '../../ir/layout.ts';
import type { Mesh } from '../../ir/mesh.ts';
import { registry as standard } from '../../ir/ops/index.ts';
import type { Module, ValueId } from '../../ir/program.ts';
import { TypedBuilder } from '../../ir/typed-build.ts';
import { tensor } from '../../ir/types.ts';
import { Random } from '../../runtime-sim/random.ts';

export interface RandomProgramOptions {
  readonly ops?: number;
  readonly mesh?: Readonly<Record<string, number>>;
}

const UNARY = ['negate', 'tanh', 'sine', 'exponential', 'abs'];
const BINARY = ['add', 'multiply', 'subtract', 'maximum'];

/** What choices are drawn from: from `low` to below `high`. */
interface Draws {
  integer(low: number, high: number): number;
  /** Nothing is left, and every draw is the lowest. */
  readonly ended?: boolean;
}

class Listed implements Draws {
  private readonly list: readonly number[];
  private next = 0;

  constructor(list: readonly number[]) {
    this.list = list;
  }

  get ended(): boolean {
    return this.next >= this.list.length;
  }

  integer(low: number, high: number): number {
    return low + ((this.list[this.next++] ?? 0) % Math.max(1, high - low));
  }
}

/**
 * A straight-line program of f32 matrices on a mesh, some of its values annotated. The same seed, or the same draws, give
 * the same program; it ends where the draws do.
 */
export function randomProgram(seed: number | readonly number[], options: RandomProgramOptions = {}): Module {
  const { ops = 8, mesh: axes = { x: 2, y: 2 } } = options;
  const random: Draws = typeof seed === 'number' ? new Random(seed) : new Listed(seed);
  const pick = <T>(list: readonly T[]): T => list[random.integer(0, list.length)] as T;
  const mesh: Mesh = { name: 'mesh', axes: Object.entries(axes).map(([name, size]) => ({ name, size })) };
  const b = new TypedBuilder(standard);
  const values: ValueId[] = Array.from({ length: 3 }, (_, i) =>
    b.param(tensor('f32', [pick([4, 8]), pick([4, 8])]), { name: `p${i}`, ...maybeLayout(random, mesh) }),
  );
  for (let i = 0; i < ops && random.ended !== true; i++) values.push(randomOp(b, random, pick, values, mesh));
  const results = values.slice(-2);
  b.op('return', results, [], {});
  const func = b.finish({
    name: 'main',
    isPublic: true,
    resultTypes: results.map((r) => b.typeOf(r)),
    resultLayouts: results.map(() => undefined),
    paramAttrs: [],
    resultAttrs: [],
  });
  return {
    name: typeof seed === 'number' ? `random_${seed}` : 'random',
    level: 'parsed',
    meshes: [mesh],
    functions: [func],
  };
}

type Pick = <T>(list: readonly T[]) => T;

function randomOp(b: TypedBuilder, random: Draws, pick: Pick, values: readonly ValueId[], mesh: Mesh): ValueId {
  const x = pick(values);
  const { shape } = b.typeOf(x);
  const alike = values.filter((v) => b.typeOf(v) === b.typeOf(x));
  switch (random.integer(0, 6)) {
    case 0:
      return b.one(pick(UNARY), [x]);
    case 1:
      return b.one(pick(BINARY), [x, pick(alike)]);
    case 2:
      return b.one('transpose', [x], { permutation: [1, 0] });
    case 3: {
      const { layout } = maybeLayout(random, mesh);
      return layout === undefined ? x : (b.op('sharding_constraint', [x], [b.typeOf(x)], {}, { layout })[0] as ValueId);
    }
    case 4: {
      const dim = random.integer(0, 2);
      const sum = b.reduce('sum', x, [dim]);
      return b.one('broadcast_in_dim', [sum], { dims: [1 - dim], shape });
    }
    default: {
      const y = pick(
        values
          .filter((v) => b.typeOf(v).shape[0] === shape[1])
          .concat(b.one('transpose', [x], { permutation: [1, 0] })),
      );
      return b.one('dot_general', [x, y], {
        lhs_batch: [],
        rhs_batch: [],
        lhs_contracting: [1],
        rhs_contracting: [0],
        dtype: 'f32',
      });
    }
  }
}

function maybeLayout(random: Draws, mesh: Mesh): { layout?: Layout } {
  if (random.integer(0, 2) === 0) return {};
  const left = mesh.axes.map((a) => ({ name: a.name, pre: 1, size: a.size }));
  const dim = (): DimSharding => {
    const axes = random.integer(0, 2) === 0 ? [] : left.splice(random.integer(0, Math.max(1, left.length)), 1);
    return random.integer(0, 2) === 0 ? closedDim(axes) : openDim(axes);
  };
  return { layout: { mesh: mesh.name, dims: [dim(), dim()], replicated: [], unreduced: [] } };
}
