/** What a stacked kernel is: one op on all copies of its operands at once (docs/design.md §6). */
import type { Precision, Storage } from '../../ir/array.ts';
import type { OpView } from '../../ir/op.ts';
import type { Rows } from '../stacked.ts';

export interface StackedCall {
  /** At per-copy shapes. */
  readonly view: OpView;
  readonly operands: readonly Rows[];
  readonly copies: number;
  readonly precision: Precision;
  /** Operands that nobody holds (memory/heap.ts) may be written over. */
  readonly mayOverwrite?: boolean;
}

/**
 * The one result of the op, [copies, …result shape]; undefined where this kernel does not apply and the reference has to
 * run copy by copy. The result may share the data of an operand.
 */
export type StackedKernel = (call: StackedCall) => Storage | undefined;
