/** Ops that compute nothing: barriers, names, and where gradients stop. */
import type { ValueId } from '../../../ir/program.ts';
import type { Tensor } from '../tensor.ts';
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
