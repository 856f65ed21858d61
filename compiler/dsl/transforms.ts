/** Gradients of functions: grad, valueAndGrad, vjp; and what steers them: checkpoint, customVjp. */
import { type Block, type Op, type ValueId, walkOps } from '../../ir/program.ts';
import { isFloat } from '../../ir/types.ts';
import { Environment } from './blocks.ts';
import { fail } from './errors.ts';
import { Tape } from './gradient/tape.ts';
import { returned } from './live-values.ts';
import { type CustomRule, hasEffect, type Saveable } from './primitives.ts';
import type { Tensor } from './tensor.ts';
import { currentTrace, describe, type Trace } from './trace.ts';
import { isTensor, leavesOf, structure, tensorsOf, withTensors } from './tree.ts';

export interface GradOptions {
  /** Parameters to differentiate by; default the first. */
  readonly argnums?: number | readonly number[];
}

/** The gradient of a scalar function by its first parameter (or `argnums`), a tree like it. */
export function grad<A extends readonly unknown[], N extends GradOptions = { argnums: 0 }>(
  fn: (...args: A) => Tensor,
  options?: N,
): (...args: A) => Gradients<A, N> {
  return (...args) => valueAndGrad(fn, options)(...args)[1];
}

/** Value and gradient. A function that returns `[loss, aux]` gives `[[loss, aux], gradient]`. */
export function valueAndGrad<
  A extends readonly unknown[],
  R extends Tensor | readonly [Tensor, unknown],
  N extends GradOptions = { argnums: 0 },
>(fn: (...args: A) => R, options?: N): (...args: A) => [R, Gradients<A, N>] {
  const { argnums = 0 } = options ?? {};
  const wanted = typeof argnums === 'number' ? [argnums] : argnums;
  return (...args) => {
    for (const i of wanted)
      for (const { path, leaf } of leavesOf(args[i], isTensor, `argument ${i}`))
        if (!isFloat(leaf.dtype))
          fail('SH0613', `the gradient by ${path} is asked for, which is ${leaf.dtype}`, { expected: 'floats' });
    const taped = tape(fn, args, wanted);
    const loss: unknown = Array.isArray(taped.out) ? taped.out[0] : taped.out;
    if (!isTensor(loss) || loss.shape.length > 0 || !isFloat(loss.dtype))
      fail('SH0604', `the function gives ${isTensor(loss) ? String(loss) : describe(loss)}`, {
        expected: 'one scalar float',
        help: 'reduce it: mean(loss); the gradient of a tensor is vjp’s',
      });
    const trace = currentTrace();
    const one = trace.tensor(trace.build((b) => b.splat(1, b.typeOf(trace.id(loss)))));
    const all = taped.pull([one]);
    const grads = wanted.map((i) => all[i]);
    return [taped.out, typeof argnums === 'number' ? grads[0] : grads] as [R, Gradients<A, N>];
  };
}

export type Gradients<A extends readonly unknown[], N extends GradOptions> = N extends { argnums: readonly number[] }
  ? { -readonly [K in keyof N['argnums']]: A[N['argnums'][K] & keyof A] }
  : N extends { argnums: infer I extends number }
    ? A[I]
    : A[0];

/** The function's value, and the function from cotangents of the value to those of the arguments. */
export function vjp<A extends readonly unknown[], R>(fn: (...args: A) => R, ...args: A): [R, (cotangents: R) => A] {
  const taped = tape(
    fn,
    args,
    args.map((_, i) => i),
  );
  return [taped.out, (cotangents) => taped.pull(tensorsLike(taped.out, cotangents)) as unknown as A];
}

interface Taped<R> {
  readonly out: R;
  /** Cotangents of the arguments from those of the result's tensors. */
  pull(cotangents: readonly Tensor[]): unknown[];
}

/** Traces the function as a block, writes it where we stand, and keeps the way back. */
function tape<A extends readonly unknown[], R>(fn: (...args: A) => R, args: A, wanted: readonly number[]): Taped<R> {
  const trace = currentTrace();
  const leaves = args.map((arg) => tensorsOf(arg));
  const { block, out } = functionBlock(trace, 'the differentiated function', fn, args);
  for (const op of walkOps(block))
    if (hasEffect(op))
      fail(
        'SH0605',
        `${op.kind}${op.attrs.target === undefined ? '' : ` @${String(op.attrs.target)}`} has an effect, which a gradient would repeat or lose`,
        {
          help: 'move it out of the differentiated function',
        },
      );
  const env = new Environment();
  env.setAll(
    block.params,
    leaves.flat().map((t) => trace.id(t)),
  );
  const places = leaves.flatMap((list, i) => list.map(() => i));
  const active = block.params.filter(
    (p, i) => wanted.includes(places[i] as number) && isFloat(trace.b.typeOf(p).dtype),
  );
  const recorded = new Tape(trace.b, env, active);
  const results = recorded.record(block).map((id) => trace.tensor(id));
  return {
    out: withTensors(out, results),
    pull(cotangents) {
      const found = recorded.pull(returned(block).map((id, i) => [id, trace.id(cotangents[i] as Tensor)] as const));
      const tensors = block.params.map((p) =>
        trace.tensor(found.get(p) ?? trace.build((b) => b.splat(0, b.typeOf(p)))),
      );
      let next = 0;
      return args.map((arg) =>
        withTensors(
          arg,
          tensorsOf(arg).map(() => tensors[next++]),
        ),
      );
    },
  };
}

