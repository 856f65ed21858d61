/** customVjp: a function with a gradient of its own (jax.custom_vjp). */
import type { ValueId } from '../../ir/program.ts';
import type { BatchOptions } from './batch/batcher.ts';
import { sum } from './ops/reductions.ts';
import type { CustomRule } from './primitives.ts';
import type { Tensor } from './tensor.ts';
import { currentTrace, type Trace } from './trace.ts';
import { regionOp, tensorsLike } from './transforms.ts';
import { tensorsOf, withTensors } from './tree.ts';
import { vmap } from './vmap.ts';

/** `forward` gives the result and what `backward` needs, `backward` the cotangents of the arguments, a list like them. */
export function customVjp<A extends readonly unknown[], R, K>(
  fn: (...args: A) => R,
  forward: (...args: A) => readonly [R, K],
  backward: (kept: K, cotangents: R) => readonly unknown[],
): (...args: A) => R {
  return (...args) => {
    let trees: readonly [R, K] | undefined;
    const flat: FlatRule = {
      forward(operands) {
        const [out, kept] = (trees = forward(...withTensors(args, operands)));
        return { results: tensorsOf(out), kept: tensorsOf(kept) };
      },
      backward(kept, cotangents) {
        const [out, tree] = trees as readonly [R, K];
        const made = backward(withTensors(tree, kept), withTensors(out, cotangents));
        return tensorsLike([...args], [...made]);
      },
    };
    return regionOp('custom_vjp', fn, args, { rule: ruleOf(flat) });
  };
}

/** The user's functions on lists of tensors. */
interface FlatRule {
  forward(operands: readonly Tensor[]): { readonly results: readonly Tensor[]; readonly kept: readonly Tensor[] };
  backward(kept: readonly Tensor[], cotangents: readonly Tensor[]): readonly Tensor[];
}

const ruleOf = (flat: FlatRule): CustomRule => ({
  apply(ids, saved) {
    const trace = currentTrace();
    const { results, kept: computed } = flat.forward(ids.map((id) => trace.tensor(id)));
    const made = results.map((t) => trace.id(t));
    const kept = saved === undefined ? computed : standingIn(trace, computed, made, saved);
    return {
      results: saved ?? made,
      back(cotangents) {
        const given = cotangents.map((id) => trace.tensor(id));
        return flat.backward(kept, given).map((t) => trace.id(t));
      },
    };
  },
  batched: (operands, batch) => ruleOf(batchedRule(flat, operands, batch)),
});

/** The tensors, with those that checkpoints saved in the places of results. */
function standingIn(
  trace: Trace,
  tensors: readonly Tensor[],
  results: readonly ValueId[],
  saved: readonly ValueId[],
): readonly Tensor[] {
  const now = new Map(results.map((id, i) => [id, saved[i] ?? id]));
  return tensors.map((t) => trace.tensor(now.get(trace.id(t)) ?? trace.id(t)));
}

/** All results are batched; an operand that all examples share gets the sum of what each example gives it. */
function batchedRule({ forward, backward }: FlatRule, flags: readonly boolean[], { axis }: BatchOptions): FlatRule {
  const options = axis === undefined ? {} : { axis: axis.name };
  return {
    forward(operands) {
      let count = 0;
      const all = (...examples: readonly Tensor[]): readonly Tensor[] => {
        const { results, kept } = forward(examples);
        count = results.length;
        return [...results, ...kept];
      };
      const made = vmap(all, { ...options, inDims: flags.map((f) => (f ? 0 : null)) })(...operands);
      return { results: made.slice(0, count), kept: made.slice(count) };
    },
    backward(kept, cotangents) {
      const all = (...examples: readonly Tensor[]): readonly Tensor[] =>
        backward(examples.slice(0, kept.length), examples.slice(kept.length));
      return vmap(all, options)(...kept, ...cotangents).map((g, i) => (flags[i] === true ? g : sum(g, 0)));
    },
  };
}
