/**
 * What a trace holds beside ops of the IR, until `lower` writes it as such: forms that gradients and vmap must see whole.
 *
 *   scan           carries, xs → carries, ys; region (i, carries, slices of xs) → (carries, elements of ys)
 *   checkpoint     region, whose values a gradient computes again instead of keeping
 *   custom_vjp     region, and the function that gives its gradient
 *   stop_gradient  the operand
 *   name           the operand, under a name
 */
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

/** Runs a custom_vjp's own forward function, and its backward function when the cotangents are there. */
export type CustomRule = (operands: readonly ValueId[]) => {
  readonly results: readonly ValueId[];
  back(cotangents: readonly ValueId[]): readonly (ValueId | undefined)[];
};

const EFFECTS: ReadonlySet<string> = new Set(['sharding_group', 'propagation_barrier']);

/** Must the op stay although nobody reads it? */
export const hasEffect = (op: Op): boolean =>
  EFFECTS.has(op.kind) || (op.kind === 'custom_call' && /has_side_effect\s*=\s*true/.test(String(op.attrs.verbatim)));
