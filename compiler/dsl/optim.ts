/** `optim`: optimizers as pairs of functions on parameter trees (optax's form): `init(params)`, `update(grads, state, params)`. */
import {
  add,
  convert,
  divide,
  maximum,
  minimum,
  multiply,
  power,
  rsqrt,
  sqrt,
  square,
  subtract,
} from './ops/elementwise.ts';
import { fail } from './errors.ts';
import { constant, zeros, zerosLike } from './ops/creation.ts';
import { mean } from './ops/reductions.ts';
import { expandDims } from './ops/shaping.ts';
import { type Spec, spec } from './spec.ts';
import type { Tensor } from './tensor.ts';
import { isSpec } from './spec.ts';
import { isTensor, leavesOf, rebuild, tensorsOf, treeMap, withTensors } from './tree.ts';

/** Any of them, whatever its state is. */
export interface Optimizer {
  /** The state before the first step. */
  init<P>(params: P): object;
  /** What the state is, for specs of parameters: sharded as they are. */
  specs<S>(params: S): object;
  /** New parameters and state. */
  update<P>(grads: P, state: object, params: P): [P, object];
}

export interface Sgd {
  init<P>(params: P): SgdState<P>;
  specs<S>(params: S): SgdState<S>;
  update<P>(grads: P, state: SgdState<P>, params: P): [P, SgdState<P>];
}
/** Empty without momentum. */
export interface SgdState<P> {
  readonly velocity?: P;
}

export interface SgdOptions {
  /** A number, or a scalar that is computed: a schedule. */
  readonly learningRate: number | Tensor;
  readonly momentum?: number;
}

/** A step of a parameter, times the learning rate. */
const scaled = (step: Tensor, rate: number | Tensor): Tensor =>
  multiply(step, typeof rate === 'number' ? rate : convert(rate, step.dtype));

export function sgd({ learningRate, momentum = 0 }: SgdOptions): Sgd {
  const plain = momentum === 0;
  const stateOf = <P>(velocity: P): SgdState<P> => (plain ? {} : { velocity });
  return {
    init: (params) => stateOf(treeMap(zerosLike, params)),
    specs: stateOf,
    update(grads, state, params) {
      if (!plain) expectState('sgd', state, ['velocity']);
      const steps = plain ? grads : treeMap((v, g) => add(multiply(v, momentum), g), state.velocity, grads);
      const next = treeMap((p, s) => subtract(p, scaled(s, learningRate)), params, steps);
      return [next, stateOf(steps as typeof grads)];
    },
  };
}

export interface Adam {
  init<P>(params: P): AdamState<P>;
  specs<S>(params: S): AdamState<S, Spec<'f32', readonly []>>;
  update<P>(grads: P, state: AdamState<P>, params: P): [P, AdamState<P>];
}
export interface AdamState<P, N = Tensor> {
  readonly step: N;
  readonly mean: P;
  readonly square: P;
}

export interface AdamOptions {
  readonly learningRate: number | Tensor;
  readonly beta1?: number;
  readonly beta2?: number;
  readonly epsilon?: number;
  /** Decoupled (AdamW). */
  readonly weightDecay?: number;
}

/** Kingma and Ba, arXiv:1412.6980. The state counts its steps. */
export function adam(options: AdamOptions): Adam {
  const { learningRate, beta1 = 0.9, beta2 = 0.999, epsilon = 1e-8, weightDecay = 0 } = options;
  return {
    init: (params) => ({ step: constant(0), mean: treeMap(zerosLike, params), square: treeMap(zerosLike, params) }),
    specs: (params) => ({ step: spec('f32', []), mean: params, square: params }),
    update(grads, state, params) {
      expectState('adam', state, ['step', 'mean', 'square']);
      const step = add(state.step, 1);
      const first = treeMap((m, g) => add(multiply(m, beta1), multiply(g, 1 - beta1)), state.mean, grads);
      const second = treeMap((v, g) => add(multiply(v, beta2), multiply(square(g), 1 - beta2)), state.square, grads);
      const unbias = (beta: number): Tensor => subtract(1, power(constant(beta), step));
      const [c1, c2] = [unbias(beta1), unbias(beta2)];
      const next = treeMap(
        (p, m, v) => {
          const move = divide(divide(m, as(c1, m)), add(sqrt(divide(v, as(c2, v))), epsilon));
          const decayed = weightDecay === 0 ? move : add(move, multiply(p, weightDecay));
          return subtract(p, scaled(decayed, learningRate));
        },
        params,
        first,
        second,
      );
      return [next, { step, mean: first, square: second }];
    },
  };
}

function expectState<S extends object>(of: string, state: S, parts: readonly (keyof S & string)[]): void {
  const missing = parts.find((part) => state?.[part] === undefined);
  if (missing !== undefined)
    fail('SH0607', `the state given to ${of} has no ${missing}`, {
      expected: `what ${of}(…).init(params) gives, or an argument of ${of}(…).specs(params)`,
    });
}

