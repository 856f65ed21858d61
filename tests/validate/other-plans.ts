/**
 * Published training runs that nothing was fitted to and no structure was chosen by: plans as their sources state them. A
 * figure is seconds per step or model TFLOP/s per device by the source's own count of flops, made seconds here.
 */
import type { Cluster } from './cluster.ts';
import type { PlanInput } from './plans.ts';

export interface OtherPlan {
  readonly source: string;
  readonly what: string;
  readonly plan: PlanInput;
  /** Seconds per step; or TFLOP/s per device of the model's products (attention whole), or with what is computed again. */
  readonly published: number;
  readonly unit: 's' | 'TFLOP/s' | 'TFLOP/s, all';
  /** What the cluster has other than the preset. */
  readonly cluster?: Cluster;
}

/** Megatron's GPT of 2021, as in plans.ts: op by op, all recomputed. */
const gpt = (layers: number, width: number, heads: number, vocabulary: number): PlanInput['model'] => ({
  layers,
  width,
  heads,
  ffn: 4 * width,
  vocabulary,
  sequence: 2048,
  dropout: true,
});
const MEGATRON = { recompute: 'full', dtype: 'f16', gradients: 'f16', eager: true, machine: 'a100' } as const;

/** arXiv:2201.11990, section 2.4: each replica on 280 GPUs. */
const MT_NLG: OtherPlan[] = [
  [2240, 60.1],
  [2800, 50.2],
  [3360, 44.4],
].map(([gpus = 0, published = 0]) => ({
  source: 'arXiv:2201.11990, 2.4',
  what: `MT-NLG 530B, tp 8, pp 35, ${gpus} × A100, batch 1920`,
  unit: 's',
  published,
  plan: {
    model: { ...gpt(105, 20_480, 128, 51_200), dropout: false },
    batch: 1920,
    microbatch: 1,
    tp: 8,
    pp: 35,
    dp: gpus / 280,
    ...MEGATRON,
  },
}));

/** arXiv:2104.04473, table 2: without interleaving, a sequence a microbatch. */
const PTD_P: OtherPlan[] = (
  [
    ['175B', gpt(96, 12_288, 96, 51_200), 12, 384, 1536, 153],
    ['175B', gpt(96, 12_288, 96, 51_200), 12, 768, 1536, 149],
    ['175B', gpt(96, 12_288, 96, 51_200), 12, 1536, 1536, 141],
    ['530B', gpt(105, 20_480, 128, 51_200), 35, 560, 2240, 171],
    ['530B', gpt(105, 20_480, 128, 51_200), 35, 1120, 2240, 167],
    ['530B', gpt(105, 20_480, 128, 51_200), 35, 2240, 2240, 159],
  ] as const
).map(([name, model, pp, gpus, batch, published]) => ({
  source: 'arXiv:2104.04473, table 2',
  what: `${name}, tp 8, pp ${pp}, ${gpus} × A100, batch ${batch}`,
  unit: 'TFLOP/s, all',
  published,
  plan: { model, batch, microbatch: 1, tp: 8, pp, dp: gpus / (8 * pp), ...MEGATRON },
}));

/** arXiv:2211.05100, 3.4: bf16, ALiBi (as cheap as no positions), gradients in f32, optimizer split; four links of 100 Gb/s a node. */
const BLOOM: OtherPlan = {
  source: 'arXiv:2211.05100, 3.4',
  what: 'BLOOM 176B, tp 4, pp 12, 384 × A100, batch 2048',
  unit: 'TFLOP/s, all',
  published: 150,
  cluster: { nodeBandwidth: 50e9 },
  plan: {
    model: { ...gpt(70, 14_336, 112, 250_880), positions: 'none', dropout: false },
    batch: 2048,
    microbatch: 2,
    tp: 4,
    pp: 12,
    dp: 8,
    zero: 1,
    ...MEGATRON,
    dtype: 'bf16',
    gradients: 'f32',
    machine: 'a100',
  },
};

/**
 * arXiv:2204.06745, 2.3 and 3, and configs/20B.yml: attention beside feed-forward, rotary, 4 sequences a microbatch and 32
 * microbatches; A100 of 40 GB (1.555 TB/s by its datasheet), four cards of 200 Gb/s a node.
 */
