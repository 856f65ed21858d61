/**
 * `npm run bench`: how long compiling takes, as ratios within one run, for absolute times are noise.
 * With ../shared/tools at hand, XLA's own two passes are timed beside ours on the 96-layer module (minutes).
 */
import { execFileSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { compile, importStablehlo, type Module, overrideMesh, parseTir, printTir } from '../../compiler/index.ts';
import { edit } from '../../ir/edit-convert.ts';
import { registry } from '../../ir/ops/index.ts';
import { printSdy } from '../../ir/stablehlo/print-sdy.ts';
import { runSdyPasses } from '../../passes/shardy/pipeline.ts';
import { chain } from './chain.ts';
import { unrolledTransformer } from './unrolled.ts';

const REPEATS = 3;

/** Least of a few runs, ms: what disturbs only ever adds. */
function least(run: () => void): number {
  const times = Array.from({ length: REPEATS }, () => {
    const start = performance.now();
    run();
    return performance.now() - start;
  });
  return Math.min(...times);
}

const rows: string[][] = [];
const row = (what: string, ms: number, beside = ''): void => {
  rows.push([what, `${ms.toFixed(0)} ms`, beside]);
};

const sizes = { layers: 96, batch: 64, sequence: 2048, features: 4096, heads: 64, hidden: 16384 };
const text = unrolledTransformer({ ...sizes, mesh: 'x=32, y=64' });
const module = parseTir({ file: 'unrolled.tir', text });
const canonical = printTir(module);
const ops = canonical.split('\n').length;

row(
  `parse .tir as written (${text.split('\n').length} lines)`,
  least(() => {
    parseTir({ file: 'unrolled.tir', text });
  }),
);
row(
  `print, ${ops} lines`,
  least(() => {
    printTir(module);
  }),
);
row(
  `parse what was printed, ${ops} lines`,
  least(() => {
    parseTir({ file: 'canonical.tir', text: canonical });
  }),
);

const [large, small] = passes(module, overrideMesh(module, '2x4')) as [Times, Times];
row('split-constants … localize, 2,048 devices', total(large), perPass(large));
row(
  'split-constants … localize, 8 devices',
  total(small),
  `${perPass(small)}; 2,048 / 8 devices = ${(total(large) / total(small)).toFixed(2)}`,
);

const [tenth, whole] = [10_000, 100_000].map((length) => propagated(chain(length))) as [number, number];
row('sdy-opt: propagation of a chain of 10,000 ops', tenth);
row('sdy-opt: of 100,000', whole, `${(whole / tenth).toFixed(1)} times that of 10,000`);

const gpt3 = '../shared/corpus/gpt3_unrolled_96_layers.mlir';
if (existsSync(gpt3)) {
  const source = { file: gpt3, text: readFileSync(gpt3, 'utf8') };
  row(
    'gpt3_unrolled_96_layers: parse StableHLO',
    least(() => {
      importStablehlo(source);
    }),
  );
  row('gpt3_unrolled_96_layers: sdy-opt, parse to print', propagated(source.text));
  const [ours] = passes(importStablehlo(source)) as [Times];
  row(
    'gpt3_unrolled_96_layers: split-constants … localize',
    total(ours),
    `${perPass(ours)}${process.argv.includes('--xla') ? besideXla(total(ours)) : ''}`,
  );
}

const widths = [0, 1].map((c) => Math.max(...rows.map((r) => (r[c] as string).length)));
for (const [what = '', time = '', beside = ''] of rows)
  console.log(`${what.padEnd(widths[0] ?? 0)}  ${time.padStart(widths[1] ?? 0)}  ${beside}`);

type Times = ReadonlyMap<string, number>;

/** Parsing, Shardy's pipeline and printing. */
function propagated(text: string): number {
  return least(() => {
    const program = edit(importStablehlo({ file: 'bench.mlir', text }, { asWritten: true }));
    runSdyPasses(program, ['-sdy-propagation-pipeline'], registry, () => {});
    printSdy(program);
  });
}

/** Least time of each pass over a few runs, the programs by turns after one run of each to warm up. */
function passes(...sources: readonly Module[]): Times[] {
  for (const source of sources) compile(source);
  const best = sources.map(() => new Map<string, number>());
  for (let i = 0; i < 5; i++) {
    sources.forEach((source, at) => {
      const times = best[at] as Map<string, number>;
      for (const { name, ms } of compile(source).passes)
        times.set(name, Math.min(times.get(name) ?? Number.POSITIVE_INFINITY, ms));
    });
  }
  return best;
}

function total(times: Times): number {
  return [...times.values()].reduce((a, b) => a + b, 0);
}

function perPass(times: Times): string {
  return [...times].map(([name, ms]) => `${name} ${ms.toFixed(0)}`).join(', ');
}

function besideXla(ms: number): string {
  const out = execFileSync('.venv/bin/python', ['../shared/tools/xla_times.py', gpt3, '1'], {
    encoding: 'utf8',
    stdio: ['ignore', 'pipe', 'ignore'],
  });
  const xla = JSON.parse(out) as { propagate_ms: number; partition_ms: number };
  return `; XLA ${xla.propagate_ms} + ${xla.partition_ms}, ours / XLA = ${(ms / (xla.propagate_ms + xla.partition_ms)).toFixed(2)}`;
}
