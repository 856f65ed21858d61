/** infer and kernel: the kernel gives arrays of the inferred types, rounded, and leaves its inputs alone. */
import { allocate, type Precision, type TensorArray } from '../../../../ir/array.ts';
import { rounderOf } from '../../../../ir/ops/rounding.ts';
import { DTYPES, elementCount, type TensorType, typeText, widthOf } from '../../../../ir/types.ts';
import { runOneDevice } from '../../../../runtime-sim/interpret.ts';
import type { Findings, LawContext } from '../law.ts';
import { moduleOf } from '../one-op-module.ts';
import { viewOf } from '../op-example.ts';

export function checkTypes({ def, registry, example }: LawContext, found: Findings): void {
  const view = viewOf(example);
  found.check('infer', () => {
    const inferred = def.infer(view);
    const same = inferred.length === view.results.length && inferred.every((t, i) => t === view.results[i]);
    return same ? undefined : `infer gives ${text(inferred)}, the example's results are ${text(view.results)}`;
  });
  for (const precision of ['wide', 'true'] as const) {
    found.check(
      'kernel',
      () => {
        const inputs = example.inputs.map((x) => inPrecision(x, precision));
        const before = inputs.map((x) => x.data.slice());
        const results = runOneDevice(moduleOf(example), registry, inputs, precision);
        if (!inputs.every((x, i) => sameNumbers(x.data, before[i] as TensorArray['data'])))
          return 'the kernel changes its inputs';
        return def
          .infer(view)
          .map((type, i) => wrongArray(type, results[i], precision))
          .find((w) => w !== undefined);
      },
      `precision ${precision}`,
    );
  }
}

function wrongArray(type: TensorType, array: TensorArray | undefined, precision: Precision): string | undefined {
  if (array === undefined) return `the kernel gives no array for ${typeText(type)}`;
  const shape = `${array.dtype}[${array.shape.join(',')}]`;
  if (shape !== typeText(type)) return `the kernel gives ${shape}, infer says ${typeText(type)}`;
  const wanted = allocate(type.dtype, 0, precision).constructor;
  const { data } = array;
  if (data.constructor !== wanted)
    return `the kernel gives ${data.constructor.name} for ${type.dtype}, not ${wanted.name}`;
  const count = elementCount(type) * widthOf(type.dtype);
  if (data.length !== count)
    return `the kernel gives ${data.length} elements for ${typeText(type)}, which has ${count}`;
  const bad = Array.from(data as Float64Array).findIndex((v) => !representable(type, v, precision));
  return bad < 0 ? undefined : `element ${bad} is ${data[bad]}, which ${type.dtype} cannot hold`;
}

function representable({ dtype }: TensorType, v: number | bigint, precision: Precision): boolean {
  const { class: cls, bits } = DTYPES[dtype];
  if (cls === 'pred') return v === 0 || v === 1;
  if (cls === 'signed') return Number(v) >= -(2 ** (bits - 1)) && Number(v) <= 2 ** (bits - 1);
  if (cls === 'unsigned') return Number(v) >= 0 && Number(v) <= 2 ** bits;
  if (precision === 'wide' || Number.isNaN(v)) return true;
  const round = rounderOf(dtype);
  return round === undefined || round(Number(v)) === v;
}

/** Inputs as the true run holds them. They are drawn rounded, so nothing is lost. */
function inPrecision(x: TensorArray, precision: Precision): TensorArray {
  const data = allocate(x.dtype, x.data.length / widthOf(x.dtype), precision);
  for (let i = 0; i < data.length; i++) (data as Float64Array)[i] = x.data[i] as number;
  return { ...x, data };
}

const sameNumbers = (a: TensorArray['data'], b: TensorArray['data']): boolean =>
  a.length === b.length && Array.from(a as Float64Array).every((v, i) => Object.is(v, b[i]));

const text = (types: readonly TensorType[]): string => types.map(typeText).join(', ');
