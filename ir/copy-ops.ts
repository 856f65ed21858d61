/** Copies of ops with fresh values, and values renamed throughout a block. */
import type { Block, Op, Origin, ValueId, ValueInfo } from './program.ts';

export type Renaming = Map<ValueId, ValueId>;

type Why = Required<Pick<Origin, 'pass' | 'reason'>>;

/**
 * Copies in order; operands are renamed by `names`, then by what was copied before. `names` is not changed. `why`: their
 * origin is that of the ops, made anew for this reason by this pass; absent = as it was.
 */
export function copyOps(
  ops: readonly Op[],
  names: ReadonlyMap<ValueId, ValueId>,
  values: ValueInfo[],
  why?: Why,
): { readonly ops: Op[]; readonly names: Renaming } {
  const copied: Renaming = new Map(names);
  return { ops: ops.map((op) => copyOp(op, copied, values, why)), names: copied };
}

/** One op; what it makes is added to `names`. */
export function copyOp(op: Op, names: Renaming, values: ValueInfo[], why?: Why): Op {
  const fresh = (v: ValueId): ValueId => {
    const copy = (values.push({ ...(values[v] as ValueInfo) }) - 1) as ValueId;
    names.set(v, copy);
    return copy;
  };
  const operands = op.operands.map((v) => names.get(v) ?? v);
  const regions = op.regions.map((block): Block => {
    const params = block.params.map(fresh);
    return { params, ops: block.ops.map((inner) => copyOp(inner, names, values, why)) };
  });
  const origin = why === undefined ? op.origin : { ...why, from: [op.origin] };
  return { ...op, operands, regions, results: op.results.map(fresh), origin };
}

/** Every use of a renamed value, regions included; names may lead to names. */
export function renameAll(block: Block, names: ReadonlyMap<ValueId, ValueId>): Block {
  const final = (v: ValueId): ValueId => {
    let at = v;
    for (let next = names.get(at); next !== undefined; next = names.get(at)) at = next;
    return at;
  };
  const rename = (b: Block): Block => ({
    ...b,
    ops: b.ops.map((op) => ({
      ...op,
      operands: op.operands.map(final),
      regions: op.regions.length === 0 ? op.regions : op.regions.map(rename),
    })),
  });
  return rename(block);
}
