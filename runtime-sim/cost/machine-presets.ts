/**
 * Published machines. TPU rows: jax-ml/scaling-book's chip table; v3 rows: 123 TF per chip = 61.5 TF per core (the
 * LaMDA paper; GSPMD's utilisations close only with it), 4 links × 70 GB/s (ISCA'23). Link efficiency 0.94 and 1.6 µs
 * per hop fit the book's measured v5e ring. GPU rows: the book's GPU chapter; latencies and efficiencies fit NCCL
 * all-reduce curves on 8 devices (A100: VIA-Research/vTrain; H100: the book).
 */
import type { Machine, Torus } from './machine.ts';

const GB = 1e9;
const GiB = 2 ** 30;

interface TpuRow {
  readonly bf16: number;
  readonly int8: number;
  readonly hbmGiB: number;
  readonly hbmBandwidth: number;
  /** Bytes/s of one ring, both directions. */
  readonly ring: number;
  readonly dims: Torus['dims'];
  readonly wrapMultiple: number;
  readonly tile: number;
}

/** Default precision on TPU multiplies f32 as bf16, so f32 has bf16's rate. */
const tpu = (name: string, row: TpuRow, source = 'jax-ml/scaling-book'): Machine => ({
  name,
  source,
  peakFlops: { f32: row.bf16, bf16: row.bf16, i8: row.int8, u8: row.int8 },
  flopsEfficiency: 0.9,
  tile: row.tile,
  hbmBytes: row.hbmGiB * GiB,
  hbmBandwidth: row.hbmBandwidth,
  hbmEfficiency: 0.85,
  network: {
    kind: 'torus',
    axisBandwidth: row.ring,
    dims: row.dims,
    wrapMultiple: row.wrapMultiple,
    efficiency: 0.94,
    hopLatency: 1.6e-6,
  },
});

interface GpuRow {
  readonly f32: number;
  readonly half: number;
  readonly f8: number;
  readonly memory: number;
  readonly hbmBandwidth: number;
  readonly nvlink: number;
  readonly node: number;
  readonly efficiency: number;
  readonly hopLatency: number;
}

const gpu = (name: string, row: GpuRow): Machine => ({
  name,
  source: 'jax-ml/scaling-book, GPU chapter',
  peakFlops: { f32: row.f32, bf16: row.half, f16: row.half, f8e4m3fn: row.f8, f8e5m2: row.f8 },
  flopsEfficiency: 0.85,
  tile: 128,
  hbmBytes: row.memory,
  hbmBandwidth: row.hbmBandwidth,
  hbmEfficiency: 0.9,
  network: {
    kind: 'switch',
    nodeSize: 8,
    deviceBandwidth: row.nvlink,
    nodeBandwidth: row.node,
    efficiency: row.efficiency,
    startLatency: 3e-5,
    hopLatency: row.hopLatency,
  },
});

const rows: readonly Machine[] = [
  tpu(
    'tpu-v3',
    {
      bf16: 123e12,
      int8: 123e12,
      hbmGiB: 32,
      hbmBandwidth: 900 * GB,
      ring: 140 * GB,
      dims: 2,
      wrapMultiple: 32,
      tile: 128,
    },
    'LaMDA paper, ISCA 2023',
  ),
  tpu(
    'tpu-v3-core',
    {
      bf16: 61.5e12,
      int8: 61.5e12,
      hbmGiB: 16,
      hbmBandwidth: 450 * GB,
      ring: 70 * GB,
      dims: 2,
      wrapMultiple: 32,
      tile: 128,
    },
    'LaMDA paper, ISCA 2023',
  ),
  tpu('tpu-v4', {
    bf16: 275e12,
    int8: 275e12,
    hbmGiB: 32,
    hbmBandwidth: 1200 * GB,
    ring: 90 * GB,
    dims: 3,
    wrapMultiple: 4,
    tile: 128,
  }),
  tpu('tpu-v5e', {
    bf16: 197e12,
    int8: 394e12,
    hbmGiB: 16,
    hbmBandwidth: 820 * GB,
    ring: 90 * GB,
    dims: 2,
    wrapMultiple: 16,
    tile: 128,
  }),
  tpu('tpu-v5p', {
    bf16: 459e12,
    int8: 918e12,
    hbmGiB: 96,
    hbmBandwidth: 2800 * GB,
    ring: 180 * GB,
    dims: 3,
    wrapMultiple: 4,
    tile: 128,
  }),
  tpu('tpu-v6e', {
    bf16: 920e12,
    int8: 1840e12,
    hbmGiB: 32,
    hbmBandwidth: 1600 * GB,
    ring: 180 * GB,
    dims: 2,
    wrapMultiple: 16,
    tile: 256,
  }),
  gpu('a100', {
    f32: 156e12,
    half: 312e12,
    f8: 312e12,
    memory: 80 * GB,
    hbmBandwidth: 2000 * GB,
    nvlink: 300 * GB,
    node: 200 * GB,
    efficiency: 0.76,
    hopLatency: 4e-6,
  }),
  gpu('h100', {
    f32: 495e12,
    half: 990e12,
    f8: 1980e12,
    memory: 80 * GB,
    hbmBandwidth: 3400 * GB,
    nvlink: 450 * GB,
    node: 400 * GB,
    efficiency: 0.82,
    hopLatency: 8e-6,
  }),
];

export const MACHINES: Readonly<Record<string, Machine>> = Object.fromEntries(rows.map((m) => [m.name, m]));
