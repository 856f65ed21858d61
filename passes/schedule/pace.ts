/** What the scheduler must know of a machine. Structurally what runtime-sim gives; the two folders do not know each other. */
import type { Func, Module, Op } from '../../ir/program.ts';

export interface Pace {
  /** Of an op with all in its regions; of a collective, on idle links: 0 where nothing crosses the wire. */
  seconds(op: Op): number;
  /** Link lanes that an op uses, with the seconds that it uses each: one lane carries one collective at a time. */
  lanes(op: Op): readonly { readonly lane: string; readonly seconds: number }[];
  /** Of a whole step, scheduled. */
  stepSeconds(func: Func): number;
  peakBytes(func: Func): number;
  /** Of one device. */
  readonly memoryBytes: number;
}

export type PaceOf = (module: Module) => Pace;
