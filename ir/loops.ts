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
  const behind = (id: ValueId | undefined): ValueId => behindConstraints(id as ValueId, definitions);
  const test = definitions.get(behind(cond?.ops.at(-1)?.operands[0]));
  if (cond === undefined || body === undefined || test?.kind !== 'compare' || test.attrs.direction !== 'LT')
    return null;
  const counter = cond.params.indexOf(behind(test.operands[0]));
  const limit = scalarOf(test.operands[1], definitions);
  const start = scalarOf(loop.operands[counter], definitions);
  const step = definitions.get(behind(body.ops.at(-1)?.operands[counter]));
  if (counter < 0 || limit === null || start === null || step?.kind !== 'add') return null;
  const param = body.params[counter];
  const added = step.operands.map(behind);
  const other = added.find((v) => v !== param);
  const by = added.includes(param as ValueId) ? scalarOf(other, definitions) : null;
  return by === null || by <= 0 ? null : Math.max(0, Math.ceil((limit - start) / by));
}

/** What a value is before it was constrained: JAX constrains every scalar inside of a partial-manual computation. */
function behindConstraints(id: ValueId, definitions: ReadonlyMap<ValueId, Op>): ValueId {
  let found = id;
  for (let op = definitions.get(id); op?.kind === 'sharding_constraint'; op = definitions.get(found))
    found = op.operands[0] as ValueId;
  return found;
}

/** The value of a scalar constant, looking through constraints, converts and broadcasts. */
function scalarOf(id: ValueId | undefined, definitions: ReadonlyMap<ValueId, Op>): number | null {
  for (let op = id === undefined ? undefined : definitions.get(id), hops = 0; op !== undefined && hops < 8; hops++) {
    if (op.kind === 'constant') return Number((op.attrs.value as Elements).data[0]);
    if (!SCALAR_MOVES.has(op.kind)) return null;
    op = definitions.get(op.operands[0] as ValueId);
  }
  return null;
}

const SCALAR_MOVES: ReadonlySet<string> = new Set(['convert', 'broadcast_in_dim', 'reshape', 'sharding_constraint']);
