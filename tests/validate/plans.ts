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

/** GiB per device of the same runs: weights and optimizer, activations without and with what the paper proposes (its figure 1). */
export const KORTHIKANTI_MEMORY = [
  ['22B', 45.6, 59.3, 9.6],
  ['175B', 45.6, 66.8, 12.4],
  ['530B', 31.6, 114.0, 23.1],
  ['1T', 33.0, 131.3, 26.6],
] as const;

/** Forward and backward of one layer, ms (its table 4), and what differs. */
export const LAYER_22B = [
  ['as it is', {}, 19.6],
  ['sequence parallel', { sequenceParallel: true }, 19.0],
  ['full recomputation', { recompute: 'full' }, 27.2],
  ['selective recomputation', { recompute: 'selective' }, 20.9],
  ['sequence parallel, selective', { recompute: 'selective', sequenceParallel: true }, 20.3],
] as const satisfies readonly (readonly [string, Partial<PlanInput>, number])[];

/**
 * arXiv:2204.02311, section 5: two pods of 3,072 chips with a copy each, 12-way model × 256-way fully sharded. Collectives
 * are waited for: how XLA overlaps them was published later (Wang et al., ASPLOS 2023).
 */
export const PALM_540B: PublishedPlan = {
  what: '540B, 12 × 256 in each of two pods, batch 2048',
  published: 17.6,
  plan: {
    model: {
      layers: 118,
      width: 18_432,
      heads: 48,
      kvHeads: 1,
      headSize: 256,
      ffn: 73_728,
      vocabulary: 256_008,
      sequence: 2048,
      activation: 'swiglu',
      bias: false,
      positions: 'rotary',
      parallelBlock: true,
    },
    batch: 2048,
    microbatch: 4,
    tp: 12,
    dp: 512,
    zero: 3,
    zeroGroup: 256,
    featureParallel: true,
    recompute: 'full',
    gradients: 'bf16',
    optimizer: 'sgd',
    overlap: { tensor: false },
    machine: 'tpu-v4',
  },
};

/** arXiv:2006.16668: 36 layers, every second one of experts, an expert and 2,048 tokens per core. */
export const gshard = (cores: number): PlanInput => ({
  model: {
    layers: 36,
    width: 1024,
    heads: 16,
    headSize: 128,
    ffn: 8192,
    vocabulary: 32_000,
    sequence: 1024,
    activation: 'relu',
    bias: false,
    positions: 'none',
    experts: { count: cores, top: 2, capacity: 1, every: 2 },
  },
  batch: 2 * cores,
  microbatch: 2,
  dp: cores,
  ep: cores,
  recompute: 'full',
  dtype: 'f32',
  optimizer: 'sgd',
  machine: 'tpu-v3-core',
});

interface Sweep {
  readonly what: string;
  readonly gpus: number;
  readonly batch: number;
  readonly heads: number;
  readonly width: number;
  readonly layers: number;
  /** t/d/p/microbatch and seconds. */
  readonly runs: readonly (readonly [t: number, d: number, p: number, microbatch: number, seconds: number])[];
}

/** VIA-Research/vTrain, data/ground_truth_multi.csv: Megatron-DeepSpeed on A100, 100 GB/s a node. */
export const VTRAIN: readonly Sweep[] = [
  {
    what: '3.6B',
    gpus: 64,
    batch: 512,
    heads: 32,
    width: 3072,
    layers: 30,
    runs: [
      [1, 64, 1, 8, 3.57],
      [1, 64, 1, 4, 3.64],
      [1, 64, 1, 2, 3.7],
      [2, 32, 1, 16, 3.94],
      [2, 32, 1, 8, 3.98],
      [1, 32, 2, 2, 4.03],
      [2, 32, 1, 2, 4.26],
      [1, 32, 2, 4, 4.38],
      [4, 16, 1, 16, 4.49],
      [4, 16, 1, 4, 4.76],
      [8, 8, 1, 32, 4.97],
      [1, 32, 2, 8, 5.05],
      [8, 8, 1, 4, 5.62],
      [4, 16, 1, 2, 6.23],
      [8, 8, 1, 2, 8.88],
      [16, 4, 1, 32, 10.58],
      [16, 4, 1, 4, 11.96],
      [16, 4, 1, 2, 13.47],
    ],
  },
  {
    what: '18.4B',
    gpus: 256,
    batch: 1024,
    heads: 48,
    width: 6144,
    layers: 40,
    runs: [
      [8, 32, 1, 8, 9.6],
      [8, 32, 1, 4, 9.93],
      [4, 32, 2, 2, 10.03],
      [8, 16, 2, 2, 10.43],
      [8, 32, 1, 2, 10.45],
      [8, 32, 1, 16, 10.51],
      [2, 32, 4, 4, 10.83],
      [4, 32, 2, 8, 10.86],
      [8, 8, 4, 2, 10.93],
      [4, 32, 2, 4, 10.95],
      [8, 4, 8, 8, 11.03],
      [1, 32, 8, 4, 12.38],
      [2, 16, 8, 8, 13.16],
      [8, 4, 8, 32, 16.24],
      [16, 16, 1, 2, 20.41],
    ],
  },
];

export const vtrain = (
  { heads, width, layers, batch }: Sweep,
  [tp, dp, pp, microbatch]: Sweep['runs'][number],
): PlanInput => ({
  model: { ...gpt(heads, width, layers), vocabulary: 128 * tp * Math.ceil(50_257 / (128 * tp)) },
  batch,
  microbatch,
  tp,
  dp,
  pp,
  recompute: 'full',
  dtype: 'f16',
  gradients: 'f16',
  eager: true,
  machine: 'a100',
});
