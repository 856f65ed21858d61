/** Every stacked kernel against the registry's reference kernel: on all law examples, over copies that differ and rows that are shared. */
import { describe, expect, it } from 'vitest';
import type { TensorArray } from '../../ir/array.ts';
import { registry } from '../../ir/ops/index.ts';
import { DTYPES, tensor } from '../../ir/types.ts';
import { compareResults } from '../../runtime-sim/check.ts';
import { runStacked, stackedKernels } from '../../runtime-sim/kernels/index.ts';
import { FunctionCode } from '../../runtime-sim/control-flow.ts';
import { onHeap } from '../../runtime-sim/memory/room.ts';
import { kernelContext } from '../../runtime-sim/region-call.ts';
import { type Rows, rowOf, stackOf } from '../../runtime-sim/stacked.ts';
import { examples } from '../laws/examples/index.ts';
import { type OpExample, opOf, viewOf } from '../../compiler/testing/laws/op-example.ts';

const COPIES = 3;
/** Copy → row of the first operand, which is held twice only. */
const SHARED = Int32Array.of(1, 0, 1);

/** Another copy of an operand: floats scaled, everything else as it is (indices and predicates keep their range). */
function variant(array: TensorArray, copy: number): TensorArray {
  const scale = 1 + copy / 4;
  return DTYPES[array.dtype].class === 'float'
    ? { ...array, data: (array.data as Float64Array).map((v) => v * scale) }
    : array;
}

function reference(example: OpExample, inputs: readonly TensorArray[]): readonly TensorArray[] {
  const op = opOf(example);
  const context = kernelContext(registry, 'wide', new FunctionCode(example.func), () => undefined);
  return registry[op.kind]?.kernel(viewOf(example), inputs, context) ?? [];
}

const rowsOf = (arrays: readonly TensorArray[]): Rows[] =>
  arrays.map((array, i) =>
    i === 0
      ? { stack: stackOf([variant(array, 0), variant(array, 1)]), of: SHARED }
      : { stack: stackOf([0, 1, 2].map((c) => variant(array, c))) },
  );

describe('stacked kernels', () => {
  const kinds = Object.keys(stackedKernels);
  it.each(kinds)('%s', (kind) => {
    const own = examples.filter((e) => e.kind === kind);
    expect(own.length).toBeGreaterThan(0);
    let applied = 0;
    for (const example of own) {
      const made = onHeap(() =>
        runStacked(registry, {
          view: viewOf(example),
          operands: rowsOf(example.inputs),
          copies: COPIES,
          precision: 'wide',
        }),
      );
      if (made === undefined) continue;
      applied++;
      for (let c = 0; c < COPIES; c++) {
        const want = reference(
          example,
          example.inputs.map((x, i) => variant(x, i === 0 ? (SHARED[c] as number) : c)),
        );
        const { worst } = compareResults(want, [rowOf(made, c)], 1e-12);
        expect(worst, `${example.name}, copy ${c}`).toBeLessThanOrEqual(1e-12);
      }
    }
    expect(applied).toBeGreaterThan(0);
  });
});

describe('products in f32', () => {
  it.each([
    [3, 5, 7],
    [17, 300, 9],
    [64, 513, 33],
  ])('[%d, %d] × [.., %d], as the reference rounds once, to a few units in the last place', (m, k, n) => {
    const made = (count: number, seed: number): Float32Array =>
      Float32Array.from({ length: count }, (_, i) => Math.sin(i * 1.7 + seed));
    const operands: TensorArray[] = [
      { dtype: 'f32', shape: [m, k], data: made(m * k, 1) },
      { dtype: 'f32', shape: [k, n], data: made(k * n, 2) },
    ];
    const attrs = { lhs_batch: [], rhs_batch: [], lhs_contracting: [1], rhs_contracting: [0], dtype: 'f32' };
    const types = [tensor('f32', [m, k]), tensor('f32', [k, n])];
    const view = { kind: 'dot_general', attrs, operands: types, results: [tensor('f32', [m, n])], regions: [] };
    const rows = operands.map((a) => ({ stack: stackOf([a]) }));
    const got = onHeap(() => runStacked(registry, { view, operands: rows, copies: 1, precision: 'true' }));
    const context = { precision: 'true', call: () => [] } as const;
    const want = registry.dot_general?.kernel(view, operands, context) ?? [];
    expect(compareResults(want, [rowOf(got as TensorArray, 0)], 1e-5).worst).toBeLessThan(1e-5);
  });
});
