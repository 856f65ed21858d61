/** The report for people: layouts, collectives, memory, time, verdict. */
import pc from 'picocolors';
import type { CostReport } from '../runtime-sim/cost/report.ts';
import type { Report } from './report.ts';
import { bytesText, flopsText, percentText, secondsText } from './units.ts';

/** Rows of a table are shown up to here; the rest is counted. */
const MAX_ROWS = 24;

export function summaryText(file: string, report: Report, cost: CostReport): string {
  const mesh = Object.entries(report.mesh)
    .map(([n, s]) => `${n}=${s}`)
    .join(' ');
  const devices = Object.values(report.mesh).reduce((n, s) => n * s, 1);
  const ms = report.passes.reduce((n, p) => n + p.ms, 0);
  return [
    `${pc.bold(file)}  mesh ${mesh} (${devices} devices)  compiled in ${secondsText(ms / 1e3)}`,
    '',
    section(
      'arguments',
      report.layouts.arguments.map((r) => [r.name, r.type, r.layout]),
    ),
    section(
      'results',
      report.layouts.results.map((r) => [r.name, r.type, r.layout]),
    ),
    section('collectives per step', collectiveRows(report, cost), 'none: nothing crosses the wire'),
    section('per device', [
      ['wire', bytesText(report.wireBytes)],
      ['arithmetic', flopsText(report.flops)],
      [
        'peak memory',
        `${bytesText(report.peakMemoryBytes)}, arguments ${bytesText(cost.argumentBytes)}${cost.fitsMemory ? '' : pc.yellow(`  exceeds the memory of ${report.machine}`)}`,
      ],
      [
        'step time',
        `${secondsText(report.stepSeconds)} on ${report.machine}: ${secondsText(cost.computeSeconds)} computing, ${secondsText(cost.commSeconds)} communicating, no overlap assumed`,
      ],
      ['utilisation', percentText(report.utilization)],
    ]),
    ...(report.loopsOfUnknownLength > 0
      ? [pc.yellow(`${report.loopsOfUnknownLength} loop(s) of unknown length are counted once`), '']
      : []),
    verdict(report),
  ].join('\n');
}

function collectiveRows(report: Report, cost: CostReport): string[][] {
  return Object.entries(report.collectives).map(([kind, c]) => [
    kind,
    `${c.count}×`,
    bytesText(c.bytes),
    secondsText(cost.collectives[kind as keyof CostReport['collectives']]?.seconds ?? 0),
  ]);
}

function verdict({ check }: Report): string {
  const where = `${check.devices} devices${check.mode === 'shrunk' ? ', at shrunk extents,' : ''}`;
  switch (check.verdict) {
    case 'ok':
      return `${pc.green('check ok')}  one device = ${where} on numbers, worst relative error ${(check.maxRelError ?? 0).toExponential(1)}`;
    case 'failed':
      return `${pc.red('check FAILED')}  ${check.reason ?? `worst relative error ${check.maxRelError}`}\nThis is a bug in shardc: please report it with the program.`;
    case 'not run':
      return `${pc.yellow('check not run')}  ${check.reason ?? ''}`;
  }
}

function section(title: string, rows: readonly (readonly string[])[], empty = 'none'): string {
  if (rows.length === 0) return `${pc.dim(title)}  ${empty}\n`;
  const shown = rows.slice(0, MAX_ROWS);
  const widths = (shown[0] ?? []).map((_, c) => Math.max(...shown.map((r) => (r[c] ?? '').length)));
  const lines = shown.map(
    (r) => `  ${r.map((cell, c) => (c === r.length - 1 ? cell : cell.padEnd(widths[c] ?? 0))).join('  ')}`,
  );
  if (rows.length > MAX_ROWS) lines.push(pc.dim(`  … and ${rows.length - MAX_ROWS} more`));
  return `${pc.dim(title)}\n${lines.join('\n')}\n`;
}