const as = (x: Tensor, like: Tensor): Tensor => convert(x, like.dtype);

export interface Adafactor {
  init<P>(params: P): AdafactorState<P>;
  specs<S>(params: S): AdafactorState<S, Spec<'f32', readonly []>>;
  update<P>(grads: P, state: AdafactorState<P>, params: P): [P, AdafactorState<P>];
}
/** Trees like the parameters', of other shapes. */
export interface AdafactorState<P, N = Tensor> {
  readonly step: N;
  readonly rows: P;
  readonly columns: P;
}

export interface AdafactorOptions {
  readonly learningRate: number | Tensor;
  /** Of the running means: 1 − step^−decay. */
  readonly decay?: number;
  readonly epsilon?: number;
  /** Updates of a larger root mean square are scaled down to it. */
  readonly clip?: number;
}

/** Shazeer and Stern, arXiv:1804.04235: of matrices only means of rows and columns are kept, over their last two dims. */
export function adafactor(options: AdafactorOptions): Adafactor {
  const { learningRate, decay = 0.8, epsilon = 1e-30, clip = 1 } = options;
  return {
    init: (params) => ({
      step: constant(0),
      rows: treeMap((p) => zeros(isFactored(p.shape) ? p.shape.slice(0, -1) : p.shape, p.dtype), params),
      columns: treeMap((p) => zeros(isFactored(p.shape) ? columnShape(p.shape) : [1], p.dtype), params),
    }),
    specs: (params) => ({
      step: spec('f32', []),
      rows: mapSpecs(params, (s) =>
        isFactored(s.shape) ? like(s, s.shape.slice(0, -1), s.sharding?.slice(0, -1)) : s,
      ),
      columns: mapSpecs(params, (s) =>
        isFactored(s.shape)
          ? like(s, columnShape(s.shape), s.sharding === undefined ? undefined : columnShape(s.sharding))
          : like(s, [1], undefined),
      ),
    }),
    update(grads, state, params) {
      expectState('adafactor', state, ['step', 'rows', 'columns']);
      const step = add(state.step, 1);
      const keep = subtract(1, power(step, -decay));
      const [oldRows, oldColumns] = [tensorsOf(state.rows), tensorsOf(state.columns)];
      const [ps, rows, columns]: [Tensor[], Tensor[], Tensor[]] = [[], [], []];
      tensorsOf(grads).forEach((g, i) => {
        const power2 = add(square(g), epsilon);
        const blend = (old: Tensor, fresh: Tensor): Tensor =>
          add(multiply(old, as(keep, g)), multiply(fresh, as(subtract(1, keep), g)));
        const p = tensorsOf(params)[i] as Tensor;
        const factored = isFactored(g.shape);
        const row = blend(oldRows[i] as Tensor, factored ? mean(power2, -1) : power2);
        const column = factored ? blend(oldColumns[i] as Tensor, mean(power2, -2)) : (oldColumns[i] as Tensor);
        const scale = factored ? factoredScale(row, column) : rsqrt(row);
        const move = multiply(g, scale);
        const size = sqrt(mean(square(move)));
        const clipped = divide(move, maximum(divide(size, clip), 1));
        ps.push(subtract(p, scaled(clipped, learningRate)));
        rows.push(row);
        columns.push(column);
      });
      return [
        withTensors(params, ps),
        { step, rows: withTensors(state.rows, rows), columns: withTensors(state.columns, columns) },
      ];
    },
  };
}

const isFactored = (shape: readonly unknown[]): boolean => shape.length >= 2;
const columnShape = <T>(shape: readonly T[]): T[] => [...shape.slice(0, -2), shape.at(-1) as T];

/** 1 / √(rows × columns / mean of rows). */
function factoredScale(row: Tensor, column: Tensor): Tensor {
  const share = rsqrt(divide(row, mean(row, -1, { keepDims: true })));
  return multiply(expandDims(share, -1), expandDims(rsqrt(column), -2));
}

const like = (s: Spec, shape: readonly number[], sharding: Spec['sharding']): Spec =>
  spec(s.dtype, shape, ...(sharding ?? [])) as Spec;

const mapSpecs = <S>(tree: S, to: (s: Spec) => Spec): S => rebuild(tree, isSpec, to) as S;

/** The gradients scaled down so that their norm over the whole tree is at most `limit`. */
export function clipByGlobalNorm<T>(grads: T, limit: number): T {
  const squares = leavesOf(grads, isTensor).map(
    ({ leaf }) =>
      multiply(
        mean(square(leaf)),
        leaf.shape.reduce((n, d) => n * d, 1),
      ) as Tensor,
  );
  const [first, ...rest] = squares;
  if (first === undefined) return grads;
  const norm = sqrt(rest.reduce((a, b) => add(a, b), first));
  const scale = minimum(divide(limit, add(norm, 1e-12)), 1);
  return treeMap((g) => multiply(g, convert(scale, g.dtype)), grads);
}
