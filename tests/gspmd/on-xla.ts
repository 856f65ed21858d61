/** Annotated programs compiled here and measured on XLA beside its own partitioning of them (measure.py). */
import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import {
  compile,
  exportStablehlo,
  importStablehlo,
  machine,
  makeReport,
  type Report,
  runCheck,
} from '../../compiler/index.ts';
import type { AnnotatedProgram } from './programs.ts';

export const PYTHON: string = join(import.meta.dirname, '../../.venv/bin/python');

export interface Metered {
  /** Wire bytes per device, ring algorithms. */
  readonly total: number;
  readonly count: Readonly<Record<string, number>>;
  readonly flops: number;
}

export interface OnXla {
  readonly name: string;
  readonly xla: Metered;
  readonly shardc: Metered;
  /** Against the program on one device. */
  readonly max_rel_error: number;
  /** XLA's own. */
  readonly xla_error: number;
  /** Arguments, then results, that lie otherwise than XLA has them. */
  readonly laid_out_otherwise: readonly number[];
  /** XLA does not take its own program. */
  readonly error?: string;
  /** It does not take ours. */
  readonly refused?: string;
}

export interface Done extends AnnotatedProgram {
  readonly report: Report;
  readonly emitted: string;
}

/** Checked on numbers too: `report.check` says with what result. */
export function compiledHere({ name, text }: AnnotatedProgram): Done {
  const compiled = compile(importStablehlo({ file: `${name}.mlir`, text }));
  const check = runCheck(compiled, 'full', 0);
  const { report } = makeReport(compiled, machine('tpu-v5e'), check);
  return { name, text, report, emitted: exportStablehlo(compiled.source, compiled.module) };
}

export function onXla(programs: readonly (AnnotatedProgram & { readonly emitted: string })[]): OnXla[] {
  const input = JSON.stringify(programs.map(({ name, text, emitted }) => ({ name, text, emitted })));
  const measure = join(import.meta.dirname, 'measure.py');
  const { stdout, stderr } = spawnSync(PYTHON, [measure], { input, encoding: 'utf8', maxBuffer: 2 ** 28 });
  const lines = stdout.trim().split('\n');
  if (lines.length !== programs.length)
    throw new Error(`measure.py gave ${lines.length} of ${programs.length} lines: ${stderr.slice(-2000)}`);
  return lines.map((line) => JSON.parse(line) as OnXla);
}
