/** dot_general: batch, contracting and free dims. The kernel brings both sides to [batch, rows, k] and multiplies. */
import { type Storage, stridesOf, type TensorArray } from '../array.ts';
import type { OpAttrs } from '../attrs.ts';
import { type FactorKind, RuleBuilder } from '../factors.ts';
import { defineOp, InferError, type OpView } from '../op.ts';
import { holdsFinite, type PadContent, type PadRule, satisfies, zeroOf } from '../padding.ts';
import { elementCount, tensor, type TensorType, typeText } from '../types.ts';
import { onProducts } from './complex.ts';
import { filled } from './rounding.ts';
import { gatherStrided } from './strided.ts';

type Attrs = OpAttrs['dot_general'];

export const dotGeneral = defineOp<Attrs>({
  kind: 'dot_general',
  infer({ operands, attrs }) {
    const [l, r] = operands;
    if (l === undefined || r === undefined) throw new InferError('dot_general takes two operands');
    const pairs = [...zip(attrs.lhs_batch, attrs.rhs_batch), ...zip(attrs.lhs_contracting, attrs.rhs_contracting)];
    for (const [i, j] of pairs) {
      if (l.shape[i] === undefined || l.shape[i] !== r.shape[j]) {
        throw new InferError(
          `dot_general: dim ${i} of ${typeText(l)} (${l.shape[i] ?? 'none'}) meets dim ${j} of ${typeText(r)} (${r.shape[j] ?? 'none'}); they must be equal`,
        );
      }
    }
    for (const side of [0, 1] as const)
      if (new Set(pairs.map((p) => p[side])).size < pairs.length)
        throw new InferError(`dot_general names a dim of its ${side === 0 ? 'first' : 'second'} operand twice`);
    const { lhsFree, rhsFree } = free(l, r, attrs);
    return [
      tensor(
        attrs.dtype,
        [...attrs.lhs_batch, ...lhsFree]
          .map((d) => l.shape[d] as number)
          .concat(rhsFree.map((d) => r.shape[d] as number)),
      ),
    ];
  },
  factors({ operands, results, attrs }) {
    const [l, r] = operands as readonly [TensorType, TensorType];
    const { lhsFree, rhsFree } = free(l, r, attrs);
    const rule = new RuleBuilder([l.shape.length, r.shape.length], [(results[0] as TensorType).shape.length]);
    let out = 0;
    for (const [i, j] of zip(attrs.lhs_batch, attrs.rhs_batch)) rule.add([i, j], [out++], l.shape[i] as number);
    for (const i of lhsFree) rule.add([i, null], [out++], l.shape[i] as number);
    for (const j of rhsFree) rule.add([null, j], [out++], r.shape[j] as number);
    for (const [i, j] of zip(attrs.lhs_contracting, attrs.rhs_contracting))
      rule.add([i, j], [null], l.shape[i] as number, 'reduce');
    return rule.build();
  },
  kernel: onProducts((view, [lhs, rhs], ctx) => {
    const attrs = view.attrs as Attrs;
    const type = view.results[0] as TensorType;
    const [l, r] = [lhs as TensorArray, rhs as TensorArray];
    const { lhsFree, rhsFree } = free(l, r, attrs);
    const a = arrange(l, [...attrs.lhs_batch, ...lhsFree, ...attrs.lhs_contracting]);
    const b = arrange(r, [...attrs.rhs_batch, ...attrs.rhs_contracting, ...rhsFree]);
    const size = (t: TensorArray, dims: readonly number[]): number =>
      dims.reduce((n, d) => n * (t.shape[d] as number), 1);
    const [batch, m, n, k] = [
      size(l, attrs.lhs_batch),
      size(l, lhsFree),
      size(r, rhsFree),
      size(l, attrs.lhs_contracting),
    ];
    const sizes: Sizes = { batch, m, n, k };
    const data = filled(type.dtype, batch * m * n, ctx.precision, (out) => multiply(a.data, b.data, out, sizes));
    return [{ dtype: type.dtype, shape: type.shape, data }];
  }),
  linearity: () => [[0], [1]],
  combiner: () => 'sum',
  padRule: (view, f, rule) => contractionPadding(view, rule.factors[f]?.kind),
  flops: dotFlops,
});

/**
 * Products of padding must not add up to anything: zeros on one side, and nothing on the other that times zero is not
 * zero. A free dim's zeros give zeros against finite numbers.
 */
