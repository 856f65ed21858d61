/** Who makes and who reads each value. */
import { type Block, type Op, type ValueId, walkOps } from './program.ts';

export interface Uses {
  readonly blocks: readonly Block[];
  readonly params: ReadonlySet<ValueId>;
  readonly makers: ReadonlyMap<ValueId, Op>;
  readersOf(value: ValueId): readonly Op[];
}

export function usesOf(blocks: Iterable<Block>): Uses {
  const list = [...blocks];
  const makers = new Map<ValueId, Op>();
  const readers = new Map<ValueId, Op[]>();
  for (const block of list) {
    for (const op of block.ops) {
      for (const r of op.results) makers.set(r, op);
      for (const v of new Set(op.operands)) {
        const known = readers.get(v);
        if (known === undefined) readers.set(v, [op]);
        else known.push(op);
      }
    }
  }
  const params = new Set(list.flatMap((b) => b.params));
  return { blocks: list, params, makers, readersOf: (value) => readers.get(value) ?? [] };
}

/** A block and all in its ops, outer before inner. */
export const blocksIn = (body: Block): Block[] => [body, ...[...walkOps(body)].flatMap((op) => op.regions)];
