/**
 * chlo.ragged_dot: a dot whose left operand falls into groups of rows along one dim, `group_sizes` of them each. The rows
 * of a group are kept, the others zero, once per group; then one dot_general.
 *
 *   ragged m: [m, k] × [g, k, n] → [m, n]      groups are contracted with k
 *   ragged k: [m, k] × [k, n] → [g, m, n]      groups stand in front
 */
import { unsupported } from '../diagnostics.ts';
import { identityOf } from '../monoid.ts';
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
  if (b.typeOf(sizes).shape.length !== 1) throw unsupported('ragged_dot with group sizes that differ by batch');
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
  const grouped = masked(b, lhs, sizes, ragged);
  const after = (list: readonly number[]): number[] => list.map((d) => d + 1);
  const contracted = lhsInner.includes(ragged);
  if (contracted && lhsBatch.length > 0) throw unsupported('ragged_dot over a contracted dim beside batch dims');
  return [
    b.one('dot_general', [grouped, rhs], {
      lhs_batch: after(lhsBatch),
      rhs_batch: rhsBatch,
      lhs_contracting: contracted ? after(lhsInner) : [...after(lhsInner), 0],
      rhs_contracting: contracted ? rhsInner : [...rhsInner, ...dims('rhs_group_dimensions')],
      dtype,
    }),
  ];
}

/** [g, …lhs]: rows of each group, zeros for the others'. */
function masked(b: TypedBuilder, lhs: ValueId, sizes: ValueId, ragged: number): ValueId {
  const type = b.typeOf(lhs);
  const counts = b.typeOf(sizes);
  const groups = counts.shape[0] as number;
  const shape = [groups, ...type.shape];
  const ends = runningSum(b, sizes);
  const starts = b.one('subtract', [ends, sizes]);
  const place = b.one('iota', [], { dim: ragged + 1, dtype: counts.dtype, shape });
  const spread = (v: ValueId): ValueId => b.one('broadcast_in_dim', [v], { dims: [0], shape });
  const compare_type = counts.dtype.startsWith('u') ? 'UNSIGNED' : 'SIGNED';
  const from = b.one('compare', [place, spread(starts)], { direction: 'GE', compare_type });
  const to = b.one('compare', [place, spread(ends)], { direction: 'LT', compare_type });
  const rows = b.one('broadcast_in_dim', [lhs], { dims: type.shape.map((_, d) => d + 1), shape });
  return b.one('select', [b.one('and', [from, to]), rows, b.splat(0, withShape(type, shape))]);
}

function runningSum(b: TypedBuilder, x: ValueId): ValueId {
  const { dtype, shape } = b.typeOf(x);
  const n = shape[0] as number;
  const zero = b.splat(identityOf('sum', dtype), tensor(dtype, []));
  const window = { window_dimensions: [n], window_strides: [1], base_dilations: [1], window_dilations: [1] };
  return b.one('reduce_window', [x, zero], { ...window, pad_low: [n - 1], pad_high: [0] }, [b.reducer('add', dtype)]);
}
