/** `shardc diff`: what a change does to wire bytes, memory, arithmetic and step time, and where. */
import type { Command } from 'commander';
import pc from 'picocolors';
import { runCheck } from '../check.ts';
import { compile } from '../compile.ts';
import { type Difference, difference, type FigureChange, type LayoutChange } from '../difference.ts';
import { FIGURES } from '../figures.ts';
import { exceeded, parseLimit } from '../limits.ts';
import type { Input } from '../load.ts';
import { makeReport } from '../report.ts';
import { type Comparable, readReport } from '../report-file.ts';
import { compileOptions, type TargetFlags, targetOf, withTargetOptions } from '../target.ts';
import { section } from '../tables.ts';
import { bytesText, meshText, percentText } from '../units.ts';
import { collect, guard, load, printDiagnostics } from './guard.ts';

interface Flags extends TargetFlags {
  readonly limit: readonly string[];
  readonly json?: boolean;
}

const HELP = `
BEFORE and AFTER are programs, or reports as --emit report=FILE writes them.

Examples:
  shardc diff main.json model.mlir                         a program against the report of the last commit
  shardc diff main.json model.mlir --limit wire=+1GB       in CI: exit code 1 where more than 1 GB is added
  shardc diff model.mlir model.mlir.new --limit step=+5% --limit all_gather=+0
  shardc diff a.json b.json --json | jq .figures`;

export function diffCommand(program: Command): void {
  withTargetOptions(program.command('diff'))
    .description('what a change does to wire bytes, memory, arithmetic and step time, and on which source lines')
    .argument('<before>', 'a program, or a report in JSON')
    .argument('<after>', 'likewise')
    .option('--limit <figure=bound>', 'exit 1 above it: wire=+1GB, step=+5%, memory=15GiB; repeatable', collect, [])
    .option('--json', 'print the difference as JSON')
    .addHelpText('after', HELP)
    .action((before: string, after: string, flags: Flags) =>
      guard(before, async (source) => {
        const limits = flags.limit.map(parseLimit);
        const was = measured(source, flags);
        await guard(after, (input) => {
          const is = measured(input, flags);
          const found = difference(was, is);
          console.log(flags.json === true ? JSON.stringify(found, null, 2) : text([before, was], [after, is], found));
          const over = exceeded(limits, is, was);
          printDiagnostics(over, undefined);
          if (over.length > 0) process.exitCode = 1;
        });
      }),
    );
}

function measured(source: Input, flags: Flags): Comparable {
  const report = readReport(source);
  if (report !== undefined) return report;
  const parsed = load(source, flags.mesh);
  const target = targetOf(flags, source);
  const compiled = compile(parsed, compileOptions(parsed, target));
  return makeReport(compiled, target.machine, runCheck(compiled, 'off', 0), target.wish).report;
}

type Named = readonly [file: string, report: Comparable];

function text([before, was]: Named, [after, is]: Named, { figures, places, layouts }: Difference): string {
  const on = ({ mesh, machine }: Comparable): string => `${meshText(Object.entries(mesh))}, on ${machine}`;
  const same = on(was) === on(is);
  return [
    `${pc.bold(before)}  ${same ? '' : `${on(was)}  `}→  ${pc.bold(after)}  ${on(is)}`,
    '',
    section('per device and step', [['', 'before', 'after', 'change'], ...figures.map(figureRow)]),
    ...(places.length === 0 ? [] : [section('source lines whose wire bytes changed', places.map(placeRow))]),
    ...(layouts.length === 0 ? [] : [section('layouts that changed', layouts.map(layoutRow))]),
  ].join('\n');
}

function figureRow({ name, before, after, counts }: FigureChange): string[] {
  const { text: say = String } = FIGURES.get(name) ?? {};
  const times = (n: number | undefined): string => (n === undefined ? '' : `${n}×  `);
  return [name, times(counts?.[0]) + say(before), times(counts?.[1]) + say(after), changeText(before, after, say)];
}

function changeText(before: number, after: number, say: (value: number) => string): string {
  if (before === after) return pc.dim('same');
  const sign = after > before ? '+' : '-';
  const share = before === 0 ? '' : `  ${sign}${percentText(Math.abs(after / before - 1))}`;
  return (after > before ? pc.red : pc.green)(`${sign}${say(Math.abs(after - before))}${share}`);
}

const placeRow = ({ place, before, after }: Difference['places'][number]): string[] => [
  place === '' ? '(no line)' : place,
  bytesText(before),
  bytesText(after),
  changeText(before, after, bytesText),
];

const layoutRow = ({ name, before = '(none)', after = '(none)' }: LayoutChange): string[] => [name, before, '→', after];
