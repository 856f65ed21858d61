/** A report from a file, as `--emit report=FILE` writes it: what `shardc diff` compares without compiling again. */
import * as z from 'zod';
import { userError } from '../ir/diagnostics.ts';
import type { SourceText } from '../ir/program.ts';
import type { Measured } from './figures.ts';
import { parseJson } from './json.ts';
import type { Report } from './report.ts';

/** What a diff reads. Other fields may come and go between versions. */
export type Comparable = Measured &
  Pick<Report, 'mesh' | 'machine' | 'layouts'> & {
    readonly timeBySource: readonly { readonly place: string; readonly wireBytes: number }[];
  };

const amount = z.number().nonnegative();
const layouts = z.array(
  z.object({ name: z.string(), label: z.string().exactOptional(), type: z.string(), layout: z.string() }),
);
const schema = z.object({
  mesh: z.record(z.string(), z.number().int().positive()),
  machine: z.string(),
  wireBytes: amount,
  flops: amount,
  peakMemoryBytes: amount,
  stepSeconds: amount,
  collectives: z.record(z.string(), z.object({ count: amount, bytes: amount })),
  layouts: z.object({ arguments: layouts, results: layouts }),
  timeBySource: z.array(z.object({ place: z.string(), wireBytes: amount })),
});

/** Undefined where the text is no JSON object: a program, then. Throws on JSON that is not a report. */
export function readReport({ file, text }: SourceText): Comparable | undefined {
  if (!text.trimStart().startsWith('{')) return undefined;
  const read = schema.safeParse(parseJson({ file, text }, 'SH0713'));
  if (read.success) return read.data;
  const mistakes = read.error.issues.map((i) => `${i.path.join('.') || '(whole file)'}: ${i.message}`);
  throw userError('SH0713', `${file} is not a report: ${mistakes.join('; ')}`, {
    help: 'shardc FILE --emit report=REPORT.json writes one',
  });
}