export function contractionPadding({ operands }: OpView, kind: FactorKind | undefined): PadRule | null {
  const zero: PadContent = { value: zeroOf(operands[0]?.dtype ?? 'f32') };
  const isZero = (held: PadContent | undefined): boolean => held !== undefined && satisfies(held, zero);
  if (kind === 'pass')
    return {
      gives: ([l, r]) => [
        isZero(l) && holdsFinite(r ?? 'unknown') ? zero : isZero(r) && holdsFinite(l ?? 'unknown') ? zero : 'unknown',
      ],
    };
  if (kind !== 'reduce') return null;
  return {
    needs: ([l, r]) =>
      isZero(l)
        ? [zero, 'finite']
        : isZero(r)
          ? ['finite', zero]
          : [zero, holdsFinite(r ?? 'unknown') ? 'finite' : zero],
  };
}

/** 2 · batch · m · n · k. */
function dotFlops({ operands, results, attrs }: OpView<Attrs>): number {
  const [l] = operands as readonly [TensorType];
  return (
    2 * elementCount(results[0] as TensorType) * attrs.lhs_contracting.reduce((n, d) => n * (l.shape[d] as number), 1)
  );
}

const zip = (a: readonly number[], b: readonly number[]): [number, number][] => a.map((x, i) => [x, b[i] as number]);

function free(
  l: { shape: readonly number[] },
  r: { shape: readonly number[] },
  attrs: Attrs,
): { lhsFree: number[]; rhsFree: number[] } {
  const rest = (shape: readonly number[], used: readonly number[]): number[] =>
    shape.map((_, d) => d).filter((d) => !used.includes(d));
  return {
    lhsFree: rest(l.shape, [...attrs.lhs_batch, ...attrs.lhs_contracting]),
    rhsFree: rest(r.shape, [...attrs.rhs_batch, ...attrs.rhs_contracting]),
  };
}

function arrange(x: TensorArray, order: readonly number[]): TensorArray {
  if (order.every((d, i) => d === i)) return x;
  const strides = stridesOf(x.shape);
  const precision = x.data instanceof Float64Array ? 'wide' : 'true';
  return gatherStrided(
    tensor(
      x.dtype,
      order.map((d) => x.shape[d] as number),
    ),
    x,
    0,
    order.map((d) => strides[d] as number),
    precision,
  );
}

interface Sizes {
  readonly batch: number;
  readonly m: number;
  readonly n: number;
  readonly k: number;
}

/** out[b,i,j] = Σ_p a[b,i,p] · c[b,p,j], rows of c in the inner loop. */
function multiply(a: Storage, c: Storage, out: Storage, sizes: Sizes): void {
  if (out instanceof BigInt64Array || out instanceof BigUint64Array) multiplyWide(a, c, out, sizes);
  else if (out instanceof Float64Array || out instanceof Float32Array) multiplyFloats(a, c, out, sizes);
  else multiplyIntegers(a, c, out, sizes);
}

/** Accumulates in f64 for one row at a time. */
function multiplyFloats(left: Storage, right: Storage, out: Float64Array | Float32Array, sizes: Sizes): void {
  const { batch, m, n, k } = sizes;
  const [a, c] = [left as Float64Array, right as Float64Array];
  const row = new Float64Array(n);
  for (let b = 0; b < batch; b++) {
    for (let i = 0; i < m; i++) {
      row.fill(0);
      const from = (b * m + i) * k;
      for (let p = 0; p < k; p++) {
        const x = a[from + p] as number;
        const at = (b * k + p) * n;
        for (let j = 0; j < n; j++) row[j] = (row[j] as number) + x * (c[at + j] as number);
      }
      out.set(row, (b * m + i) * n);
    }
  }
}

type Narrow = Exclude<Storage, BigInt64Array | BigUint64Array>;

/** Modulo 2³²: f64 would lose the low bits of large products. */
function multiplyIntegers(left: Storage, right: Storage, out: Narrow, sizes: Sizes): void {
  const { batch, m, n, k } = sizes;
  const [a, c] = [left as Int32Array, right as Int32Array];
  const row = new Int32Array(n);
  for (let b = 0; b < batch; b++) {
    for (let i = 0; i < m; i++) {
      row.fill(0);
      const from = (b * m + i) * k;
      for (let p = 0; p < k; p++) {
        const x = a[from + p] as number;
        const at = (b * k + p) * n;
        for (let j = 0; j < n; j++) row[j] = (row[j] as number) + Math.imul(x, c[at + j] as number);
      }
      out.set(row, (b * m + i) * n);
    }
  }
}

function multiplyWide(a: Storage, c: Storage, out: BigInt64Array | BigUint64Array, sizes: Sizes): void {
  const { batch, m, n, k } = sizes;
  const product = (i: number, j: number): bigint => BigInt(a[i] as bigint) * BigInt(c[j] as bigint);
  for (let b = 0; b < batch; b++) {
    for (let i = 0; i < m; i++) {
      for (let j = 0; j < n; j++) {
        let sum = 0n;
        for (let p = 0; p < k; p++) sum += product((b * m + i) * k + p, (b * k + p) * n + j);
        out[(b * m + i) * n + j] = sum;
      }
    }
  }
}
