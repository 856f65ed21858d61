/** `einsum "bm,mf->bf" %x, %w`: sums of products over named dims, as dot_general, reduce and transpose. */
import { InferError } from '../op.ts';
import type { ValueId } from '../program.ts';
import type { TypedBuilder } from '../typed-build.ts';

interface Term {
  readonly value: ValueId;
  readonly letters: string;
}

/** One letter per dim; letters that the result lacks are summed over. Several operands are taken from left to right. */
export function einsum(b: TypedBuilder, given: string, operands: readonly ValueId[]): ValueId {
  const ranks = operands.map((v) => b.typeOf(v).shape.length);
  const equation = withoutEllipsis(given.replaceAll(' ', ''), ranks);
  const match = /^([a-zA-Z]*(?:,[a-zA-Z]*)*)->([a-zA-Z]*)$/.exec(equation);
  if (match === null) throw new InferError(`"${equation}" is not an einsum; it looks like "bm,mf->bf"`);
  const inputs = (match[1] as string).split(',');
  const out = match[2] as string;
  if (inputs.length !== operands.length)
    throw new InferError(`"${equation}" has ${inputs.length} inputs, the op ${operands.length} operands`);
  check(b, inputs, out, operands);
  const terms = operands.map((value, i): Term => ({ value, letters: inputs[i] as string }));
  let left = terms[0] as Term;
  for (let i = 1; i < terms.length; i++) {
    const later =
      terms
        .slice(i + 1)
        .map((t) => t.letters)
        .join('') + out;
    left = product(b, left, terms[i] as Term, later);
  }
  const reduced = without(b, left, out);
  return ordered(b, reduced, out).value;
}

/**
 * `...` stands for the dims of an operand that have no letter; of several operands they are aligned at the end.
 *
 *   "...ij,...jk->...ik" of ranks 3 and 3   →   "Aij,Ajk->Aik"
 */
function withoutEllipsis(equation: string, ranks: readonly number[]): string {
  if (!equation.includes('...')) return equation;
  const [left = '', right = ''] = equation.split('->');
  const terms = left.split(',');
  const counts = terms.map((t, i) => (t.includes('...') ? (ranks[i] ?? 0) - (t.length - 3) : 0));
  const most = Math.max(0, ...counts);
  const free = [...'ABCDEFGHIJKLMNOPQRSTUVWXYZ'].filter((l) => !equation.includes(l)).slice(0, most);
  if (counts.some((n) => n < 0) || free.length < most)
    throw new InferError(`"${equation}" names more dims than its operands have`);
  const filled = (term: string, count: number): string => term.replace('...', free.slice(most - count).join(''));
  return `${terms.map((t, i) => filled(t, counts[i] as number)).join(',')}->${filled(right, most)}`;
}

function check(b: TypedBuilder, inputs: readonly string[], out: string, operands: readonly ValueId[]): void {
  const extents = new Map<string, number>();
  inputs.forEach((letters, i) => {
    const { shape } = b.typeOf(operands[i] as ValueId);
    if (letters.length !== shape.length)
      throw new InferError(`"${letters}" names ${letters.length} dims, operand ${i + 1} has ${shape.length}`);
    [...letters].forEach((l, d) => {
      if (letters.indexOf(l) !== d) throw new InferError(`"${l}" is twice in "${letters}": diagonals are not taken`);
      const extent = shape[d] as number;
      const known = extents.get(l);
      if (known !== undefined && known !== extent)
        throw new InferError(`"${l}" is ${known} in one operand and ${extent} in another`);
      extents.set(l, extent);
    });
  });
  [...out].forEach((l, d) => {
    if (!extents.has(l)) throw new InferError(`"${l}" is in the result but in no operand`);
    if (out.indexOf(l) !== d) throw new InferError(`"${l}" is twice in the result`);
  });
}

/** Letters in both are batch dims where a later use wants them, else contracted. */
function product(b: TypedBuilder, left: Term, right: Term, later: string): Term {
  const l = without(b, left, right.letters + later);
  const r = without(b, right, left.letters + later);
  const shared = [...l.letters].filter((x) => r.letters.includes(x));
  const batch = shared.filter((x) => later.includes(x));
  const summed = shared.filter((x) => !later.includes(x));
  const dims = (t: Term, letters: readonly string[]): number[] => letters.map((x) => t.letters.indexOf(x));
  const value = b.one('dot_general', [l.value, r.value], {
    lhs_batch: dims(l, batch),
    rhs_batch: dims(r, batch),
    lhs_contracting: dims(l, summed),
    rhs_contracting: dims(r, summed),
    dtype: b.typeOf(l.value).dtype,
  });
  const free = (t: Term): string => [...t.letters].filter((x) => !shared.includes(x)).join('');
  return { value, letters: batch.join('') + free(l) + free(r) };
}

/** Sums away the letters that are not in `kept`. */
function without(b: TypedBuilder, term: Term, kept: string): Term {
  const dims = [...term.letters].flatMap((x, d) => (kept.includes(x) ? [] : [d]));
  if (dims.length === 0) return term;
  return {
    value: b.reduce('sum', term.value, dims),
    letters: [...term.letters].filter((x) => kept.includes(x)).join(''),
  };
}

function ordered(b: TypedBuilder, term: Term, out: string): Term {
  if (term.letters === out) return term;
  return {
    value: b.one('transpose', [term.value], { permutation: [...out].map((x) => term.letters.indexOf(x)) }),
    letters: out,
  };
}
