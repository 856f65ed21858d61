/** Counted loops: how often a `while` runs, read off its counter. */
import type { Block, Elements, Op, ValueId } from './program.ts';

/**
 * Trip count of a canonical loop: the condition is `counter < limit` (or `>`…), both ends constant, and the body adds a
 * constant to the counter. Null where that cannot be read off.
 */
export function tripCountOf(
  loop: { readonly operands: readonly ValueId[]; readonly regions: readonly Block[] },
  definitions: ReadonlyMap<ValueId, Op>,
): number | null {
  const [cond, body] = loop.regions;
  const test = definitions.get(cond?.ops.at(-1)?.operands[0] as ValueId);
  if (cond === undefined || body === undefined || test?.kind !== 'compare' || test.attrs.direction !== 'LT')
    return null;
  const counter = cond.params.indexOf(test.operands[0] as ValueId);
  const limit = scalarOf(test.operands[1], definitions);
  const start = scalarOf(loop.operands[counter], definitions);
  const step = definitions.get(body.ops.at(-1)?.operands[counter] as ValueId);
  if (counter < 0 || limit === null || start === null || step?.kind !== 'add') return null;
  const param = body.params[counter];
  const other = step.operands.find((v) => v !== param);
  const by = step.operands.includes(param as ValueId) ? scalarOf(other, definitions) : null;
  return by === null || by <= 0 ? null : Math.max(0, Math.ceil((limit - start) / by));
}

/** The value of a scalar constant, looking through converts and broadcasts. */
function scalarOf(id: ValueId | undefined, definitions: ReadonlyMap<ValueId, Op>): number | null {
  for (let op = id === undefined ? undefined : definitions.get(id), hops = 0; op !== undefined && hops < 8; hops++) {
    if (op.kind === 'constant') return Number((op.attrs.value as Elements).data[0]);
    if (op.kind !== 'convert' && op.kind !== 'broadcast_in_dim' && op.kind !== 'reshape') return null;
    op = definitions.get(op.operands[0] as ValueId);
  }
  return null;
}
