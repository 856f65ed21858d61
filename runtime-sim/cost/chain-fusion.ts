/**
 * Fusion of chains, as XLA does it everywhere: elementwise and data-moving ops run in one loop with the op that reads
 * them; a reduction takes its producer in. What several ops read, or an op that fuses with nothing, is written.
 */
import type { Func, Op, ValueId } from '../../ir/program.ts';
import type { Fusion } from './traffic.ts';
import { CHEAP, isAlone } from './memory-roles.ts';
import type { Uses } from '../../ir/uses.ts';

export function chainFusion({ params, makers, readersOf }: Uses, func: Func): Fusion {
  const alone = (op: Op): boolean => isAlone(op, func);
  const written = new Set<ValueId>(params);
  for (const [value, maker] of makers) if (isWritten(maker, readersOf(value), alone)) written.add(value);
  return {
    written,
    reads: (op) => op.operands.filter((v) => written.has(v)),
    fuses: (op) => !alone(op),
    viewsAreFree: false,
  };
}

/** Readers that take a fused producer into their own loop: a reduction reads its input once, in order. */
const TAKES_INPUT: ReadonlySet<string> = new Set(['reduce']);

function isWritten(maker: Op, readers: readonly Op[], alone: (op: Op) => boolean): boolean {
  if (alone(maker) || maker.kind === 'collective_done') return true;
  if (CHEAP.has(maker.kind)) return readers.some((r) => r.kind === 'return');
  if (readers.some((r) => alone(r) && !TAKES_INPUT.has(r.kind))) return true;
  return readers.length > 1;
}
