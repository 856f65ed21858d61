/** Published training runs as plans: what the papers state, and nothing fitted to a row. */
import type { z } from 'zod';
import type { descriptionSchema } from '../../compiler/plan/description.ts';

export type PlanInput = z.input<typeof descriptionSchema>;

/** Megatron's GPT: sequences of 2,048, a vocabulary of 51,200, dropout. */
const gpt = (heads: number, width: number, layers: number): PlanInput['model'] => ({
  layers,
  width,
  heads,
  ffn: 4 * width,
  vocabulary: 51_200,
  sequence: 2048,
  dropout: true,
});

export interface PublishedPlan {
  readonly what: string;
  readonly plan: PlanInput;
  readonly published: number;
}

/** arXiv:2104.04473, table 1 (microbatches and chunks from the repository's examples/sc21): full recomputation, fp16. */
export const MEGATRON_TABLE_1: readonly PublishedPlan[] = (
  [
    ['1.7B', 24, 2304, 24, 1, 1, 32, 512, 16, 1, 3.53],
    ['3.6B', 32, 3072, 30, 2, 1, 64, 512, 16, 1, 3.7],
    ['7.5B', 32, 4096, 36, 4, 1, 128, 512, 16, 1, 3.7],
    ['18.4B', 48, 6144, 40, 8, 1, 256, 1024, 8, 1, 9.4],
    ['39.1B', 64, 8192, 48, 8, 2, 512, 1536, 4, 1, 14.45],
    ['76.1B', 80, 10_240, 60, 8, 4, 1024, 1792, 2, 3, 16.06],
    ['145.6B', 96, 12_288, 80, 8, 8, 1536, 2304, 2, 2, 24.82],
    ['310.1B', 128, 16_384, 96, 8, 16, 1920, 2160, 1, 2, 37.61],
    ['529.6B', 128, 20_480, 105, 8, 35, 2520, 2520, 1, 3, 54.08],
    ['1008.0B', 160, 25_600, 128, 8, 64, 3072, 3072, 1, 2, 102.6],
  ] as const
).map(([name, heads, width, layers, tp, pp, gpus, batch, microbatch, virtual, published]) => ({
  what: `${name}, tp ${tp}, pp ${pp}${virtual > 1 ? ` × ${virtual}` : ''}, ${gpus} GPUs, batch ${batch}`,
  published,
  plan: {
    model: gpt(heads, width, layers),
    batch,
    microbatch,
    tp,
    pp,
    virtual,
    dp: gpus / (tp * pp),
    recompute: 'full',
    dtype: 'f16',
    gradients: 'f16',
    eager: true,
    machine: 'a100',
  },
}));

/** arXiv:2205.05198, table 5: full recomputation, and selective with sequence parallelism; gradients of inputs sent beside products. */
export const KORTHIKANTI: readonly PublishedPlan[] = (
  [
    ['22B', 64, 6144, 48, 1, 1, 4, 4, 1.42, 1.1],
    ['175B', 96, 12_288, 96, 8, 3, 64, 1, 18.13, 13.75],
    ['530B', 128, 20_480, 105, 35, 3, 280, 1, 49.05, 37.83],
    ['1T', 160, 25_600, 128, 64, 1, 512, 1, 94.42, 71.49],
  ] as const
).flatMap(([name, heads, width, layers, pp, virtual, batch, microbatch, full, selective]) =>
  (['full', 'selective'] as const).map((recompute) => ({
    what: `${name}, tp 8, pp ${pp}${virtual > 1 ? ` × ${virtual}` : ''}, ${recompute === 'full' ? 'full' : 'sequence parallel, selective'}`,
    published: recompute === 'full' ? full : selective,
    plan: {
      model: gpt(heads, width, layers),
      batch,
      microbatch,
      tp: 8,
      pp,
      virtual,
      recompute,
      sequenceParallel: recompute === 'selective',
      dtype: 'f16',
      eager: true,
      fusedAccumulation: true,
      overlap: { tensor: true },
      machine: 'a100',
    } satisfies PlanInput,
  })),
);
