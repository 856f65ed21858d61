/** Adding up what devices hold (or multiplying, or taking the largest): the monoids of collectives on numbers. */
import type { Precision, TensorArray } from '../ir/array.ts';
import { internalError, unsupported } from '../ir/diagnostics.ts';
import type { Monoid } from '../ir/layout.ts';
import type { KernelContext, Registry } from '../ir/op.ts';
import { tensor } from '../ir/types.ts';
import { runStacked } from './kernels/index.ts';
import { rowOf, stackOfOne } from './stacked.ts';

const COMBINERS: Readonly<Record<Monoid, string>> = {
  sum: 'add',
  prod: 'multiply',
  max: 'maximum',
  min: 'minimum',
  and: 'and',
  or: 'or',
};

/** Elementwise, by the registry's own kernel: each element type adds as the program's `add` does. */
export function combineArrays(
  registry: Registry,
  precision: Precision,
  monoid: Monoid,
  a: TensorArray,
  b: TensorArray,
): TensorArray {
  const kind = COMBINERS[monoid];
  const def = registry[kind];
  if (def === undefined) throw unsupported(`reducing with ${monoid}: the registry does not define ${kind}`);
  const type = tensor(a.dtype, a.shape);
  const view = { kind, attrs: {}, operands: [type, type], results: [type], regions: [] };
  const made = runStacked(registry, {
    view,
    operands: [{ stack: stackOfOne(a) }, { stack: stackOfOne(b) }],
    copies: 1,
    precision,
  });
  if (made !== undefined) return rowOf(made, 0);
  const context: KernelContext = {
    precision,
    call: () => {
      throw internalError(`${kind} called a region`);
    },
  };
  return def.kernel(view, [a, b], context)[0] as TensorArray;
}
