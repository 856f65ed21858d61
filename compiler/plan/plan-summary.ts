/** The plan's report for people. */
import pc from 'picocolors';
import { section } from '../tables.ts';
import { bytesText, flopsText, percentText, secondsText } from '../units.ts';
import type { Description } from './description.ts';
import type { PlanReport } from './plan-cost.ts';

export function planText(file: string, d: Description, r: PlanReport): string {
  const axes = { tp: d.tp, pp: d.pp, virtual: d.virtual, dp: d.dp, cp: d.cp, ep: d.ep };
  const spread = Object.entries(axes).flatMap(([name, n]) => (n > 1 ? [`${name} ${n}`] : []));
  return [
    `${pc.bold(d.name ?? file)}  ${count(r.parameters)} parameters on ${r.devices} × ${r.machine}${spread.length === 0 ? '' : `: ${spread.join(', ')}`}`,
    '',
    section('step', [
      ['time', secondsText(r.stepSeconds)],
      ['throughput', `${r.tokensPerSecondPerDevice.toFixed(1)} tokens/s per device`],
      [
        'utilisation',
        `${percentText(r.modelUtilization)} (model)  ${percentText(r.hardwareUtilization)} (hardware)  ${flopsText(r.hardwareFlopsPerSecond)}/s per device`,
      ],
      ['schedule', `${r.schedule}, ${r.microbatches} microbatches, ${percentText(r.bubbleShare)} of it waiting`],
    ]),
    section('where the time goes, on the slowest stage', [
      ['computing', `${secondsText(r.computeSeconds)}, ${percentText(r.exposedShare)} of it waiting for collectives`],
      ['sends', secondsText(r.sendSeconds)],
      ['waiting for stages', secondsText(r.waitSeconds)],
      ['gradients', secondsText(r.gradientSeconds)],
      ['update', secondsText(r.updateSeconds)],
    ]),
    section(
      `memory of the fullest device: ${bytesText(r.memory.totalBytes)}${r.fitsMemory ? '' : pc.red('  does not fit')}`,
      [
        ['weights', bytesText(r.memory.weightBytes)],
        ['gradients', bytesText(r.memory.gradientBytes)],
        ['optimizer', bytesText(r.memory.optimizerBytes)],
        ['activations', bytesText(r.memory.activationBytes)],
        ['working', bytesText(r.memory.workingBytes)],
      ],
    ),
    section(
      'on the wire, per device and step',
      Object.entries(r.wireBytes)
        .sort(([, a], [, b]) => b - a)
        .map(([kind, bytes]) => [kind, bytesText(bytes)]),
    ),
  ].join('\n');
}

const count = (n: number): string =>
  n >= 1e12 ? `${(n / 1e12).toFixed(2)}T` : n >= 1e9 ? `${(n / 1e9).toFixed(1)}B` : `${(n / 1e6).toFixed(1)}M`;
