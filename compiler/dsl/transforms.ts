/** Gradients of functions: grad, valueAndGrad, vjp, and checkpoint, which says what they keep. */
import { fullAxis } from '../../ir/mesh.ts';
import { type Block, type Op, readFromOutside, type ValueId, walkOps } from '../../ir/program.ts';
import { isFloat, isInexact, typeText } from '../../ir/types.ts';
import { Environment } from './blocks.ts';
import { diagnosticAt, fail } from './errors.ts';
import { Tape } from './gradient/tape.ts';
import { Variation } from './gradient/variation.ts';
import { returned } from './live-values.ts';
import { hasEffect, type Saveable } from './primitives.ts';
import type { Tensor } from './tensor.ts';
import { currentTrace, describe, type Trace } from './trace.ts';
import { isTensor, leavesOf, structure, tensorsOf, withTensors } from './tree.ts';

export interface GradOptions {
  /** Parameters to differentiate by; default the first. */
  readonly argnums?: number | readonly number[];
}

/** The gradient of a scalar function by its first parameter (or `argnums`), a tree like it. */
export function grad<A extends readonly unknown[], const N extends GradOptions = { argnums: 0 }>(
  fn: (...args: A) => Tensor,
  options?: N,
): (...args: A) => Gradients<A, N> {
  return (...args) => valueAndGrad(fn, options)(...args)[1];
}

/** Value and gradient. A function that returns `[loss, aux]` gives `[[loss, aux], gradient]`. */
export function valueAndGrad<
  A extends readonly unknown[],
  R extends Tensor | readonly [Tensor, unknown],
  const N extends GradOptions = { argnums: 0 },
>(fn: (...args: A) => R, options?: N): (...args: A) => [R, Gradients<A, N>] {
  const { argnums = 0 } = options ?? {};
  const wanted = typeof argnums === 'number' ? [argnums] : argnums;
  return (...args) => {
    const beyond = wanted.find((i) => !Number.isInteger(i) || i < 0 || i >= args.length);
    if (beyond !== undefined)
      fail('SH0607', `argnums names argument ${beyond}, the function was given ${args.length}`, {
        expected: args.length === 0 ? 'a function of arguments' : `0 to ${args.length - 1}`,
      });
    for (const i of wanted)
      for (const { path, leaf } of leavesOf(args[i], isTensor, `argument ${i}`))
        if (!isInexact(leaf.dtype))
          fail('SH0613', `the gradient by ${path} is asked for, which is ${leaf.dtype}`, {
            expected: 'floats or complex numbers',
          });
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

export type Gradients<A extends readonly unknown[], N extends GradOptions> = N extends {
  argnums: infer I extends number | readonly number[];
}
  ? I extends readonly number[]
    ? ArgumentsAt<A, I>
    : A[I & keyof A]
  : A[0];
type ArgumentsAt<A extends readonly unknown[], I extends readonly number[]> = {
  -readonly [K in keyof I]: A[I[K] & keyof A];
};

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
      throw diagnosticAt(
        op.origin.user,
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
    (p, i) => wanted.includes(places[i] as number) && isInexact(trace.b.typeOf(p).dtype),
  );
  const recorded = new Tape(trace.b, env, active, { variation: variationHere(trace, block) });
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

/**
 * Within a shardMap body all that comes from around the function counts as different on every device: the gradient is
 * that of the device's own copy, and a sum over devices is the function's to ask for.
 */
function variationHere({ mesh, manualAxes }: Trace, block: Block): Variation | undefined {
  if (mesh === undefined || manualAxes.length === 0) return undefined;
  const variation = new Variation(
    mesh.name,
    manualAxes.map((name) => fullAxis(mesh, name)),
  );
  variation.block(block);
  return variation;
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

export function tensorsLike(out: unknown, given: unknown): Tensor[] {
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
  /**
   * Computes all of the function again before it goes back, also what no gradient reads, as frameworks do that run op by
   * op (torch.utils.checkpoint).
   */
  readonly whole?: boolean;
}

/** The function, whose inner values a gradient computes again instead of keeping them (jax.checkpoint). */
export function checkpoint<A extends readonly unknown[], R>(
  fn: (...args: A) => R,
  options: CheckpointOptions = {},
): (...args: A) => R {
  const { policy = checkpointPolicies.nothingSaveable, whole = false } = options;
  if (typeof policy !== 'function')
    fail('SH0609', `${describe(policy)} stands where a checkpoint policy is needed`, {
      expected: `checkpointPolicies.${Object.keys(checkpointPolicies).join(', .')}`,
    });
  return (...args) => regionOp('checkpoint', fn, args, { saveable: policy, whole });
}

/** The function's body as one op, which `lower` writes as what is in it. */
export function regionOp<A extends readonly unknown[], R>(
  kind: 'checkpoint' | 'custom_vjp',
  fn: (...args: A) => R,
  args: A,
  attrs: Op['attrs'],
): R {
  const trace = currentTrace();
  const ids = tensorsOf(args).map((t) => trace.id(t));
  const what = kind === 'checkpoint' ? 'the checkpointed function' : 'the function of a customVjp';
  const { block, out } = functionBlock(trace, what, fn, args);
  const [read] = kind === 'custom_vjp' ? readFromOutside([block]) : [];
  if (read !== undefined)
    fail('SH0608', `${what} reads a tensor ${typeText(trace.b.typeOf(read))} that is not its argument`, {
      expected: 'all that it reads as arguments: a gradient by anything else would be lost',
    });
  const types = returned(block).map((id: ValueId) => trace.b.typeOf(id));
  const made = trace.build((b) => b.op(kind, ids, types, b.origin, attrs, [block]));
  return withTensors(
    out,
    made.map((id) => trace.tensor(id)),
  );
}
