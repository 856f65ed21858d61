/** reduce: any monoid in tight loops; other regions (argmax) element by element. */
import { stridesOf, type TensorArray } from '../array.ts';
import type { OpAttrs } from '../attrs.ts';
import { type FactorRule, RuleBuilder } from '../factors.ts';
import type { Monoid } from '../layout.ts';
import { IDEMPOTENT, identityOf } from '../monoid.ts';
import { defineOp, firstOf, InferError, type KernelContext, type OpView } from '../op.ts';
import { type PadContent, type PadRule, satisfies } from '../padding.ts';
import type { Block } from '../program.ts';
import { elementCount, isComplex, isFloat, tensor, type TensorType } from '../types.ts';
import { onParts } from './complex.ts';
import { lanes } from './lanes.ts';
import { combineOn, combinerOf, onlyPicks, regionMonoid } from './monoid.ts';
import { filled } from './rounding.ts';

type Attrs = OpAttrs['reduce'];

export const reduce = defineOp<Attrs>({
  kind: 'reduce',
  infer({ operands, attrs }) {
    const n = operands.length / 2;
    if (!Number.isInteger(n) || n === 0) throw new InferError('reduce takes as many start values as inputs');
    return operands.slice(0, n).map((t) => {
      const bad = attrs.dims.find((d) => d < 0 || d >= t.shape.length);
      if (bad !== undefined) throw new InferError(`reduce: ${bad} is not a dim of a rank-${t.shape.length} tensor`);
      return tensor(
        t.dtype,
        t.shape.filter((_, d) => !attrs.dims.includes(d)),
      );
    });
  },
  factors({ operands, results, attrs }) {
    const n = results.length;
    const { shape } = operands[0] as TensorType;
    const rule = new RuleBuilder(
      operands.map((t) => t.shape.length),
      results.map((t) => t.shape.length),
    );
    let kept = 0;
    shape.forEach((size, d) => {
      const reduced = attrs.dims.includes(d);
      const to = reduced ? null : kept++;
      rule.add(
        operands.map((_, i) => (i < n ? d : null)),
        results.map(() => to),
        size,
        reduced ? 'reduce' : 'pass',
      );
    });
    return rule.build();
  },
  kernel(view, inputs, ctx) {
    const monoid = view.results.length === 1 ? regionMonoid(view.regions[0]) : null;
    const first = inputs[0] as TensorArray;
    const wide = first.data instanceof BigInt64Array || first.data instanceof BigUint64Array;
    const simple = monoid !== null && !wide && (monoid === 'sum' || !isComplex(first.dtype));
    return simple ? sumOf(monoid)(view, inputs, ctx) : reduceRegion(view, inputs, ctx);
  },
  linearity: ({ regions, results }) => (results.length === 1 && regionMonoid(regions[0]) === 'sum' ? [[0, 1]] : []),
  combiner: ({ regions, results }) => (results.length === 1 ? combinerOf(regions[0], firstOf(results)) : null),
  padRule: reducePadding,
  flops: ({ operands, results }) => elementCount(operands[0] as TensorType) * results.length,
});

const sumOf = (monoid: Monoid) =>
  onParts((view, inputs, ctx) => [reduceMonoid(view as OpView<Attrs>, inputs, monoid, ctx)]);

/**
 * A reduced factor's padding must change nothing: the monoid's identity, or for regions that only pick (argmax) the start
 * values, which take part once already. Elsewhere a value that combines with itself to itself stays.
 */
function reducePadding({ operands, results, regions }: OpView<Attrs>, f: number, rule: FactorRule): PadRule | null {
  const n = results.length;
  const monoid = n === 1 ? combinerOf(regions[0], firstOf(results)) : null;
  const { dtype } = operands[0] as TensorType;
  if (rule.factors[f]?.kind === 'pass')
    return { gives: (held) => results.map((_, i) => reducedPadding(monoid, held[i], held[n + i])) };
  if (monoid !== null) return { needs: () => [{ value: identityOf(monoid, dtype) }] };
  if (!regions.every(onlyPicks)) return null;
  return {
    needs(held) {
      const starts = held.slice(n);
      return starts.every((start) => typeof start === 'object') ? starts : null;
    },
  };
}

function reducedPadding(
  monoid: Monoid | null,
  held: PadContent | undefined,
  start: PadContent | undefined,
): PadContent {
  if (typeof held !== 'object' || typeof start !== 'object' || monoid === null) return 'unknown';
  const stays = IDEMPOTENT.has(monoid) || (monoid === 'sum' && Number(held.value) === 0);
  return stays && satisfies(held, start) ? held : 'unknown';
}

/** Offsets of kept and reduced positions, kept-major. */
function offsets(shape: readonly number[], dims: readonly number[]): { kept: Int32Array; reduced: Int32Array } {
  const strides = stridesOf(shape);
  const walk = (wanted: readonly number[]): Int32Array => {
    let list = new Int32Array(1);
    for (const d of wanted) {
      const size = shape[d] as number;
      const next = new Int32Array(list.length * size);
      for (let i = 0; i < list.length; i++)
        for (let k = 0; k < size; k++) next[i * size + k] = (list[i] as number) + k * (strides[d] as number);
      list = next;
    }
    return list;
  };
  const all = shape.map((_, d) => d);
  return { kept: walk(all.filter((d) => !dims.includes(d))), reduced: walk([...dims].sort((a, b) => a - b)) };
}

function reduceMonoid(
  view: OpView<Attrs>,
  inputs: readonly TensorArray[],
  monoid: Monoid,
  ctx: KernelContext,
): TensorArray {
  const [x, init] = inputs as readonly [TensorArray, TensorArray];
  const type = view.results[0] as TensorType;
  const { kept, reduced } = offsets(x.shape, view.attrs.dims);
  const source = x.data as Float64Array;
  const start = init.data[0] as number;
  const combine = combineOn(monoid, type.dtype);
  const plain = monoid === 'sum' && isFloat(type.dtype);
  const data = filled(type.dtype, kept.length, ctx.precision, (out) => {
    for (let i = 0; i < kept.length; i++) {
      const base = kept[i] as number;
      let sum = start;
      if (plain) for (let k = 0; k < reduced.length; k++) sum += source[base + (reduced[k] as number)] as number;
      else for (let k = 0; k < reduced.length; k++) sum = combine(sum, source[base + (reduced[k] as number)] as number);
      (out as Float64Array)[i] = sum;
    }
  });
  return { dtype: type.dtype, shape: type.shape, data };
}

/** Any region, on vectors over the kept positions: one call per reduced position. */
function reduceRegion(view: OpView<Attrs>, inputs: readonly TensorArray[], ctx: KernelContext): TensorArray[] {
  const n = view.results.length;
  const { kept, reduced } = offsets((inputs[0] as TensorArray).shape, view.attrs.dims);
  let sums = inputs.slice(n).map((init) => lanes(init, new Int32Array(kept.length)));
  for (let k = 0; k < reduced.length; k++) {
    const offset = reduced[k] as number;
    const items = inputs.slice(0, n).map((x) =>
      lanes(
        x,
        kept.map((at) => at + offset),
      ),
    );
    sums = ctx.call(view.regions[0] as Block, [...sums, ...items]);
  }
  return sums.map((s, i) => ({ ...s, shape: (view.results[i] as TensorType).shape }));
}
