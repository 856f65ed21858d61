/**
 * XLA's ApproxTopK (jax.lax.approx_max_k, approx_min_k): the best k along a dim by a comparator. Where XLA has no kernel
 * of its own for it, as on CPU, it sorts and takes the first k; so it is read here.
 *
 *   %v, %i = custom_call @ApproxTopK(%x, %iota, %-inf, %-1) {called_computations = [@greater], reduction_dim = 0, top_k = 4}
 *   →  %a, %b = sort %x, %iota dim=0 (greater);  %v = slice %a [0:4];  %i = slice %b [0:4]
 */
import type { OpAttrs } from '../attrs.ts';
import { unsupported } from '../diagnostics.ts';
import { InferError } from '../op.ts';
import type { Block, Func, ValueId } from '../program.ts';
import type { TypedBuilder } from '../typed-build.ts';
import { isFloat, type TensorType } from '../types.ts';
import { calledNames } from './called-functions.ts';

export const APPROX_TOP_K = 'ApproxTopK';

/** `attributes`: the call's, as written. */
export function approxTopK(
  b: TypedBuilder,
  operands: readonly ValueId[],
  results: readonly TensorType[],
  attributes: string,
  { functions, asRegions }: { readonly functions: readonly Func[]; readonly asRegions: Set<string> },
): ValueId[] {
  const [, dimText] = /\breduction_dim\s*=\s*(-?\d+)/.exec(attributes) ?? [];
  const [name] = calledNames(attributes);
  const called = functions.find((f) => f.name === name);
  if (dimText === undefined || called === undefined)
    throw unsupported('ApproxTopK whose comparator is not a function written before it');
  asRegions.add(called.name);
  const taken = operands.slice(0, operands.length / 2);
  const [first] = taken;
  if (first === undefined || results.length !== taken.length)
    throw new InferError('ApproxTopK takes values and as many initial ones, and gives as many results');
  const { shape } = b.typeOf(first);
  const dim = (Number(dimText) + shape.length) % shape.length;
  const sorted = b.apply('sort', taken, { dim, is_stable: true }, [comparator(b, called)]);
  return sorted.map((v, i) => {
    const limit = (results[i] as TensorType).shape;
    return b.one('slice', [v], { start: limit.map(() => 0), limit, strides: limit.map(() => 1) });
  });
}

/** The function as a region; its order of floats made one of NaN too, zeros of either sign being equal. */
function comparator(b: TypedBuilder, { body, values }: Func): Block {
  const made = new Map<ValueId, ValueId>();
  const read = (v: ValueId): ValueId => made.get(v) as ValueId;
  return b.region(() => {
    for (const p of body.params) made.set(p, b.param(values[p]?.type as TensorType));
    for (const op of body.ops) {
      if (op.regions.length > 0) throw unsupported('an ApproxTopK whose comparator has regions');
      const operands = op.operands.map(read);
      if (op.kind === 'return') b.op('return', operands, [], b.origin);
      else {
        const results = ordersFloats(
          op.kind,
          op.attrs,
          operands.map((v) => b.typeOf(v)),
        )
          ? [
              b.one(
                'compare',
                operands.map((v) => oneZero(b, v)),
                { ...op.attrs, compare_type: 'TOTALORDER' },
              ),
            ]
          : b.apply(op.kind, operands, op.attrs);
        op.results.forEach((r, i) => made.set(r, results[i] as ValueId));
      }
    }
  });
}

function ordersFloats(kind: string, attrs: object, types: readonly TensorType[]): boolean {
  if (kind !== 'compare' || !types.every((t) => isFloat(t.dtype))) return false;
  const { direction, compare_type = 'FLOAT' } = attrs as OpAttrs['compare'];
  return compare_type === 'FLOAT' && (direction === 'LT' || direction === 'GT');
}

function oneZero(b: TypedBuilder, value: ValueId): ValueId {
  const zero = b.splat(0, b.typeOf(value));
  const isZero = b.one('compare', [value, zero], { direction: 'EQ', compare_type: 'FLOAT' });
  return b.one('select', [isZero, zero, value]);
}
