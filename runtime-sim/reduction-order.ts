/**
 * The order in which the members of a group are added up. On one device, and by default here, that is by rank; machines
 * have others, and in a true element type each rounds differently:
 *
 *   ring   the row is cut into as many chunks as there are members; chunk c starts with member c + 1 and goes round to c
 *   tree   neighbours first, then pairs of pairs
 *
 * A sum of g terms in a type of unit roundoff u is off by at most depth · u · Σ|x|, depth = g − 1 by rank and on a ring,
 * ⌈log2 g⌉ on a tree (Higham, Accuracy and Stability of Numerical Algorithms, 4.2).
 */
import type { TensorArray } from '../ir/array.ts';
import { DTYPES, type DType } from '../ir/types.ts';
import { rowLength, storageLike, takeRows } from './stacked.ts';

export type ReductionOrder = 'rank' | 'ring' | 'tree';

type Combine = (a: TensorArray, b: TensorArray) => TensorArray;

/** Row i: the rows `members[i]` of the stack combined in this order. Groups are of one size. */
export function reduceInOrder(
  order: ReductionOrder,
  stack: TensorArray,
  members: readonly Int32Array[],
  combine: Combine,
): TensorArray {
  const size = members[0]?.length ?? 0;
  const ofRank = (rank: number): TensorArray =>
    takeRows(
      stack,
      Int32Array.from(members, (m) => m[rank] as number),
    );
  const ranks = Array.from({ length: size }, (_, rank) => rank);
  switch (order) {
    case 'rank':
      return inTurn(
        ranks.map((r) => () => ofRank(r)),
        combine,
      );
    case 'tree':
      return inPairs(ranks.map(ofRank), combine);
    case 'ring':
      return onRing(ranks.map(ofRank), combine);
  }
}

function inTurn(terms: readonly (() => TensorArray)[], combine: Combine): TensorArray {
  const [first, ...rest] = terms;
  if (first === undefined) throw new Error('a group without members');
  return rest.reduce((total, term) => combine(total, term()), first());
}

function inPairs(terms: readonly TensorArray[], combine: Combine): TensorArray {
  let level = terms;
  while (level.length > 1) {
    const pairs = Array.from({ length: Math.ceil(level.length / 2) }, (_, i) => level.slice(2 * i, 2 * i + 2));
    level = pairs.map(([a, b]) => (b === undefined ? (a as TensorArray) : combine(a as TensorArray, b)));
  }
  return level[0] as TensorArray;
}

function onRing(terms: readonly TensorArray[], combine: Combine): TensorArray {
  const [first] = terms as readonly [TensorArray];
  const length = rowLength(first);
  const data = storageLike(first.data, first.data.length) as Float64Array;
  const rows = first.shape[0] as number;
  const edge = (chunk: number): number => Math.round((chunk * length) / terms.length);
  for (let chunk = 0; chunk < terms.length; chunk++) {
    const [from, to] = [edge(chunk), edge(chunk + 1)];
    if (from === to) continue;
    const round = terms.map((_, i) => () => columns(terms[(chunk + 1 + i) % terms.length] as TensorArray, from, to));
    const total = inTurn(round, combine).data as Float64Array;
    for (let row = 0; row < rows; row++)
      data.set(total.subarray(row * (to - from), (row + 1) * (to - from)), row * length + from);
  }
  return { ...first, data };
}

/** Elements from … to of every row, laid flat. */
function columns(stack: TensorArray, from: number, to: number): TensorArray {
  const rows = stack.shape[0] as number;
  const length = rowLength(stack);
  const data = storageLike(stack.data, rows * (to - from)) as Float64Array;
  const source = stack.data as Float64Array;
  for (let row = 0; row < rows; row++)
    data.set(source.subarray(row * length + from, row * length + to), row * (to - from));
  return { dtype: stack.dtype, shape: [rows, to - from], data };
}

/** Worst error of one sum, relative to the sum of magnitudes; 0 for types that add exactly. */
export function errorBound(order: ReductionOrder, members: number, dtype: DType): number {
  const depth = order === 'tree' ? Math.ceil(Math.log2(members)) : members - 1;
  return depth * (ROUNDOFF[dtype] ?? (DTYPES[dtype].class === 'float' ? 2 ** -53 : 0));
}

const ROUNDOFF: Partial<Readonly<Record<DType, number>>> = {
  f64: 2 ** -53,
  f32: 2 ** -24,
  f16: 2 ** -11,
  bf16: 2 ** -8,
};
