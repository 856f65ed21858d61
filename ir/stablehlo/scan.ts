/**
 * chlo.scan as a loop: step after step along a dim, the region gets one slice per input and what is carried, and
 * gives one slice per output and what is carried on.
 *
 *   %ys, %c = chlo.scan (%xs) inits (%c0) dimension=0 { (%x, %c): …; return %y, %d } : (t<8x16>, t<16>) -> (t<8x16>, t<16>)
 *   →  while (%i = 0, %c = %c0, %ys = 0) { %i < 8 } do { %x = xs[i]; …; return %i + 1, %d, %ys with %y at i }
 */
import type { Block, ValueId } from '../program.ts';
import type { TypedBuilder } from '../typed-build.ts';
import { tensor, type TensorType } from '../types.ts';

export interface ScanForm {
  readonly dim: number;
  readonly isReverse: boolean;
  readonly inputs: readonly ValueId[];
  readonly inits: readonly ValueId[];
}

const INDEX = tensor('i32', []);

export function scan(
  b: TypedBuilder,
  { dim, isReverse, inputs, inits }: ScanForm,
  results: readonly TensorType[],
  region: Block,
): readonly ValueId[] {
  const [first] = inputs;
  const outputs = results.slice(0, results.length - inits.length);
  const steps = (first === undefined ? outputs[0] : b.typeOf(first))?.shape[dim] ?? 0;
  const start = [b.splat(0, INDEX), ...inits, ...outputs.map((type) => b.splat(0, type))];
  const types = start.map((v) => b.typeOf(v));
  const cond = b.region(() => {
    const [i] = types.map((type) => b.param(type)) as [ValueId];
    b.op('return', [b.one('compare', [i, b.splat(steps, INDEX)], { direction: 'LT' })], [], b.origin);
  });
  const body = b.region(() => step());
  const made = b.op('while', start, types, b.origin, { trip_count: steps }, [cond, body]);
  return [...made.slice(1 + inits.length), ...made.slice(1, 1 + inits.length)];

  /** The region's own parameters are the slices and what the loop carries. */
  function step(): void {
    const i = b.param(INDEX);
    for (const carried of region.params.slice(inputs.length)) b.paramAt(carried);
    const stacked = outputs.map((type) => b.param(type));
    const at = isReverse ? b.one('subtract', [b.splat(steps - 1, INDEX), i]) : i;
    inputs.forEach((input, k) => {
      const type = b.typeOf(input);
      const sizes = type.shape.map((n, d) => (d === dim ? 1 : n));
      const slice = b.one('dynamic_slice', [input, ...startsAt(at, type)], { sizes });
      const result = region.params[k] as ValueId;
      const { shape } = b.typeOf(result);
      b.push({
        kind: 'reshape',
        operands: [slice],
        results: [result],
        attrs: { shape },
        regions: [],
        origin: b.origin,
      });
    });
    for (const op of region.ops.slice(0, -1)) b.push(op);
    const given = region.ops.at(-1)?.operands ?? [];
    const filled = stacked.map((whole, k) => {
      const type = b.typeOf(whole);
      const shape = type.shape.map((n, d) => (d === dim ? 1 : n));
      const part = b.one('reshape', [given[k] as ValueId], { shape });
      return b.one('dynamic_update_slice', [whole, part, ...startsAt(at, type)]);
    });
    const next = b.one('add', [i, b.splat(1, INDEX)]);
    b.op('return', [next, ...given.slice(outputs.length), ...filled], [], b.origin);
  }

  function startsAt(at: ValueId, type: TensorType): ValueId[] {
    return type.shape.map((_, d) => (d === dim ? at : b.splat(0, INDEX)));
  }
}
