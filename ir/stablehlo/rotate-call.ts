/**
 * `rotate` as XLA's partitioner writes it: a custom_call whose dim and distance stand in its backend_config. XLA knows no
 * rotation of a padded dim: that one has a name of ours.
 */
import type { OpAttrs } from '../attrs.ts';

const ROTATE_CALL = '_SPMDInternalOp_RotateRight';
const ROTATE_FIRST_CALL = 'shardc.rotate_first';

export function rotateCall({ dim, by, size }: OpAttrs['rotate'], operand: string): string {
  const [target, more] = size === undefined ? [ROTATE_CALL, ''] : [ROTATE_FIRST_CALL, `,size=${size}`];
  return `@${target}(${operand}) {backend_config = "dimension=${dim},amount=${by}${more}"}`;
}

/** Undefined for other calls, and where the text does not say what the target needs. */
export function rotationOf(target: string, config: unknown): OpAttrs['rotate'] | undefined {
  if (target !== ROTATE_CALL && target !== ROTATE_FIRST_CALL) return undefined;
  const [, dim, by, size] = /dimension=(\d+),amount=(-?\d+)(?:,size=(\d+))?/.exec(String(config)) ?? [];
  if (dim === undefined || by === undefined || (size === undefined) !== (target === ROTATE_CALL)) return undefined;
  const whole = { dim: Number(dim), by: Number(by) };
  return size === undefined ? whole : { ...whole, size: Number(size) };
}
