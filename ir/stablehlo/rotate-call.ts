/** `rotate` as XLA's partitioner writes it: a custom_call whose dim and distance stand in its backend_config. */
import type { OpAttrs } from '../attrs.ts';

export const ROTATE_CALL = '_SPMDInternalOp_RotateRight';

export const rotateCall = ({ dim, by }: OpAttrs['rotate'], operand: string): string =>
  `@${ROTATE_CALL}(${operand}) {backend_config = "dimension=${dim},amount=${by}"}`;

/** Undefined where the text says neither. */
export function rotationOf(config: unknown): OpAttrs['rotate'] | undefined {
  const [, dim, by] = /dimension=(\d+),amount=(-?\d+)/.exec(String(config)) ?? [];
  return dim === undefined || by === undefined ? undefined : { dim: Number(dim), by: Number(by) };
}
