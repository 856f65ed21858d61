/**
 * Puts collectives beside the ops that need not wait for them: each becomes a start, as early as its operand allows and
 * its time needs, and a done right before its first reader.
 *
 *   %g = all_gather %w …            %s = all_gather_start %w …
 *   %a = dot_general %x, %v    →    %a = dot_general %x, %v
 *   %b = dot_general %a, %g         %g = collective_done %s
 *                                   %b = dot_general %a, %g
 *
 * Bodies of loops and branches are scheduled on their own, inner ones first; before that, loops are rotated so that a trip
 * gathers what the next one reads (rotate-loops.ts). What is in flight costs memory: where the step would need more than
 * the device has, and more than the program needed before, less is put in flight.
 */
import { type Block, type Func, mainFunction, type Module, type Op } from '../../ir/program.ts';
import { overlapBlock } from './overlap-block.ts';
import type { Pace, PaceOf } from './pace.ts';
import { rotateLoops } from './rotate-loops.ts';

export function schedule(module: Module, paceOf: PaceOf): Module {
  const plain: Module = { ...module, level: 'scheduled' };
  const rotated = rotateLoops(plain);
  const pace = paceOf(plain);
  const limit = new MemoryLimit(pace, mainFunction(plain));
  const inPlace = withinMemory(mainFunction(plain), pace, limit);
  if (rotated === plain) return { ...plain, functions: [inPlace.func] };
  const ahead = withinMemory(mainFunction(rotated), paceOf(rotated), limit);
  const better = ahead.fits && ahead.seconds < inPlace.seconds * WORTH_IT ? ahead : inPlace;
  return { ...plain, functions: [better.func] };
}

/** A rotated loop stands twice in the program: for less than this it is left as it is. */
const WORTH_IT = 0.99;

interface Scheduled {
  readonly func: Func;
  readonly seconds: number;
  readonly fits: boolean;
}

/** The schedule with most in flight that fits; with nothing in flight it is the program as it was. */
function withinMemory(func: Func, pace: Pace, limit: MemoryLimit): Scheduled {
  for (const part of [0, 4, 16, 64]) {
    const scheduled = overlapAll(func, pace, part === 0 ? Number.POSITIVE_INFINITY : limit.bytes() / part);
    if (limit.holds(pace.peakBytes(scheduled)))
      return { func: scheduled, seconds: pace.stepSeconds(scheduled), fits: true };
  }
  return { func, seconds: pace.stepSeconds(func), fits: limit.holds(pace.peakBytes(func)) };
}

/** What the device has, or what the program needs as it is: worked out only where the device has less. */
class MemoryLimit {
  private readonly pace: Pace;
  private readonly plain: Func;
  private known: number | undefined;

  constructor(pace: Pace, plain: Func) {
    [this.pace, this.plain] = [pace, plain];
  }

  holds(bytes: number): boolean {
    return bytes <= this.pace.memoryBytes || bytes <= this.bytes();
  }

  bytes(): number {
    this.known ??= Math.max(this.pace.memoryBytes, this.pace.peakBytes(this.plain));
    return this.known;
  }
}

/** Every block of the function, inner before outer. */
function overlapAll(func: Func, pace: Pace, inFlight: number): Func {
  const values = [...func.values];
  const done = new Map<Block, Block>();
  for (const block of controlBlocks(func.body).toReversed()) {
    const ops = overlapBlock(block, { pace, inFlight, values });
    done.set(block, { ...block, ops: ops.map((op) => withRegions(op, done)) });
  }
  return { ...func, values, body: done.get(func.body) ?? func.body };
}

const withRegions = (op: Op, done: ReadonlyMap<Block, Block>): Op =>
  op.regions.length === 0 ? op : { ...op, regions: op.regions.map((r) => done.get(r) ?? r) };

/** The body, and blocks of loops and branches; reducers are part of their op. Outer before inner. */
function controlBlocks(body: Block): Block[] {
  const found = [body];
  for (const block of found)
    for (const op of block.ops) if (op.kind === 'while' || op.kind === 'case') found.push(...op.regions);
  return found;
}
