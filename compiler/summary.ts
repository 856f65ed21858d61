/** The report for people: layouts, collectives, memory, time, verdict. */
import pc from 'picocolors';
import type { Drift } from './reduction-drift.ts';
import type { Report } from './report.ts';
import { section } from './tables.ts';
import { paddingLines } from './padding-lines.ts';
import { bytesText, flopsText, meshText, percentText, secondsText } from './units.ts';

/** Source lines and values shown. */
const TOP = 5;

export function summaryText(file: string, report: Report): string {
  const devices = Object.values(report.mesh).reduce((n, s) => n * s, 1);
  const ms = report.passes.reduce((n, p) => n + p.ms, 0);
  const labelled = report.layouts.arguments.some((r) => r.label !== undefined);
  return [
    `${pc.bold(file)}  mesh ${meshText(Object.entries(report.mesh))} (${devicesText(devices)})  compiled in ${secondsText(ms / 1e3)}`,
    '',
    section(
      'arguments',
      report.layouts.arguments.map((r) => [r.name, ...(labelled ? [r.label ?? ''] : []), r.type, r.layout]),
    ),
    section(
      'results',
      report.layouts.results.map((r) => [r.name, r.type, r.layout]),
    ),
    section('collectives per step', collectiveRows(report), 'none: nothing crosses the wire'),
    section(`per device, on ${report.machine}`, deviceRows(report)),
    section('where the time goes', timeRows(report)),
    section('dearest source lines', lineRows(report)),
    ...paddingLines(report.padding),
    section(`alive at the peak of ${bytesText(report.peakMemoryBytes)}`, aliveRows(report)),
    ...(report.loopsOfUnknownLength > 0
      ? [pc.yellow(`${report.loopsOfUnknownLength} loop(s) of unknown length are counted once`), '']
      : []),
    verdict(report),
    ...(report.drift === undefined ? [] : [driftText(report.drift)]),
  ].join('\n');
}

function deviceRows(report: Report): string[][] {
  const { memory } = report;
  const model =
    report.recomputedFlops > 0 ? `, ${percentText(report.modelUtilization)} without what is recomputed` : '';
  const links = Object.entries(report.links).map(([lane, l]) => `${lane} ${bytesText(l.bytes)}`);
  return [
    ['wire', `${bytesText(report.wireBytes)}${links.length === 0 ? '' : `  (${links.sort().join(', ')})`}`],
    ['arithmetic', flopsText(report.flops)],
    [
      'memory',
      `${bytesText(report.peakMemoryBytes)} of ${bytesText(memory.deviceBytes)}, arguments ${bytesText(memory.argumentBytes)}${memory.fits ? '' : pc.red('  does not fit')}`,
    ],
    [
      'step time',
      `${secondsText(report.stepSeconds)}: ${secondsText(report.computeSeconds)} computing, ${secondsText(report.exposedSeconds)} waiting for links (${secondsText(report.commSeconds)} in use)`,
    ],
    ['utilisation', `${percentText(report.utilization)}${model}`],
    ...(report.placement === undefined ? [] : [['placement', report.placement]]),
  ];
}

function timeRows(report: Report): string[][] {
  const classes = Object.entries(report.timeByClass).map(([name, c]): [string, number] => [name, c.seconds]);
  const kinds: [string, number][] = [...classes, ['waiting for links', report.exposedSeconds]];
  return kinds
    .filter(([, s]) => s > 0)
    .sort((a, b) => b[1] - a[1])
    .map(([name, s]) => [name, secondsText(s), shareText(s, report)]);
}

const lineRows = (report: Report): string[][] =>
  report.timeBySource
    .filter((p) => p.place !== '')
    .slice(0, TOP)
    .map((p) => [
      p.place,
      shareText(p.computeSeconds + p.exposedSeconds, report),
      `${secondsText(p.computeSeconds)} computing, ${secondsText(p.exposedSeconds)} waiting`,
    ]);

const shareText = (seconds: number, { stepSeconds }: Report): string =>
  percentText(stepSeconds === 0 ? 0 : seconds / stepSeconds);

const aliveRows = (report: Report): string[][] =>
  report.memory.alive.slice(0, TOP).map((a) => [a.value, bytesText(a.bytes), a.type, a.source]);

function collectiveRows(report: Report): string[][] {
  return Object.entries(report.collectives).map(([kind, c]) => [
    kind,
    `${c.count}×`,
    bytesText(c.bytes),
    `${secondsText(c.seconds)}${c.exposedSeconds < c.seconds * 0.999 ? `, ${secondsText(c.exposedSeconds)} of it waited for` : ''}`,
  ]);
}

const devicesText = (n: number): string => (n === 1 ? '1 device' : `${n} devices`);

function verdict({ check }: Report): string {
  const mesh = check.mesh === undefined ? '' : ` (a smaller mesh, ${check.mesh})`;
  const where = `${devicesText(check.devices)}${mesh}${check.mode === 'shrunk' ? ', at shrunk extents,' : ''}`;
  switch (check.verdict) {
    case 'ok':
      return `${pc.green('check ok')}  one device = ${where} on numbers, worst relative error ${(check.maxRelError ?? 0).toExponential(1)}`;
    case 'failed':
      return `${pc.red('check FAILED')}  ${check.reason ?? `worst relative error ${check.maxRelError}`}\nThis is a bug in shardc: please report it with the program.`;
    case 'not run':
      return `${pc.yellow('check not run')}  ${check.reason ?? ''}`;
  }
}

const driftText = ({ order, mesh, oneDevice, boundPerReduction }: Drift): string =>
  `in the element types, added by ${order}: worst relative error ${mesh.toExponential(1)} (one device ${oneDevice.toExponential(1)}), a single reduction at most ${boundPerReduction.toExponential(1)} of its terms`;
