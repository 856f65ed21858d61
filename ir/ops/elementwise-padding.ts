/** Padding through elementwise ops: constants are computed, finite numbers stay finite where the op is bounded. */
import { allocate, type Precision, type TensorArray } from '../array.ts';
import type { OpDef, OpView } from '../op.ts';
import { holdsFinite, type PadContent, type PadRule, zeroOf } from '../padding.ts';
import { DTYPES, tensor, type TensorType } from '../types.ts';

/** Finite on all finite numbers, whatever the type's range. */
const BOUNDED: ReadonlySet<string> = new Set([
  'abs',
  'atan',
  'atan2',
  'cbrt',
  'ceil',
  'clamp',
  'cosine',
  'erf',
  'erfc',
  'floor',
  'logistic',
  'maximum',
  'minimum',
  'negate',
  'round_nearest_afz',
  'round_nearest_even',
  'sign',
  'sine',
  'tanh',
]);

type Kernel = OpDef['kernel'];

/** Of any op whose kernel works element by element. */
export const elementwisePadding = (kernel: Kernel, view: OpView): PadRule => ({
  gives: (held) => [held.every((h) => typeof h === 'object') ? computed(kernel, view, held) : bounded(view, held)],
});

function bounded({ kind, operands, results }: OpView, held: readonly PadContent[]): PadContent {
  const isValue = (value: number) => (h: PadContent) => typeof h === 'object' && Number(h.value) === value;
  const finite = held.every(holdsFinite);
  const [dtype] = operands.map((t) => t.dtype);
  switch (kind) {
    case 'multiply':
      return finite && held.some(isValue(0)) ? { value: zeroOf(results[0]?.dtype ?? 'f32') } : 'unknown';
    case 'and':
      return held.some(isValue(0)) ? { value: zeroOf(results[0]?.dtype ?? 'f32') } : 'unknown';
    case 'or':
      return dtype === 'pred' && held.some(isValue(1)) ? { value: 1 } : 'unknown';
    case 'select':
      return selected(held);
    case 'convert':
      return finite && DTYPES[results[0]?.dtype ?? 'pred'].bits >= DTYPES[dtype ?? 'c128'].bits ? 'finite' : 'unknown';
    default:
      return finite && BOUNDED.has(kind) ? 'finite' : 'unknown';
  }
}

function selected([pred, yes, no]: readonly PadContent[]): PadContent {
  if (yes === undefined || no === undefined) return 'unknown';
  if (typeof pred === 'object') return Number(pred.value) !== 0 ? yes : no;
  if (typeof yes === 'object' && typeof no === 'object' && yes.value === no.value) return yes;
  return holdsFinite(yes) && holdsFinite(no) ? 'finite' : 'unknown';
}

/** The op on the constants, if rounding as it goes makes no difference to it. */
function computed(kernel: Kernel, view: OpView, held: readonly { readonly value: number | bigint }[]): PadContent {
  const [wide, rounded] = (['wide', 'true'] as const).map((p) => onScalars(kernel, view, held, p));
  if (wide === undefined || rounded === undefined) return 'unknown';
  if (Object.is(wide, rounded)) return { value: wide };
  return typeof wide === 'number' && Number.isFinite(wide) && Number.isFinite(rounded) ? 'finite' : 'unknown';
}

function onScalars(
  kernel: Kernel,
  view: OpView,
  held: readonly { readonly value: number | bigint }[],
  precision: Precision,
): number | bigint | undefined {
  const scalar = (t: TensorType): TensorType => tensor(t.dtype, []);
  const types = [...view.operands, ...view.results];
  if (types.some((t) => DTYPES[t.dtype].class === 'complex' || DTYPES[t.dtype].class === 'token')) return undefined;
  const inputs = view.operands.map((t, i): TensorArray => {
    const data = allocate(t.dtype, 1, precision);
    data[0] = held[i]?.value as never;
    return { dtype: t.dtype, shape: [], data };
  });
  const whole = { ...view, operands: view.operands.map(scalar), results: view.results.map(scalar) };
  const [result] = kernel(whole, inputs, { precision, call: () => [] });
  return result?.data[0];
}
