/**
 * custom_call: a call of something outside. What may be sharded is what its own `sdy.sharding_rule` shares between all
 * operands and results (JAX states batch dims so); everything else it gets whole.
 */
import type { OpAttrs } from '../attrs.ts';
import { unsupported } from '../diagnostics.ts';
import { RuleBuilder } from '../factors.ts';
import { defineOp, InferError, passes } from '../op.ts';
import { IDENTITY_CALLS, meaningOf } from './known-calls.ts';
import { readType, type TensorType, typeText } from '../types.ts';

type Attrs = OpAttrs['custom_call'];

/** Calls that act on each element alone, as far as sharding goes (Shardy, op_sharding_rule_registry.cc). */
const POINTWISE: ReadonlySet<string> = new Set([
  ...IDENTITY_CALLS,
  'Cholesky',
  'CompactWyHelper',
  'InvertDiagBlocksLowerTriangular',
  'InvertDiagBlocksUpperTriangular',
  'mhlo.erf',
  'X64SplitHigh',
  'X64SplitLow',
  'X64Combine',
  'xla.megascale.provide_metadata',
  '_SPMDInternalOp_MultiPad',
  '_SPMDInternalOp_RotateRight',
  '_SPMDInternalOp_MultiRotate',
  '_SPMDInternalOp_MultiSlice',
  '_SPMDInternalOp_Wrap',
]);

type Known = (rule: RuleBuilder, operands: readonly TensorType[], results: readonly TensorType[]) => void;

const batchOf = (rule: RuleBuilder, x: TensorType, operands: number, results: number): number => {
  const batch = x.shape.length - 2;
  x.shape.slice(0, batch).forEach((size, d) =>
    rule.add(
      Array.from({ length: operands }, () => d),
      Array.from({ length: results }, () => d),
      size,
    ),
  );
  return batch;
};
const at = (t: TensorType | undefined, d: number): number => t?.shape[d] ?? 1;

/** Decompositions: batch dims pass, the matrix is needed whole. */
const eigh: Known = (rule, [x], _) => {
  const d = batchOf(rule, x as TensorType, 1, 2);
  rule.factor([d], [d, null], { size: at(x, d), kind: 'pass', whole: true });
  rule.factor([d + 1], [d + 1, d], { size: at(x, d + 1), kind: 'pass', whole: true });
};
const qr: Known = (rule, [x], results) => {
  const d = batchOf(rule, x as TensorType, 1, 2);
  rule.add([d], [d, null], at(x, d), 'replicate');
  rule.add([d + 1], [d + 1, null], at(x, d + 1), 'replicate');
  rule.add([null], [null, d], at(results[1], d), 'replicate');
};
const householder: Known = (rule, [x, taus]) => {
  const d = batchOf(rule, x as TensorType, 2, 1);
  rule.add([d, null], [d], at(x, d), 'replicate');
  rule.add([d + 1, null], [d + 1], at(x, d + 1), 'replicate');
  rule.add([null, d], [null], at(taus, d), 'replicate');
};
const topK: Known = (rule, [x], results) =>
  (x as TensorType).shape.forEach((size, d) => {
    const same = size === at(results[0], d);
    rule.add([d], [d, d], size, same ? 'pass' : 'replicate', !same);
  });
const approximateTopK: Known = (rule, [x], results) =>
  (x as TensorType).shape.forEach((size, d) => {
    const kept = at(results[0], d);
    if (size === kept) rule.add([d, d, null, null], [d, d], size);
    else {
      rule.factor([d, d, null, null], [null, null], { size, kind: 'pass', whole: true });
      rule.add([null, null, null, null], [d, d], kept, 'replicate', true);
    }
  });

const KNOWN: Readonly<Record<string, Known>> = {
  Eigh: eigh,
  Qr: qr,
  QrDecompositionBlock: qr,
  ProductOfElementaryHouseholderReflectors: householder,
  'mhlo.topk': topK,
  ApproxTopK: approximateTopK,
  PartialReduce: approximateTopK,
};

/** Is it said, by the call or by its name, how it may be split? */
export const isKnownCall = ({ target, rule }: Pick<Attrs, 'target' | 'rule'>): boolean =>
  rule !== undefined || POINTWISE.has(target) || Object.hasOwn(KNOWN, target);

export const customCall = defineOp<Attrs>({
  kind: 'custom_call',
  infer: ({ attrs }) => attrs.result_types.map(resultType),
  factors({ operands, results, attrs }) {
    const rule = new RuleBuilder(
      operands.map((t) => t.shape.length),
      results.map((t) => t.shape.length),
    );
    const all = [...operands, ...results];
    if (POINTWISE.has(attrs.target)) {
      (results[0] as TensorType).shape.forEach((size, d) =>
        rule.add(
          operands.map(() => d),
          [d],
          size,
        ),
      );
      return rule.build();
    }
    const known = Object.hasOwn(KNOWN, attrs.target) ? KNOWN[attrs.target] : undefined;
    if (known !== undefined) {
      known(rule, operands, results);
      return rule.build();
    }
    const named = sharedDims(attrs.rule, all);
    for (const dims of named)
      rule.add(dims.slice(0, operands.length), dims.slice(operands.length), operands[0]?.shape[dims[0] as number] ?? 1);
    return rule.build();
  },
  kernel(view, inputs, ctx) {
    const meaning = meaningOf(view.attrs.target);
    if (meaning === undefined) throw unsupported(`running custom_call @${view.attrs.target} in the simulator`);
    return meaning(view, inputs, ctx);
  },
  /** What an unknown call does with elements that it did not expect is not known; of a known one, each part is by itself. */
  padRule: ({ attrs }, f, rule) => (passes(rule, f) && isKnownCall(attrs) ? {} : null),
  localAttrs: ({ attrs }, { results }) => ({ ...attrs, result_types: results.map(typeText) }),
});

function resultType(text: string): TensorType {
  const type = readType(text);
  if (type === undefined) throw new InferError(`custom_call: ${text} is not a tensor type`);
  return type;
}

/**
 * `<([i, j, k])->([i, l, m], [i]) {…}>`: per name that stands alone in one dim of every tensor, that dim of each. None
 * where the rule is absent or does not fit the types.
 */
function sharedDims(rule: string | undefined, types: readonly TensorType[]): number[][] {
  const sides = rule?.slice(0, rule.indexOf('{')) ?? '';
  const tensors = [...sides.matchAll(/\[([^\]]*)\]/g)].map(([, dims]) =>
    dims === undefined || dims.trim() === '' ? [] : dims.split(',').map((d) => d.trim()),
  );
  if (tensors.length !== types.length || tensors.some((dims, i) => dims.length !== types[i]?.shape.length)) return [];
  const [first] = tensors;
  return (first ?? []).flatMap((name) => {
    const dims = tensors.map((t) => t.indexOf(name));
    const sizes = new Set(dims.map((d, i) => types[i]?.shape[d]));
    return dims.includes(-1) || sizes.size !== 1 ? [] : [dims];
  });
}