/** The function's body as a block of its own, on parameters like its arguments. */
export function functionBlock<A extends readonly unknown[], R>(
  trace: Trace,
  what: string,
  fn: (...args: A) => R,
  args: A,
): { block: Block; out: R } {
  const types = tensorsOf(args).map((t) => trace.b.typeOf(trace.id(t)));
  const { block, rest } = trace.region(what, types, (params) => {
    const out = fn(...withTensors(args, params));
    return { returned: tensorsOf(out), rest: out };
  });
  return { block, out: rest };
}

function tensorsLike(out: unknown, given: unknown): Tensor[] {
  const [want, have] = [leavesOf(out, isTensor), leavesOf(given, isTensor)];
  const same =
    want.length === have.length &&
    want.every((l, i) => l.path === have[i]?.path && String(l.leaf) === String(have[i]?.leaf));
  if (!same)
    fail('SH0607', 'the cotangents are not like the result', {
      expected: want.map((l) => `${l.path} ${String(l.leaf)}`.trim()).join(', '),
      help: `got ${have.length === 0 ? structure(have) : have.map((l) => `${l.path} ${String(l.leaf)}`.trim()).join(', ')}`,
    });
  return have.map((l) => l.leaf);
}

/** What a checkpoint keeps of its function's values, as JAX's checkpoint policies of these names. */
export const checkpointPolicies = {
  nothingSaveable: (() => false) as Saveable,
  everythingSaveable: (() => true) as Saveable,
  dotsSaveable: ((op) => op.kind === 'dot_general' || op.kind === 'convolution') as Saveable,
  /** Products with weights, not those of attention. */
  dotsWithNoBatchDimsSaveable: ((op) =>
    op.kind === 'dot_general' && (op.attrs.lhs_batch as readonly number[]).length === 0) as Saveable,
  saveOnlyTheseNames:
    (...names: readonly string[]): Saveable =>
    (_: Op, name) =>
      name !== undefined && names.includes(name),
} as const;

export interface CheckpointOptions {
  readonly policy?: Saveable;
}

/** The function, whose inner values a gradient computes again instead of keeping them (jax.checkpoint). */
export function checkpoint<A extends readonly unknown[], R>(
  fn: (...args: A) => R,
  options: CheckpointOptions = {},
): (...args: A) => R {
  const { policy = checkpointPolicies.nothingSaveable } = options;
  return (...args) => asOp('checkpoint', fn, args, () => ({ saveable: policy }));
}

/**
 * The function, with a gradient of its own: `forward` gives the result and what `backward` needs, `backward` gives the
 * cotangents of the arguments, a list like them (jax.custom_vjp).
 */
export function customVjp<A extends readonly unknown[], R, K>(
  fn: (...args: A) => R,
  forward: (...args: A) => readonly [R, K],
  backward: (kept: K, cotangents: R) => readonly unknown[],
): (...args: A) => R {
  return (...args) =>
    asOp('custom_vjp', fn, args, (trace): { rule: CustomRule } => ({
      rule(operands) {
        const [out, kept] = forward(
          ...withTensors(
            args,
            operands.map((id) => trace.tensor(id)),
          ),
        );
        return {
          results: tensorsOf(out).map((t) => trace.id(t)),
          back(cotangents) {
            const given = withTensors(
              out,
              cotangents.map((id) => trace.tensor(id)),
            );
            const made = tensorsLike([...args], [...backward(kept, given)]);
            return made.map((t) => trace.id(t));
          },
        };
      },
    }));
}

function asOp<A extends readonly unknown[], R>(
  kind: 'checkpoint' | 'custom_vjp',
  fn: (...args: A) => R,
  args: A,
  attrs: (trace: Trace) => Op['attrs'],
): R {
  const trace = currentTrace();
  const ids = tensorsOf(args).map((t) => trace.id(t));
  const { block, out } = functionBlock(
    trace,
    kind === 'checkpoint' ? 'the checkpointed function' : 'the function',
    fn,
    args,
  );
  const types = returned(block).map((id: ValueId) => trace.b.typeOf(id));
  const made = trace.build((b) => b.op(kind, ids, types, b.origin, attrs(trace), [block]));
  return withTensors(
    out,
    made.map((id) => trace.tensor(id)),
  );
}
