/**
 * Gradients of collectives in a manual computation: each moves cotangents back the way its data came. What is the same
 * on all devices and read where they differ is summed by the front end, which knows what differs (compiler/dsl/gradient).
 */
import type { OpAttrs } from '../../attrs.ts';
import { Formula, type Gradient, NoGradient } from '../../gradient.ts';
import type { Attrs, ValueId } from '../../program.ts';
import type { TypedBuilder } from '../../typed-build.ts';

/** A collective of the cotangent that gives the operand's type. */
const back = <A extends Attrs>(kind: string, attrs: (attrs: A) => Attrs): Gradient =>
  ((b, op, [g]) =>
    g === undefined ? [] : emit(b, kind, g, op.operands[0] as ValueId, attrs(op.attrs))) as Gradient<A> as Gradient;

const emit = (b: TypedBuilder, kind: string, g: ValueId, like: ValueId, attrs: Attrs): readonly ValueId[] =>
  b.op(kind, [g], [b.typeOf(like)], b.origin, attrs);

/** The sum is on every device, and so is its cotangent, which is that of each part. */
const allReduce: Gradient<OpAttrs['all_reduce']> = (b, { attrs, operands, results }, [g]) => {
  if (g === undefined) return [];
  const [x, y] = [operands[0], results[0]] as [ValueId, ValueId];
  if (attrs.monoid === 'sum') return [g];
  if (attrs.monoid !== 'max' && attrs.monoid !== 'min')
    throw new NoGradient(`an all_reduce by "${attrs.monoid}" has no gradient`);
  const f = new Formula(b);
  const best = b.one('convert', [f.is('EQ', x, y)], { dtype: b.typeOf(x).dtype });
  const [count] = emit(b, 'all_reduce', best, x, { ...attrs, monoid: 'sum' }) as [ValueId];
  return [f.mul(best, f.div(g, count))];
};

const reduceScatter: Gradient<OpAttrs['reduce_scatter']> = (b, { attrs, operands }, [g]) => {
  if (g === undefined) return [];
  const { monoid, ...rest } = attrs;
  if (monoid !== 'sum') throw new NoGradient(`a reduce_scatter by "${monoid}" has no gradient`);
  return emit(b, 'all_gather', g, operands[0] as ValueId, rest);
};

/** The source's place of each place, turned around. */
function inverted(sources: readonly number[]): readonly number[] {
  const targets = sources.map(() => -1);
  sources.forEach((from, to) => {
    if (from !== -1) targets[from] = to;
  });
  return targets;
}

export const collectiveGradients: Readonly<Record<string, Gradient>> = {
  all_gather: back('reduce_scatter', (attrs: OpAttrs['all_gather']) => ({ ...attrs, monoid: 'sum' })),
  all_reduce: allReduce as Gradient,
  all_to_all: back('all_to_all', (attrs: OpAttrs['all_to_all']) => ({
    ...attrs,
    moves: [...attrs.moves].reverse().map((m) => ({ ...m, source: m.target, target: m.source })),
  })),
  collective_shift: back('collective_shift', (attrs: OpAttrs['collective_shift']) => ({
    ...attrs,
    by: attrs.flip ? attrs.by : -attrs.by,
  })),
  device_permute: back('device_permute', (attrs: OpAttrs['device_permute']) => ({
    ...attrs,
    sources: inverted(attrs.sources),
  })),
  reduce_scatter: reduceScatter as Gradient,
};
