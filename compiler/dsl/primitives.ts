/**
 * What a trace holds beside ops of the IR, until `lower` writes it as such: forms that gradients and vmap must see whole.
 *
 *   scan           carries, xs → carries, ys; region (i, carries, slices of xs) → (carries, elements of ys)
 *   checkpoint     region, whose values a gradient computes again instead of keeping
 *   custom_vjp     region, and the function that gives its gradient
 *   stop_gradient  the operand
 *   name           the operand, under a name
 */
import type { BatchOptions } from './batch/batcher.ts';
import type { Op, ValueId } from '../../ir/program.ts';

export interface ScanAttrs {
  readonly [key: string]: number | boolean;
  readonly carries: number;
  readonly length: number;
  /** From the last slice to the first. */
  readonly reverse: boolean;
}

/** What a checkpoint keeps of its region. */
export type Saveable = (op: Op, name: string | undefined) => boolean;

/** The gradient of a custom_vjp. */
export interface CustomRule {
  /**
   * Runs its own forward function; its backward function runs when the cotangents are there. Where a checkpoint has the
   * results, `saved`, they stand for what forward keeps of its own.
   */
  apply(
    operands: readonly ValueId[],
    saved?: readonly ValueId[],
  ): {
    readonly results: readonly ValueId[];
    back(cotangents: readonly ValueId[]): readonly (ValueId | undefined)[];
  };
  /** The same on a batch, that these operands have and all results. */
  batched(operands: readonly boolean[], batch: BatchOptions): CustomRule;
}

const EFFECTS: ReadonlySet<string> = new Set(['sharding_group', 'propagation_barrier']);

/** Must the op stay although nobody reads it? */
export const hasEffect = (op: Op): boolean =>
  EFFECTS.has(op.kind) || (op.kind === 'custom_call' && /has_side_effect\s*=\s*true/.test(String(op.attrs.verbatim)));
