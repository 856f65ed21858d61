/**
 * The programs that a device of a pipeline stage runs, made by the compiler: each part of the model (embedding, layer, head)
 * is traced once with its gradient on one microbatch, partitioned for the stage's mesh, and cut into forward and backward
 * where its output is known. Layers are alike: one stands for all of its kind.
 *
 *   step(weights, x, given, dy, sums) → (y | dx | sums + dweights)
 */
import { registry } from '../../ir/ops/index.ts';
import { type Func, mainFunction, type Module, typeOf, type ValueId } from '../../ir/program.ts';
import { byteSize, type DType, elementCount } from '../../ir/types.ts';
import { compile } from '../compile.ts';
import { type DimSpec, shard } from '../dsl/mesh.ts';
import { onesLike } from '../dsl/ops/creation.ts';
import { add, convert } from '../dsl/ops/elementwise.ts';
import { optimizationBarrier } from '../dsl/ops/structural.ts';
import { type Spec, spec } from '../dsl/spec.ts';
import type { Tensor } from '../dsl/tensor.ts';
import { trace } from '../dsl/trace-function.ts';
import { checkpoint, type CheckpointOptions, vjp } from '../dsl/transforms.ts';
import { treeMap } from '../dsl/tree.ts';
import type { Axes } from './axes.ts';
import { cutProgram, type ProgramPart } from './cut-program.ts';
import { type Description, microbatchesOf } from './description.ts';
import { planPrices } from './prices.ts';
import { type Masks, SAVED, Transformer, type Weights } from './transformer.ts';
import { type Part, sharesKeys, weightsOf, type WeightSpecs } from './weights.ts';

export interface StageProgram {
  readonly part: Part;
  /** Both ways in one, uncut and unscheduled. */
  readonly whole: Module;
  readonly forward: Module;
  /** Gradients of its input and its weights; or each apart, for schedules that tell them apart. */
  readonly backward: Module;
  readonly inputGradient: Module;
  readonly weightGradient: Module;
  /** Bytes of one device: kept between forward and backward; handed to the next stage; of weights, and of sums of gradients. */
  readonly keptBytes: number;
  readonly handedBytes: number;
  readonly weightBytes: number;
  readonly sumBytes: number;
  /** Of these, the head's copy of the embedding's table, which a stage that has both holds once. */
  readonly tableBytes: { readonly weights: number; readonly sums: number };
  /** Elements of its weights, on all devices; without that copy. */
  readonly parameters: number;
}

export function stageProgram(part: Part, d: Description, axes: Axes, layers: number): StageProgram {
  const weights = Array.from({ length: layers }, () => weightsOf(part, d, axes, d.zero === 3));
  const sums = Array.from({ length: layers }, () => weightsOf(part, d, axes, d.zero >= 2, d.gradients));
  const step = stepOf(part, d, axes, weights, sums);
  const traced = trace(step.run, { mesh: axes.mesh, name: part.replace(' ', '_'), ...step.options } as never);
  const { local } = compile(traced.module, { registry, prices: planPrices });
  const count = weights.reduce((n, w) => n + Object.keys(w).length, 0);
  const main = mainFunction(traced.module);
  const own = main.body.params.slice(part === 'head' ? 1 : 0, count);
  const parameters = own.reduce((n, p) => n + elementCount(typeOf(main, p)), 0);
  return {
    ...cut(part, local as Module, { weights: count, outputs: step.outputs, again: MASKS_AGAIN[d.recompute] }),
    parameters,
  };
}

interface Step {
  readonly run: (...args: never[]) => unknown;
  readonly options: {
    readonly args: readonly unknown[];
    readonly results: readonly unknown[];
  };
  /** Results before the sums. */
  readonly outputs: number;
}

function stepOf(
  part: Part,
  d: Description,
  axes: Axes,
  weights: readonly WeightSpecs[],
  sums: readonly WeightSpecs[],
): Step {
  const model = new Transformer(d, axes);
  const { x, ids, masks } = inputsOf(d, axes, model.outer);
  const before = microbatchesOf(d) > 1 ? sums : [];
  const apart = (g: Tensor): Tensor => ((d.fusedAccumulation ?? !d.eager) ? g : optimizationBarrier(g));
  const total = (before: readonly Weights[], grads: readonly Weights[]): readonly Weights[] =>
    before.length === 0
      ? treeMap((g) => convert(g, d.gradients), grads)
      : treeMap((s, g) => add(s, convert(apart(g), s.dtype)) as Tensor, before, grads);
  switch (part) {
    case 'embedding':
      return {
        run: (w: readonly Weights[], given: Tensor, dy: Tensor, s: readonly Weights[]) => {
          const [y, pull] = vjp((u: readonly Weights[]) => model.embed(u[0] as Weights, given), w);
          return [y, total(s, pull(dy)[0])];
        },
        options: { args: [weights, ids, x, before], results: [x, sums] },
        outputs: 1,
      };
    case 'head':
      return {
        run: (w: readonly Weights[], h: Tensor, labels: Tensor, s: readonly Weights[]) => {
          const [y, pull] = vjp((u: readonly Weights[], v: Tensor) => model.loss(u[0] as Weights, v, labels), w, h);
          const [dw, dx] = pull(onesLike(y));
          return [y, dx, total(s, dw)];
        },
        options: { args: [weights, x, ids, before], results: [null, x, sums] },
        outputs: 2,
      };
    default:
      return {
        run: (w: readonly Weights[], h: Tensor, given: Masks, dy: Tensor, s: readonly Weights[]) => {
          // Split weights stay so where they are read again: what forward gathers is not kept for the way back.
          const stay = (u: Weights): Weights =>
            Object.fromEntries(Object.entries(u).map(([n, t]) => [n, shard(t, ...(weights[0]?.[n]?.sharding ?? []))]));
          const layer = checkpoint((u: Weights, v: Tensor) => model.layer(stay(u), v, given), recomputing(d));
          const [y, pull] = vjp((all: readonly Weights[], v: Tensor) => all.reduce((t, u) => layer(u, t), v), w, h);
          const [dw, dx] = pull(dy);
          return [y, dx, total(s, dw)];
        },
        options: { args: [weights, x, masks, x, before], results: [x, x, sums] },
        outputs: 2,
      };
  }
}

