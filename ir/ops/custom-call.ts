/**
 * custom_call: a call of something outside. What may be sharded is what its own `sdy.sharding_rule` shares between all
 * operands and results (JAX states batch dims so); everything else it gets whole.
 */
import type { TensorArray } from '../array.ts';
import type { OpAttrs } from '../attrs.ts';
import { unsupported } from '../diagnostics.ts';
import { RuleBuilder } from '../factors.ts';
import { defineOp, InferError } from '../op.ts';
import { isDType, tensor, type TensorType, typeText } from '../types.ts';

type Attrs = OpAttrs['custom_call'];

/** Calls that give back what they take: hints to XLA. */
const IDENTITIES: ReadonlySet<string> = new Set([
  'annotate_device_placement',
  'LayoutConstraint',
  'MoveToDevice',
  'MoveToHost',
]);

export const customCall = defineOp<Attrs>({
  kind: 'custom_call',
  infer: ({ attrs }) => attrs.result_types.map(readType),
  factors({ operands, results, attrs }) {
    const rule = new RuleBuilder(
      operands.map((t) => t.shape.length),
      results.map((t) => t.shape.length),
    );
    const all = [...operands, ...results];
    if (IDENTITIES.has(attrs.target)) {
      (results[0] as TensorType).shape.forEach((size, d) => rule.add([d], [d], size));
      return rule.build();
    }
    const named = sharedDims(attrs.rule, all);
    for (const dims of named)
      rule.add(dims.slice(0, operands.length), dims.slice(operands.length), operands[0]?.shape[dims[0] as number] ?? 1);
    return rule.build();
  },
  kernel({ attrs }, [x]) {
    if (!IDENTITIES.has(attrs.target)) throw unsupported(`running custom_call @${attrs.target} in the simulator`);
    return [x as TensorArray];
  },
  localAttrs: ({ attrs }, { results }) => ({ ...attrs, result_types: results.map(typeText) }),
});

const TYPE = /^([a-z][a-z0-9]*)\[([0-9,]*)\]$/;

function readType(text: string): TensorType {
  const [, dtype, dims] = TYPE.exec(text) ?? [];
  if (dtype === undefined || !isDType(dtype)) throw new InferError(`custom_call: ${text} is not a tensor type`);
  return tensor(dtype, dims === undefined || dims === '' ? [] : dims.split(',').map(Number));
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
