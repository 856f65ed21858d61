/** Ops that compute nothing: barriers, names, and where gradients stop. */
import type { ValueId } from '../../../ir/program.ts';
import type { OpAttrs } from '../../../ir/attrs.ts';
import { type DType, tensor, typeText } from '../../../ir/types.ts';
import type { Shape, Tensor } from '../tensor.ts';
import { currentTrace } from '../trace.ts';
import { tensorsOf, withTensors } from '../tree.ts';

/** The values unchanged; compilers may not move work across. Takes and gives a tree. */
export function optimizationBarrier<T>(tree: T): T {
  const trace = currentTrace();
  const ids = tensorsOf(tree).map((t) => trace.id(t));
  const made = trace.build((b) =>
    b.op(
      'optimization_barrier',
      ids,
      ids.map((id) => b.typeOf(id)),
      b.origin,
    ),
  );
  return withTensors(
    tree,
    made.map((id) => trace.tensor(id)),
  );
}

/** The tensors unchanged; no gradient flows through. */
export function stopGradient<T>(tree: T): T {
  return withTensors(
    tree,
    tensorsOf(tree).map((t) => marked('stop_gradient', t, {})),
  );
}

/** The tensor under a name, which `explain` and the policies of `checkpoint` know it by. */
export function named<T extends Tensor>(x: T, name: string): T {
  return marked('name', x, { name }) as T;
}

function marked(kind: 'stop_gradient' | 'name', x: Tensor, attrs: { readonly name?: string }): Tensor {
  const trace = currentTrace();
  const id = trace.id(x);
  return trace.tensor(trace.build((b) => b.op(kind, [id], [b.typeOf(id)], b.origin, attrs))[0] as ValueId);
}

/**
 * A call of something that shardc does not know: its results are as `results` say, and it gets its operands whole.
 * `attributes` stand in the exported call as written: `has_side_effect = true`.
 */
export function customCall(
  target: string,
  operands: readonly Tensor[],
  results: readonly { readonly dtype: DType; readonly shape: Shape }[],
  attributes = '',
): Tensor[] {
  const attrs: OpAttrs['custom_call'] = {
    target,
    verbatim: attributes,
    result_types: results.map((r) => typeText(tensor(r.dtype, r.shape))),
  };
  return currentTrace().emit('custom_call', operands, attrs);
}
