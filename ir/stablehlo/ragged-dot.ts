/**
 * chlo.ragged_dot: a dot whose left operand falls into groups of rows along one dim, `group_sizes` of them each. The rows
 * of a group are kept, the others zero, once per group; then one dot_general.
 *
 *   ragged m: [m, k] × [g, k, n] → [m, n]      groups are contracted with k
 *   ragged k: [m, k] × [k, n] → [g, m, n]      groups stand in front
 */
import { identityOf } from '../monoid.ts';
import { InferError } from '../op.ts';
import type { ValueId } from '../program.ts';
import { tensor, withShape } from '../types.ts';
import type { TypedBuilder } from '../typed-build.ts';
import type { Value } from './attributes.ts';
import type { Expansion } from './expansions.ts';

export function raggedDot({ b, operands, raw }: Expansion): ValueId[] {
  const [lhs, rhs, sizes] = operands as readonly [ValueId, ValueId, ValueId];
  const numbers = raw.fields.get('ragged_dot_dimension_numbers') as Readonly<Record<string, Value>> | undefined;
  const dims = (name: string): number[] => (Array.isArray(numbers?.[name]) ? (numbers[name] as number[]) : []);
  const [ragged] = dims('lhs_ragged_dimensions') as [number];
  const [lhsBatch, rhsBatch] = [dims('lhs_batching_dimensions'), dims('rhs_batching_dimensions')];
  const [lhsInner, rhsInner] = [dims('lhs_contracting_dimensions'), dims('rhs_contracting_dimensions')];
  const { dtype } = raw.results[0] as { dtype: ReturnType<typeof tensor>['dtype'] };
  if (lhsBatch.includes(ragged))
    return [
      b.one('dot_general', [lhs, rhs], {
        lhs_batch: lhsBatch,
        rhs_batch: rhsBatch,
        lhs_contracting: lhsInner,
        rhs_contracting: rhsInner,
        dtype,
      }),
    ];
  const contracted = lhsInner.includes(ragged);
  const isFree = (d: number): boolean => !lhsInner.includes(d) && !lhsBatch.includes(d);
  const outer = contracted
    ? lhsInner.slice(0, lhsInner.indexOf(ragged))
    : Array.from({ length: ragged }, (_, d) => d).filter(isFree);
  const grouped = masked(b, lhs, sizes, ragged, [...lhsBatch, ...outer]);
  const after = (list: readonly number[]): number[] => list.map((d) => d + 1);
  const product = b.one('dot_general', [grouped, rhs], {
    lhs_batch: after(lhsBatch),
    rhs_batch: rhsBatch,
    lhs_contracting: contracted ? after(lhsInner) : [...after(lhsInner), 0],
    rhs_contracting: contracted ? rhsInner : [...rhsInner, ...dims('rhs_group_dimensions')],
    dtype,
  });
  return [contracted ? toFront(b, product, lhsBatch.length) : product];
}

/** [b…, g, m, n] → [g, b…, m, n] */
function toFront(b: TypedBuilder, value: ValueId, dim: number): ValueId {
  const rest = b.typeOf(value).shape.flatMap((_, d) => (d === dim ? [] : [d]));
  return dim === 0 ? value : b.one('transpose', [value], { permutation: [dim, ...rest] });
}

/**
 * [g, …lhs]: rows of each group, zeros for the others'. Sizes are [g], the same everywhere, or [b…, x…, g] along the
 * `outer` dims of lhs.
 */
function masked(b: TypedBuilder, lhs: ValueId, sizes: ValueId, ragged: number, outer: readonly number[]): ValueId {
  const type = b.typeOf(lhs);
  const counts = b.typeOf(sizes);
  const last = counts.shape.length - 1;
  if (last > 0 && last !== outer.length) throw new InferError('ragged_dot: group_sizes has other dims than lhs');
  const shape = [counts.shape[last] as number, ...type.shape];
  const along = outer.slice(0, last);
  const order = along.map((_, i) => i).sort((i, j) => (along[i] as number) - (along[j] as number));
  const ends = runningSum(b, sizes);
  const starts = b.one('subtract', [ends, sizes]);
  const place = b.one('iota', [], { dim: ragged + 1, dtype: counts.dtype, shape });
  const spread = (v: ValueId): ValueId => {
    const turned = last === 0 ? v : b.one('transpose', [v], { permutation: [last, ...order] });
    return b.one('broadcast_in_dim', [turned], { dims: [0, ...order.map((i) => (along[i] as number) + 1)], shape });
  };
  const compare_type = counts.dtype.startsWith('u') ? 'UNSIGNED' : 'SIGNED';
  const from = b.one('compare', [place, spread(starts)], { direction: 'GE', compare_type });
  const to = b.one('compare', [place, spread(ends)], { direction: 'LT', compare_type });
  const rows = b.one('broadcast_in_dim', [lhs], { dims: type.shape.map((_, d) => d + 1), shape });
  return b.one('select', [b.one('and', [from, to]), rows, b.splat(0, withShape(type, shape))]);
}

/** Along the last dim. */
function runningSum(b: TypedBuilder, x: ValueId): ValueId {
  const { dtype, shape } = b.typeOf(x);
  const n = shape.at(-1) as number;
  const only = (k: number, otherwise: number): number[] =>
    shape.map((_, d) => (d === shape.length - 1 ? k : otherwise));
  const ones = only(1, 1);
  const zero = b.splat(identityOf('sum', dtype), tensor(dtype, []));
  const window = { window_dimensions: only(n, 1), window_strides: ones, base_dilations: ones, window_dilations: ones };
  const padding = { pad_low: only(n - 1, 0), pad_high: only(0, 0) };
  return b.one('reduce_window', [x, zero], { ...window, ...padding }, [b.reducer('add', dtype)]);
}