/** Dropout masks that a recomputed layer generates again from their seed. */
const MASKS_AGAIN: Readonly<Record<Description['recompute'], ReadonlySet<string>>> = {
  none: new Set(),
  selective: new Set(['given.attention']),
  full: new Set(['given.attention', 'given.afterAttention', 'given.afterFfn']),
};

/** What is kept between forward and backward, and whether all else is computed again as eager frameworks do. */
function recomputing({ model, recompute: asked, eager }: Description): CheckpointOptions {
  // A fused kernel computes its scores again on the way back.
  const recompute = model.fusedAttention && asked === 'none' ? 'selective' : asked;
  const names = SAVED[recompute];
  return {
    policy: (op, name) =>
      name === undefined ? recompute === 'none' && op.kind === 'custom_vjp' : names.includes(name),
    whole: recompute === 'full' && eager,
  };
}

function inputsOf(
  d: Description,
  axes: Axes,
  outer: readonly DimSpec[],
): { x: Spec; ids: Spec; masks: Record<string, Spec> } {
  const { model: m } = d;
  const batch = d.microbatch * axes.replicas;
  const kv = m.kvHeads ?? m.heads;
  const of = (dtype: DType, shape: readonly number[], ...dims: readonly DimSpec[]): Spec =>
    spec(dtype, shape, ...dims) as Spec;
  const mask = of('pred', [batch, m.sequence, m.width], ...outer);
  const scores = of(
    'pred',
    sharesKeys(m, axes.parts)
      ? [axes.parts, batch, 1, m.heads / axes.parts, m.sequence, m.sequence]
      : [axes.parts, batch, kv / axes.parts, m.heads / kv, m.sequence, m.sequence],
    axes.tensor,
    axes.batch,
    null,
    null,
    axes.sequence,
    null,
  );
  return {
    x: of(d.dtype, [batch, m.sequence, m.width], ...outer),
    ids: of('i32', [batch, m.sequence], axes.batch, axes.outerSequence),
    masks: m.dropout ? { attention: scores, afterAttention: mask, afterFfn: mask } : {},
  };
}

interface Counts {
  /** Arguments that are made again rather than kept, by name. */
  readonly again: ReadonlySet<string>;
  /** Arguments that are weights, first; results before the sums. */
  readonly weights: number;
  readonly outputs: number;
}

function cut(part: Part, local: Module, { weights, outputs, again }: Counts): Omit<StageProgram, 'parameters'> {
  const func = mainFunction(local);
  const [forward, backward] = cutProgram(local, [1, outputs - 1 + weights]) as [ProgramPart, ProgramPart];
  const [, inputGradient, weightGradient] = cutProgram(local, [1, outputs - 1, weights]) as [
    ProgramPart,
    ProgramPart,
    ProgramPart,
  ];
  const { params } = func.body;
  // Neither weights nor sums, which stay; nor the gradient of the output, which comes with the backward pass.
  const before = mainFunction(forward.module).body.params;
  const givenAgain = backward.arguments.flatMap((i) => {
    const id = params[i] as ValueId;
    return i >= weights && before.includes(id) && !again.has(func.values[id]?.name ?? '') ? [id] : [];
  });
  const results = func.body.ops.at(-1)?.operands ?? [];
  const [y] = results;
  const sums = results.slice(outputs);
  return {
    part,
    whole: local,
    forward: forward.module,
    backward: backward.module,
    inputGradient: inputGradient.module,
    weightGradient: weightGradient.module,
    keptBytes: sizeOf(func, [...backward.left, ...givenAgain]),
    handedBytes: y === undefined ? 0 : sizeOf(func, [y]),
    weightBytes: sizeOf(func, params.slice(0, weights)),
    sumBytes: sizeOf(func, sums),
    tableBytes:
      part === 'head'
        ? { weights: sizeOf(func, params.slice(0, 1)), sums: sizeOf(func, sums.slice(0, 1)) }
        : { weights: 0, sums: 0 },
  };
}

const sizeOf = (func: Func, values: readonly ValueId[]): number =>
  values.reduce((n, v) => n + byteSize(typeOf(func, v)), 0);
