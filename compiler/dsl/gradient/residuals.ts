/**
 * What the way back needs of the way forward, where the two are in different regions: the values themselves, to be
 * handed over; but constants and what is cheaply made of them is made again.
 */
import { type Block, type Op, readFromOutside, type ValueId } from '../../../ir/program.ts';
import type { TypedBuilder } from '../../../ir/typed-build.ts';
import { copyOp, Environment } from '../blocks.ts';

const CHEAP: ReadonlySet<string> = new Set([
  'axis_index',
  'broadcast_in_dim',
  'constant',
  'convert',
  'iota',
  'reshape',
  'transpose',
]);

export interface Residuals {
  /** Values of the forward block that have to be handed over. */
  readonly kept: readonly ValueId[];
  /** Ops of the forward block to be written again at the head of the backward one. */
  readonly again: readonly Op[];
}

export function residualsOf(
  forward: { readonly params: readonly ValueId[]; readonly ops: readonly Op[] },
  backward: Block,
): Residuals {
  const makers = new Map<ValueId, Op>();
  for (const op of forward.ops) for (const r of op.results) makers.set(r, op);
  const own = (id: ValueId): boolean => makers.has(id) || forward.params.includes(id);
  const needed = readFromOutside([backward]).filter(own);
  const again = new Set<Op>();
  const kept: ValueId[] = [];
  for (const id of needed) {
    const chain = cheapChain(id, makers, own);
    if (chain === undefined) kept.push(id);
    else for (const op of chain) again.add(op);
  }
  return { kept, again: forward.ops.filter((op) => again.has(op)) };
}

/** The ops that make a value of nothing of the block; undefined where it takes more than moving constants. */
function cheapChain(id: ValueId, makers: ReadonlyMap<ValueId, Op>, own: (id: ValueId) => boolean): Op[] | undefined {
  const chain: Op[] = [];
  for (let at = id; ; ) {
    const op = makers.get(at);
    if (op === undefined || !CHEAP.has(op.kind)) return undefined;
    chain.push(op);
    const [operand] = op.operands;
    if (operand === undefined || !own(operand)) return chain;
    at = operand;
  }
}

/** Writes them where we stand; what stands for their results there. */
export function writeAgain(b: TypedBuilder, ops: readonly Op[]): Map<ValueId, ValueId> {
  const env = new Environment();
  for (const op of ops) copyOp(b, op, env);
  return new Map(ops.flatMap((op) => op.results.map((r) => [r, env.get(r)] as const)));
}
