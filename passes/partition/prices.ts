/** What a layout change costs, for the choice between plans: wire bytes, or a machine's seconds. */
import type { AxisRef } from '../../ir/mesh.ts';
import type { CollectiveKind } from '../../ir/program.ts';
import type { DType } from '../../ir/types.ts';

export interface Prices {
  /** One collective of `bytes` on the wire and `operandBytes` held, both per device, over groups along `axes`. Positive. */
  collective(kind: CollectiveKind, bytes: number, operandBytes: number, axes: readonly AxisRef[]): number;
  /** `bytes` written to the device's memory: what computing a tensor less sharded costs. Small beside the wire. */
  memory(bytes: number): number;
  /** So many flops of a dot on operands of this type: what computing it redundantly costs. */
  compute(flops: number, type: DType): number;
  /**
   * What a plan that computes more of the program redundantly, and so writes `bytes` more to memory, has to spare besides
   * its price. Absent: nothing, as `memory` is what that costs.
   */
  redundant?(bytes: number): number;
  /** No way of moving `bytes` to a device costs less. Absent: nothing is known, and plans are searched more widely. */
  atLeast?(bytes: number): number;
}

/** `--objective wire`. A small constant per collective makes plans of equal bytes prefer fewer. */
export const wirePrices: Prices = {
  collective: (_, bytes) => bytes + 1e-3,
  memory: (bytes) => bytes * 1e-3,
  compute: () => 0,
  // Memory is 5 times as fast as links between chips, and 70 times as between hosts.
  redundant: (bytes) => bytes / 70,
  atLeast: (bytes) => bytes,
};
