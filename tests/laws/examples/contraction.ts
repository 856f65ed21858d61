/** dot_general and reduce. */
import type { FuncBuilder } from '../../../ir/build.ts';
import type { Monoid } from '../../../ir/layout.ts';
import type { Block } from '../../../ir/program.ts';
import { type DType, tensor } from '../../../ir/types.ts';
import {
  example,
  type ExampleOptions,
  identity,
  MONOID_OPS,
  monoidTypes,
  type OpExample,
  reducer,
  returns,
} from '../../../compiler/testing/laws/op-example.ts';

/** `dims`: [lhs_batch, rhs_batch, lhs_contracting, rhs_contracting]. */
function dot(signature: string, dims: readonly (readonly number[])[], options: ExampleOptions = {}): OpExample {
  const [lhs_batch, rhs_batch, lhs_contracting, rhs_contracting] = dims;
  const dtype = /-> (\w+)\[/.exec(signature)?.[1];
  return example('dot_general', signature, {
    ...options,
    attrs: { lhs_batch, rhs_batch, lhs_contracting, rhs_contracting, dtype, ...options.attrs },
  });
}

const big = (i: number): number => Math.imul(i + 1, 0x2f3b5a77);

const dots: readonly OpExample[] = [
  dot('(f32[4,6], f32[6,2]) -> f32[4,2]', [[], [], [1], [0]], { flops: 2 * 4 * 6 * 2 }),
  dot('(f32[6,4], f32[2,6]) -> f32[4,2]', [[], [], [0], [1]]),
  dot('(f32[2,4,6], f32[2,6,4]) -> f32[2,4,4]', [[0], [0], [2], [1]], { flops: 2 * 2 * 4 * 6 * 4 }),
  dot('(f32[4,2,6], f32[6,4,2]) -> f32[2]', [[1], [2], [0, 2], [1, 0]]),
  dot('(f32[4,2,6], f32[6,2,4,2]) -> f32[2,4,4,2]', [[1], [1], [2], [0]], {
    note: 'two free dims on the right',
  }),
  dot('(f32[6], f32[6]) -> f32[]', [[], [], [0], [0]]),
  dot('(f32[4], f32[6]) -> f32[4,6]', [[], [], [], []], { note: 'outer product', flops: 2 * 24 }),
  dot('(f32[4,1], f32[1,6]) -> f32[4,6]', [[], [], [1], [0]]),
  dot('(f32[4,0], f32[0,6]) -> f32[4,6]', [[], [], [1], [0]]),
  dot('(bf16[4,6], bf16[6,4]) -> bf16[4,4]', [[], [], [1], [0]]),
  dot('(bf16[4,6], bf16[6,4]) -> f32[4,4]', [[], [], [1], [0]], {
    attrs: { precision: '[DEFAULT, DEFAULT]' },
  }),
  dot('(i32[4,6], i32[6,2]) -> i32[4,2]', [[], [], [1], [0]]),
  dot('(i32[4,6], i32[6,2]) -> i32[4,2]', [[], [], [1], [0]], {
    inputs: { 0: big, 1: big },
    note: 'wrapping',
  }),
  dot('(i8[4,6], i8[6,2]) -> i32[4,2]', [[], [], [1], [0]]),
  dot('(i64[4,6], i64[6,2]) -> i64[4,2]', [[], [], [1], [0]]),
];

const reduce = (signature: string, dims: readonly number[], options: ExampleOptions): OpExample =>
  example('reduce', signature, { ...options, attrs: { dims } });

const monoids: readonly OpExample[] = (Object.keys(MONOID_OPS) as Monoid[]).flatMap((monoid) =>
  monoidTypes(monoid).map((dtype) =>
    reduce(`(${dtype}[4,6], ${dtype}[]) -> ${dtype}[4]`, [1], {
      regions: reducer(MONOID_OPS[monoid], dtype),
      inputs: { 1: identity(monoid, dtype) },
      note: monoid,
      flops: 24,
    }),
  ),
);

const from = (monoid: Monoid, dtype: DType, input?: (i: number) => number): ExampleOptions => ({
  regions: reducer(MONOID_OPS[monoid], dtype),
  inputs: { 1: identity(monoid, dtype), ...(input === undefined ? {} : { 0: input }) },
  note: monoid,
});

/** (value, index) pairs; the larger value wins, the smaller index on a tie. */
const argmax = (b: FuncBuilder): readonly Block[] => {
  const [f32, i32, pred] = [tensor('f32', []), tensor('i32', []), tensor('pred', [])];
  return [
    b.region(() => {
      const [v, i, w, j] = [b.param(f32), b.param(i32), b.param(f32), b.param(i32)];
      const compare = (direction: string, x: typeof v, y: typeof v) =>
        b.op('compare', [x, y], [pred], {}, { direction });
      const [more, same, before] = [...compare('GT', v, w), ...compare('EQ', v, w), ...compare('LT', i, j)];
      const tie = b.op('and', [same as typeof v, before as typeof v], [pred], {});
      const [first] = b.op('or', [more as typeof v, ...tie], [pred], {});
      const pick = (type: typeof f32, x: typeof v, y: typeof v) =>
        b.op('select', [first as typeof v, x, y], [type], {});
      returns(b, [...pick(f32, v, w), ...pick(i32, i, j)]);
    }),
  ];
};

const reduces: readonly OpExample[] = [
  ...monoids,
  reduce('(f32[4,6], f32[]) -> f32[6]', [0], from('sum', 'f32')),
  reduce('(f32[4,6], f32[]) -> f32[]', [0, 1], from('sum', 'f32')),
  reduce('(f32[4,2,6], f32[]) -> f32[2]', [2, 0], { ...from('sum', 'f32'), note: 'sum, dims out of order' }),
  reduce('(f32[4,6], f32[]) -> f32[4,6]', [], from('sum', 'f32')),
  reduce('(f32[4,0], f32[]) -> f32[4]', [1], from('max', 'f32')),
  reduce('(f32[4,1], f32[]) -> f32[4]', [1], from('sum', 'f32')),
  reduce('(f32[4,6], f32[]) -> f32[4]', [1], {
    ...from('max', 'f32', (i) => (i % 5 === 0 ? Number.NaN : i)),
    note: 'max with NaN',
  }),
  reduce('(i32[4,6], i32[]) -> i32[4]', [1], { ...from('sum', 'i32', big), note: 'sum, wrapping' }),
  reduce('(i32[4,6], i32[]) -> i32[4]', [1], {
    ...from('prod', 'i32', (i) => big(i) | 1),
    note: 'prod, wrapping',
  }),
  reduce('(u32[4,6], u32[]) -> u32[4]', [1], {
    ...from('max', 'u32', (i) => big(i) >>> 0),
    note: 'max, large',
  }),
  reduce('(f32[4,6], f32[]) -> f32[4]', [1], {
    regions: reducer('add', 'f32'),
    inputs: { 1: () => 3 },
    note: 'sum from 3',
    noPartials: 'every shard would start at 3',
  }),
  reduce('(f32[4,6], f32[]) -> f32[4]', [1], {
    regions: reducer('subtract', 'f32'),
    inputs: { 1: () => 0 },
    note: 'subtract: no monoid',
  }),
  reduce('(f32[4,6], i32[4,6], f32[], i32[]) -> (f32[4], i32[4])', [1], {
    regions: argmax,
    inputs: { 1: (i) => i % 6, 2: () => Number.NEGATIVE_INFINITY, 3: () => 0 },
    note: 'argmax',
    flops: 48,
  }),
];

export const contractionExamples: readonly OpExample[] = [...dots, ...reduces];
