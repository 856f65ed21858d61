/**
 * What a loop reads in another layout is best brought into it once, before the loop; but then it is held while the loop
 * runs, and a stack of gathered weights can be more than a device has. Where it is, the copies that save least per byte
 * held are made in the loop, each trip anew: of a stack, only the slice that the trip reads. Likewise what passes an
 * optimization barrier, as everything does that jax.checkpoint reads again in the backward pass: it passes sharded.
 */
import type { Registry } from '../../ir/op.ts';
import { mainFunction, type Module } from '../../ir/program.ts';
import type { PaceOf } from '../schedule/pace.ts';
import type { HeldCopy } from './decide/solution.ts';
import { type Decided, decideLayouts } from './insert-reshards.ts';
import { localize } from './localize.ts';
import { lowerReshards } from './lower-reshards.ts';
import type { Prices } from './prices.ts';
import { trimPadding } from './trim-padding.ts';

/** Copies below this part of the memory make no difference. */
const SMALL = 1e-3;
/** Each is one more decision about the whole program. */
const MOST_TAKEN_BACK = 8;
/** Part of the memory that a plan which does not fit either has to spare. */
const WORTH_IT = 0.01;

export interface WithinMemory extends Decided {
  /** Copies that are not held through loops, as they would be with more memory; `saves`: in the prices decided by. */
  readonly notHeld: readonly HeldCopy[];
  /** Of a device; no limit without a machine. */
  readonly memoryBytes: number;
}

/**
 * Moves least of what fits a device of `paceOf`'s machine, or least of all without one. Where nothing fits: as without, but
 * for a plan that needs clearly less memory.
 */
export function decideWithinMemory(
  module: Module,
  registry: Registry,
  prices: Prices,
  paceOf: PaceOf | undefined,
): WithinMemory {
  const memoryBytes = paceOf?.(module).memoryBytes ?? Number.POSITIVE_INFINITY;
  const attempt = (notHeld: readonly HeldCopy[]): Attempt => {
    const given = new Set(notHeld.map((h) => h.value));
    const decided = decideLayouts(module, registry, prices, given);
    const held = decided.solution.held().filter((h) => h.bytes > SMALL * memoryBytes && !given.has(h.value));
    // Nothing is held that could be given up.
    if (paceOf === undefined || (held.length === 0 && notHeld.length === 0))
      return { ...decided, notHeld, held, over: 0, memoryBytes };
    const local = localize(lowerReshards(trimPadding(decided.module, registry), prices), registry);
    return { ...decided, notHeld, held, over: paceOf(local).peakBytes(mainFunction(local)) - memoryBytes, memoryBytes };
  };
  let best = attempt([]);
  for (let last = best; last.over > 0; ) {
    const given = leastMissed(last.held, last.over);
    if (given.length === 0) break;
    last = attempt([...last.notHeld, ...given]);
    if (last.over <= 0 || best.over - last.over > WORTH_IT * memoryBytes) best = last;
  }
  return best.over > 0 ? best : takenBack(best, attempt);
}

/** What was given up before the others made it needless is held again, what saves most first. */
function takenBack(fits: Attempt, attempt: (notHeld: readonly HeldCopy[]) => Attempt): Attempt {
  if (fits.notHeld.length < 2) return fits;
  let best = fits;
  for (const copy of fits.notHeld.toSorted((a, b) => b.saves - a.saves).slice(0, MOST_TAKEN_BACK)) {
    const without = attempt(best.notHeld.filter((h) => h !== copy));
    if (without.over <= 0 && without.total < best.total) best = without;
  }
  return best;
}

interface Attempt extends WithinMemory {
  /** What could be given up. */
  readonly held: readonly HeldCopy[];
  /** Bytes that the device lacks. */
  readonly over: number;
}

/** So many bytes of them, or all: those that save least per byte. */
function leastMissed(held: readonly HeldCopy[], bytes: number): HeldCopy[] {
  const given: HeldCopy[] = [];
  let sum = 0;
  for (const h of held.toSorted((a, b) => a.saves / a.bytes - b.saves / b.bytes || b.bytes - a.bytes)) {
    if (sum >= bytes) break;
    given.push(h);
    sum += h.bytes;
  }
  return given;
}
