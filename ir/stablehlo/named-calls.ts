/**
 * custom_calls that are ops of ours: XLA's rotation, and CHLO's ops as exported StableHLO names them, which has no CHLO.
 *
 *   stablehlo.custom_call @mhlo.erf(%0) {mhlo.attributes = {}, mhlo.version = 1 : i64}
 *   stablehlo.custom_call @mhlo.topk(%0) {mhlo.attributes = {k = 4 : i64, largest = true}, mhlo.version = 1 : i64}
 */
import { unsupported } from '../diagnostics.ts';
import { ELEMENTWISE } from '../ops/elementwise.ts';
import type { Attrs } from '../program.ts';
import { rotationOf } from './rotate-call.ts';

const MHLO = 'mhlo.';

/** `attributes`: the call's, as written. Undefined for calls that stay calls. */
export function opOfCall(
  target: string,
  config: unknown,
  attributes: string,
): { readonly kind: string; readonly attrs: Attrs } | undefined {
  const rotation = rotationOf(target, config ?? attributes);
  if (rotation !== undefined) return { kind: 'rotate', attrs: rotation };
  if (target === 'mhlo.topk') return topK(attributes);
  const kind = target.startsWith(MHLO) ? target.slice(MHLO.length) : '';
  return Object.hasOwn(ELEMENTWISE, kind) ? { kind, attrs: {} } : undefined;
}

function topK(attributes: string): { kind: string; attrs: Attrs } {
  const [, k] = /\bk\s*=\s*(\d+)/.exec(attributes) ?? [];
  if (k === undefined || /\blargest\s*=\s*false/.test(attributes))
    throw unsupported('mhlo.topk of the smallest elements, or without k');
  return { kind: 'top_k', attrs: { k: Number(k) } };
}
