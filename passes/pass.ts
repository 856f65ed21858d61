/** What a pass is. The one loop in compiler/compile.ts runs, times, dumps and stops. */
import type { Diagnostic } from '../ir/diagnostics.ts';
import type { Registry } from '../ir/op.ts';
import type { Level, Module, ValueId } from '../ir/program.ts';
import type { Decided } from './partition/insert-reshards.ts';
import type { Prices } from './partition/prices.ts';
import type { PaceOf } from './schedule/pace.ts';
import type { Cause, Conflict } from './propagate/propagate.ts';

export interface Pass {
  /** Kebab-case, as the file. */
  readonly name: string;
  /** One sentence for `shardc opt --help`. */
  readonly doc: string;
  readonly requires: Level;
  readonly ensures: Level;
  run(module: Module, ctx: PassContext): Module;
}

/** All that a pass may read or tell besides the module: no globals, no clock, no randomness. */
export interface PassContext {
  readonly registry: Registry;
  /** What plans are compared by. */
  readonly prices: Prices;
  /** What the schedule is made for. */
  readonly pace: PaceOf;
  /** The machine whose memory bounds what is held; absent: nothing does. */
  readonly memoryOf: PaceOf | undefined;
  report(diagnostic: Diagnostic): void;
  /** Why each value has each axis; filled by `propagate`, read by `explain`. */
  causes: ReadonlyMap<ValueId, readonly Cause[]>;
  /** What was chosen and from what; filled by `insert-reshards`, read by `explain`. */
  decided: Decided | undefined;
  /** Where layouts met that no op can have at once; likewise. */
  conflicts: readonly Conflict[];
}

export const definePass = (pass: Pass): Pass => pass;