const NEOX: OtherPlan = {
  source: 'arXiv:2204.06745, 3',
  what: 'GPT-NeoX 20B, tp 2, pp 4, 96 × A100, batch 1536',
  unit: 'TFLOP/s, all',
  published: 117,
  cluster: { nodeBandwidth: 100e9, memory: { bytes: 40e9, bandwidth: 1.555e12 } },
  plan: {
    model: { ...gpt(44, 6144, 64, 50_432), positions: 'rotary', parallelBlock: true, dropout: false },
    batch: 1536,
    microbatch: 4,
    tp: 2,
    pp: 4,
    dp: 12,
    zero: 1,
    ...MEGATRON,
  },
};

/** arXiv:2407.21783, table 4: 126 layers, a chunk of one layer each, first and last with the vocabulary only. */
const LLAMA_405B: OtherPlan[] = [
  [8192, 430, 2048],
  [16_384, 400, 2048],
].map(([gpus = 0, published = 0, batch = 0]) => ({
  source: 'arXiv:2407.21783, table 4',
  what: `Llama 3 405B, tp 8, pp 16 × 8, ${gpus} × H100, batch ${batch} × 8192`,
  unit: 'TFLOP/s',
  published,
  plan: {
    model: {
      layers: 126,
      width: 16_384,
      heads: 128,
      kvHeads: 8,
      ffn: 53_248,
      vocabulary: 128_256,
      sequence: 8192,
      activation: 'swiglu',
      norm: 'rms',
      positions: 'rotary',
      bias: false,
      fusedAttention: true,
    },
    batch,
    microbatch: 1,
    tp: 8,
    pp: 16,
    virtual: 8,
    dp: gpus / 128,
    zero: 1,
    sequenceParallel: true,
    eager: true,
    fusedAccumulation: true,
    overlap: { sends: true, gradients: true },
    machine: 'h100',
  },
}));

/**
 * NVIDIA/Megatron-LM, README: sequences of 4,096, a vocabulary of 131,072, 48 replicas, optimizer split, sums and sends beside
 * computing. Microbatches are not stated, nor chunks of the pipeline: one sequence, and one layer to two.
 */
const MEGATRON_CORE: OtherPlan[] = (
  [
    ['1.7B', 16, 2048, 24, 1, 1, 1, 192, 408.8],
    ['7.1B', 32, 4096, 30, 2, 1, 1, 192, 465.9],
    ['16B', 48, 6144, 32, 4, 1, 1, 192, 489.1],
    ['32B', 56, 7168, 48, 8, 1, 1, 192, 459.6],
    ['70B', 64, 8192, 84, 8, 2, 21, 384, 419.7],
    ['119B', 80, 10_240, 92, 8, 4, 23, 768, 420.5],
    ['177B', 96, 12_288, 96, 8, 6, 16, 1152, 432.8],
    ['314B', 128, 16_384, 96, 8, 8, 12, 1536, 474.4],
    ['462B', 144, 18_432, 112, 8, 16, 7, 3072, 459.9],
  ] as const
).map(([name, heads, width, layers, tp, pp, virtual, batch, published]) => ({
  source: 'Megatron-LM README',
  what: `${name}, tp ${tp}, pp ${pp}${virtual > 1 ? ` × ${virtual}` : ''}, ${48 * tp * pp} × H100, batch ${batch}`,
  unit: 'TFLOP/s',
  published,
  plan: {
    model: { layers, width, heads, ffn: 4 * width, vocabulary: 131_072, sequence: 4096, fusedAttention: true },
    batch,
    microbatch: 1,
    tp,
    pp,
    virtual,
    dp: 48,
    zero: 1,
    sequenceParallel: tp > 1,
    eager: true,
    fusedAccumulation: true,
    overlap: { sends: true, gradients: true, tensor: true },
    machine: 'h100',
  },
}));

