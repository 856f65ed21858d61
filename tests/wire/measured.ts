/** Programs beside XLA's figures for them: tests/wire/fixtures as JAX lowers them, and what XLA's partitioner makes of each. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { axesIndex, deviceCount } from '../../ir/mesh.ts';
import { mainFunction, meshOf, type Module } from '../../ir/program.ts';
import { compile, type Compiled, importStablehlo, machine, makeReport } from '../../compiler/index.ts';

export const FIXTURES: string = join(import.meta.dirname, 'fixtures');

/** Of one device and one step. */
export interface Figures {
  /** On the wire, ring algorithms. */
  readonly bytes: number;
  /** Of dots and convolutions. */
  readonly flops: number;
  readonly count: Readonly<Record<string, number>>;
  /** Per result the tile that each device holds, a digit per dim; empty where all hold it whole. */
  readonly results: readonly string[];
}

/** XLA's, by program, of a folder that has them. */
export const figuresIn = (folder: string): Readonly<Record<string, Figures>> =>
  JSON.parse(readFileSync(join(folder, 'figures.json'), 'utf8')) as Record<string, Figures>;

export const XLA: Readonly<Record<string, Figures>> = figuresIn(import.meta.dirname);

const fileOf = (name: string): string => join(FIXTURES, `${name}.mlir`);

export const textOf = (name: string): string => readFileSync(fileOf(name), 'utf8');

export const compiled = (name: string): Compiled => compiledFile(fileOf(name));

export const compiledFile = (file: string): Compiled =>
  compile(importStablehlo({ file, text: readFileSync(file, 'utf8') }));

export function figuresOf(program: Compiled): Figures {
  const { report, cost } = makeReport(program, machine('tpu-v5e'), {
    mode: 'off',
    devices: 8,
    maxRelError: null,
    verdict: 'not run',
  });
  const count = Object.fromEntries(Object.entries(report.collectives).map(([kind, c]) => [kind, c.count]));
  return { bytes: report.wireBytes, flops: cost.matrixFlops, count, results: tiles(program.module) };
}

function tiles(module: Module): string[] {
  return mainFunction(module).resultLayouts.map((layout) => {
    if (layout === undefined || layout.dims.every((d) => d.axes.length === 0)) return '';
    const mesh = meshOf(module, layout.mesh);
    return Array.from({ length: deviceCount(mesh) }, (_, device) =>
      layout.dims.map(({ axes }) => axesIndex(mesh, axes, device)).join(''),
    ).join(' ');
  });
}

/** Where XLA still moves or computes less, or where an op is missing. `npm run wire` fails on a loss that is not listed. */
const KNOWN_LOSSES: readonly RegExp[] = [
  // XLA makes small dots into elementwise ops before its figures count them; ours too, when they run there: equal.
  /^(bags\.rows|depths\.tp|gat\.heads|lstm\.features|word2vec\.rows)-2x4\.grad$/,
  /^(gat\.edges-8\.grad|linear-attention\.)/,
  // Keys and values of two rounds are the same, and XLA merges them after it has partitioned; ours too, when they run there.
  /^perceiver\./,
];

export const isKnownLoss = (name: string): boolean => KNOWN_LOSSES.some((l) => l.test(name));
