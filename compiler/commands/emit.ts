/** `--emit KIND[=FILE]`: the outputs, each made from the compiled program. */
import { writeFileSync } from 'node:fs';
import { userError } from '../../ir/diagnostics.ts';
import { exportSdy, exportStablehlo } from '../../ir/stablehlo/export.ts';
import { printTir } from '../../ir/text/print.ts';
import { specialize } from '../../passes/partition/specialize.ts';
import type { Costed } from '../../runtime-sim/cost/report.ts';
import { chakraTrace, traceDevices } from '../../runtime-sim/outputs/chakra.ts';
import { memoryJson, opsCsv } from '../../runtime-sim/outputs/tables.ts';
import { chromeTrace } from '../../runtime-sim/outputs/trace.ts';
import type { Compiled } from '../compile.ts';
import type { Report } from '../report.ts';

const KINDS = ['tir', 'stablehlo', 'sdy', 'report', 'trace', 'memory', 'ops', 'chakra'] as const;

export interface Emit {
  readonly kind: (typeof KINDS)[number];
  /** Absent: standard output. */
  readonly file: string | undefined;
}

export interface EmitFrom {
  readonly compiled: Compiled;
  /** Absent before the local level. */
  readonly report: Report | undefined;
  readonly costed: Costed | undefined;
  readonly device: number | undefined;
}

export const parseEmit = (text: string): Emit => emitOf(text, KINDS);

/** `KIND` or `KIND=FILE`, of the kinds that the command knows. */
export function emitOf<Kind extends string>(
  text: string,
  kinds: readonly Kind[],
): { readonly kind: Kind; readonly file: string | undefined } {
  const at = text.indexOf('=');
  const [name, file] = at < 0 ? [text, undefined] : [text.slice(0, at), text.slice(at + 1)];
  const kind = kinds.find((k) => k === name);
  if (kind === undefined) throw userError('SH0704', `--emit does not know "${name}"`, { expected: kinds.join(', ') });
  if (file === '')
    throw userError('SH0704', `--emit ${name}= names no file`, {
      expected: `--emit ${name}=FILE, or --emit ${name} for standard output`,
    });
  return { kind, file };
}

export function writeEmit(emit: Emit, from: EmitFrom): void {
  if (emit.kind === 'chakra') writeChakra(emit, from);
  else if (emit.file === undefined) process.stdout.write(textOf(emit.kind, from));
  else write(emit.file, textOf(emit.kind, from));
}

export function write(file: string, content: string | Uint8Array): void {
  try {
    writeFileSync(file, content);
  } catch (error) {
    throw userError('SH0005', `cannot write ${file}: ${error instanceof Error ? error.message : String(error)}`, {
      help: 'check the folder and its permissions',
    });
  }
}

/** One file per device, as replay wants them: NAME.0.et, NAME.1.et, … */
function writeChakra({ file }: Emit, { costed, device }: EmitFrom): void {
  if (costed === undefined) throw needsAll('chakra');
  if (file === undefined)
    throw userError('SH0704', '--emit chakra needs a name for its files', {
      expected: '--emit chakra=NAME, which writes NAME.0.et, NAME.1.et, … or the one of --device',
    });
  const count = traceDevices(costed);
  const devices = device === undefined ? Array.from({ length: count }, (_, d) => d) : [device];
  if (device !== undefined && device >= count)
    throw userError('SH0706', `there is no device ${device}`, { expected: `0 to ${count - 1}` });
  for (const d of devices) write(`${file}.${d}.et`, chakraTrace(costed, d));
}

function textOf(kind: Exclude<Emit['kind'], 'chakra'>, { compiled, report, costed, device }: EmitFrom): string {
  const { module, propagated, source } = compiled;
  if (kind === 'tir')
    return printTir(device === undefined || compiled.local === undefined ? module : specialize(module, device), {
      reasons: true,
    });
  if (kind === 'sdy') return exportSdy(propagated ?? module);
  if (report === undefined || costed === undefined) throw needsAll(kind);
  switch (kind) {
    case 'stablehlo':
      return exportStablehlo(source, compiled.local ?? module, compiled.registry);
    case 'report':
      return `${JSON.stringify(report, null, 2)}\n`;
    case 'trace':
      return chromeTrace(costed);
    case 'memory':
      return memoryJson(costed);
    case 'ops':
      return opsCsv(costed);
  }
}

const needsAll = (kind: string): Error =>
  userError('SH0705', `--emit ${kind} needs the whole pipeline`, {
    help: 'leave --stop-after out, or emit tir or sdy',
  });
