/** `--emit KIND[=FILE]`: the outputs, each made from the compiled program. */
import { writeFileSync } from 'node:fs';
import { userError } from '../../ir/diagnostics.ts';
import { exportSdy, exportStablehlo } from '../../ir/stablehlo/export.ts';
import { printTir } from '../../ir/text/print.ts';
import { specialize } from '../../passes/partition/specialize.ts';
import type { Compiled } from '../compile.ts';
import type { Report } from '../report.ts';

const KINDS = ['tir', 'stablehlo', 'sdy', 'report'] as const;

export interface Emit {
  readonly kind: (typeof KINDS)[number];
  /** Absent: standard output. */
  readonly file: string | undefined;
}

export interface EmitFrom {
  readonly compiled: Compiled;
  /** Absent before the local level. */
  readonly report: Report | undefined;
  readonly device: number | undefined;
}

export function parseEmit(text: string): Emit {
  const at = text.indexOf('=');
  const [name, file] = at < 0 ? [text, undefined] : [text.slice(0, at), text.slice(at + 1)];
  const kind = KINDS.find((k) => k === name);
  if (kind === undefined) throw userError('SH0704', `--emit does not know "${name}"`, { expected: KINDS.join(', ') });
  if (file === '')
    throw userError('SH0704', `--emit ${name}= names no file`, {
      expected: `--emit ${name}=FILE, or --emit ${name} for standard output`,
    });
  return { kind, file };
}

export function writeEmit({ kind, file }: Emit, from: EmitFrom): void {
  const text = textOf(kind, from);
  if (file === undefined) process.stdout.write(text);
  else {
    try {
      writeFileSync(file, text);
    } catch (error) {
      throw userError('SH0005', `cannot write ${file}: ${error instanceof Error ? error.message : String(error)}`, {
        help: 'check the folder and its permissions',
      });
    }
  }
}

function textOf(kind: Emit['kind'], { compiled, report, device }: EmitFrom): string {
  const { module, propagated, source } = compiled;
  if (kind === 'tir')
    return printTir(device === undefined || module.level !== 'local' ? module : specialize(module, device), {
      reasons: true,
    });
  if (kind === 'sdy') return exportSdy(propagated ?? module);
  if (report === undefined)
    throw userError('SH0705', `--emit ${kind} needs the whole pipeline`, {
      help: 'leave --stop-after out, or emit tir or sdy',
    });
  return kind === 'stablehlo' ? exportStablehlo(source, module) : `${JSON.stringify(report, null, 2)}\n`;
}
