/** GSPMD's dense models, by the whole compiler: lowered by JAX, partitioned, scheduled and priced by us. */
import { execFileSync } from 'node:child_process';
import { compile, importStablehlo, overrideMesh, registry } from '../../compiler/index.ts';
import type { Module } from '../../ir/program.ts';
import { paceOn } from '../../runtime-sim/cost/pace.ts';
import { costOf } from '../../runtime-sim/cost/report.ts';
import type { Machine } from '../../runtime-sim/machine/machine.ts';
import { once } from './once.ts';
import type { Row } from './row.ts';

/** L, d_model, d_ff, heads, mesh, batch, step seconds of arXiv:2105.04663, table 2 (recalled). */
const MODELS = [
  [32, 8192, 65536, 128, '8x16', 64, 5.74],
  [32, 8192, 65536, 128, '16x32', 256, 6.25],
  [32, 8192, 65536, 128, '32x64', 1024, 6.3],
  [64, 8192, 65536, 128, '32x64', 512, 6.31],
  [128, 8192, 65536, 128, '32x64', 256, 6.71],
  [256, 8192, 65536, 128, '32x64', 128, 7.64],
  [128, 16384, 131072, 256, '32x64', 128, 12.66],
] as const;
const PYTHON = '.venv/bin/python';
type Dense = (typeof MODELS)[number];

const lowered = once(([layers, model, ffn, heads, mesh, batch]: Dense): Module => {
  const args = ['tests/validate/gspmd.py', ...[layers, model, ffn, heads, batch].map(String)];
  const text = execFileSync(PYTHON, args, { encoding: 'utf8', maxBuffer: 2 ** 28 });
  return overrideMesh(importStablehlo({ file: 'gspmd.mlir', text }), mesh);
});

const stepSeconds = once((of: Dense, on: Machine): number => {
  const { module } = compile(lowered(of), { pace: paceOn(on, registry) });
  return costOf(module, registry, on).stepSeconds;
});

export function gspmdRows(): Row[] {
  const row = { chip: 'tpu-v3-core', unit: 's', tolerance: 0.15, needs: PYTHON };
  const steps = MODELS.map((of): Row => {
    const [layers, model, ffn, , mesh, batch, published] = of;
    const what = `L${layers} M${model} F${ffn}, ${mesh}, batch ${batch}`;
    return { ...row, set: 'GSPMD dense (table 2, recalled)', what, published, predict: (on) => stepSeconds(of, on) };
  });
  const compare = (what: string, a: Dense, b: Dense): Row => ({
    ...row,
    set: 'GSPMD dense, shape',
    unit: '×',
    tolerance: 0.1,
    what,
    published: a[6] / b[6],
    predict: (on) => stepSeconds(a, on) / stepSeconds(b, on),
  });
  return [
    ...steps,
    compare('64B: step on 2,048 cores over 128, work per core the same', MODELS[2], MODELS[0]),
    compare('step of 512B, deep and narrow, over that of 1T, wide (half the work)', MODELS[5], MODELS[6]),
  ];
}
