/** Matrix products of one op, TFLOP/s. */
import { registry } from '../../compiler/index.ts';
import { tensor } from '../../ir/types.ts';
import { opCost } from '../../runtime-sim/cost/op-cost.ts';
import type { Row } from './row.ts';

/** n × n × n, of one of a chip's `parts`. */
function productRow(chip: string, set: string, n: number, published: number, parts: number): Row {
  const type = tensor('bf16', [n, n]);
  const attrs = { lhs_batch: [], rhs_batch: [], lhs_contracting: [1], rhs_contracting: [0], dtype: 'bf16' };
  const view = { kind: 'dot_general', attrs, operands: [type, type], results: [type], regions: [] };
  const row = { set, what: `${n}³ bf16`, chip, unit: 'TFLOP/s', published, tolerance: 0.25 };
  // A part has its share of the chip's rate and memory: the chip does `parts` products in the same time.
  return {
    ...row,
    predict: (on) => {
      const { compute, memory } = on;
      const part = {
        ...on,
        compute: {
          ...compute,
          peakFlops: { ...compute.peakFlops, bf16: (compute.peakFlops.bf16 ?? compute.peakFlops.f32) / parts },
        },
        memory: { ...memory, bandwidth: memory.bandwidth / parts },
      };
      return (2 * n ** 3) / opCost(view, 3 * n * n * 2, false, registry, part).seconds / 1e12;
    },
  };
}

const PER_HALF = 'tpu-recipes, matrix product per half chip';

export const productRows = (): Row[] => [
  productRow('tpu-v6e', 'tpu-recipes, matrix product', 8192, 827, 1),
  productRow('tpu7x', PER_HALF, 512, 105, 2),
  productRow('tpu7x', PER_HALF, 1024, 350, 2),
  productRow('tpu7x', PER_HALF, 2048, 679, 2),
  productRow('tpu7x', PER_HALF, 4096, 893, 2),
  productRow('tpu7x', PER_HALF, 16384, 950, 2),
  productRow('tpu7x', PER_HALF, 32768, 956, 2),
];