/** MaxText's own family: SwiGLU, head size 128, vocabulary 32,000, sequences of 2,048, attention in one kernel. */
const maxtext = (layers: number, width: number, ffn: number, heads: number): PlanInput['model'] => ({
  layers,
  width,
  heads,
  headSize: 128,
  ffn,
  vocabulary: 32_000,
  sequence: 2048,
  activation: 'swiglu',
  norm: 'rms',
  positions: 'rotary',
  bias: false,
  fusedAttention: true,
});

/** AI-Hypercomputer/maxtext, configs/v5p: fully sharded data × tensor; `minimal` keeps products, else all is recomputed. */
const MAXTEXT_V5P: OtherPlan[] = (
  [
    ['32B', maxtext(32, 8192, 28_672, 64), 64, 4, 7, 'selective', 328],
    ['64B', maxtext(64, 8192, 28_672, 64), 64, 4, 3, 'selective', 323],
    ['128B', maxtext(64, 8192, 57_344, 128), 128, 8, 1, 'selective', 315],
    ['128B', maxtext(64, 8192, 57_344, 128), 256, 8, 1, 'selective', 316],
    ['256B', maxtext(64, 16_384, 57_344, 128), 512, 8, 1, 'selective', 308],
    ['512B', maxtext(128, 16_384, 57_344, 128), 512, 8, 2, 'full', 294],
  ] as const
).map(([name, model, chips, tp, each, recompute, published]) => ({
  source: 'MaxText, configs/v5p',
  what: `${name}, tp ${tp}, fully sharded × ${chips / tp}, ${chips} × v5p, ${each} a chip`,
  unit: 'TFLOP/s',
  published,
  plan: {
    model,
    batch: each * chips,
    microbatch: each * tp,
    tp,
    dp: chips / tp,
    zero: 3,
    featureParallel: true,
    recompute,
    machine: 'tpu-v5p',
  },
}));

/** AI-Hypercomputer/maxtext, configs/v4: fully sharded, all recomputed; the scripts ask for no attention kernel. */
const MAXTEXT_V4: OtherPlan[] = (
  [
    ['22B', 48, 6144, 24_576, 24, 64, 13, 0.567],
    ['52B', 32, 12_288, 49_152, 32, 192, 7, 0.56],
  ] as const
).map(([name, layers, width, ffn, heads, chips, each, share]) => ({
  source: 'MaxText, configs/v4',
  what: `${name}, fully sharded × ${chips}, ${chips} × v4, ${each} a chip`,
  unit: 'TFLOP/s',
  published: 275 * share,
  plan: {
    model: { ...maxtext(layers, width, ffn, heads), headSize: 256, fusedAttention: false },
    batch: each * chips,
    microbatch: each,
    dp: chips,
    zero: 3,
    recompute: 'full',
    machine: 'tpu-v4',
  },
}));

/** google/paxml, lm_cloud.py: GELU, sequences of 1,024, all recomputed. */
const PAX: OtherPlan[] = (
  [
    ['16B', 36, 6144, 16, 2, 16, 42.5],
    ['32B', 40, 8192, 16, 4, 8, 42.4],
    ['128B', 71, 12_288, 64, 4, 4, 48.6],
    ['256B', 80, 16_384, 64, 8, 4, 53.2],
    ['512B', 102, 20_480, 64, 16, 4, 49.0],
    ['1024B', 142, 24_576, 256, 8, 2, 53.6],
  ] as const
).map(([name, layers, width, data, tp, each, share]) => ({
  source: 'paxml, lm_cloud.py',
  what: `${name}, tp ${tp}, fully sharded × ${data}, ${data * tp} × v4, ${each} a chip`,
  unit: 'TFLOP/s',
  published: 2.75 * share,
  plan: {
    model: { layers, width, heads: width / 128, ffn: 4 * width, vocabulary: 51_200, sequence: 1024 },
    batch: each * data * tp,
    microbatch: each * tp,
    tp,
    dp: data,
    zero: 3,
    featureParallel: true,
    recompute: 'full',
    machine: 'tpu-v4',
  },
}));

export const OTHER_PLANS: readonly OtherPlan[] = [
  ...PTD_P,
  ...MT_NLG,
  BLOOM,
  NEOX,
  ...LLAMA_405B,
  ...MEGATRON_CORE,
  ...MAXTEXT_V5P,
  ...MAXTEXT_V4,
  ...PAX,
];
