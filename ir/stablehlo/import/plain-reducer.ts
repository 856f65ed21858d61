/**
 * A reducer without a choice that chooses nothing, so that what it computes is seen: PyTorch/XLA writes `all` and `any` so.
 *
 *   (a, b) → select (and a, b), true, false   →   (a, b) → and a, b
 */
import type { Block, ElementArray, ValueId } from '../../program.ts';
import type { ImportContext } from './context.ts';

export function plainReducer(c: ImportContext, region: Block): Block {
  if (c.options.asWritten === true) return region;
  const end = region.ops.at(-1);
  const select = c.definitions.get(end?.operands[0] as ValueId);
  const [chosen, yes, no] = select?.operands ?? [];
  const chooses =
    end?.operands.length === 1 &&
    select?.kind === 'select' &&
    region.ops.includes(select) &&
    isTruth(c, yes as ValueId, 1) &&
    isTruth(c, no as ValueId, 0);
  const rest = region.ops.filter((op) => op !== select && op !== end);
  const isReadTwice = rest.some((op) => op.operands.some((v) => select?.results.includes(v)));
  if (!chooses || isReadTwice) return region;
  return { ...region, ops: [...rest, { ...end, operands: [chosen as ValueId] }] };
}

const isTruth = (c: ImportContext, id: ValueId, truth: 0 | 1): boolean => {
  const op = c.definitions.get(id);
  if (op?.kind !== 'constant' || op.attrs.dtype !== 'pred') return false;
  const [only, ...more] = (op.attrs.value as { readonly data: ElementArray }).data;
  return more.length === 0 && Number(only) === truth;
};
