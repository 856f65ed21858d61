/** Rows of training runs: each a plan, compiled and priced, beside what was published of it. */
import { parseDescription } from '../../compiler/plan/description.ts';
import { planCost, type PlanReport } from '../../compiler/plan/plan-cost.ts';
import { axesOf } from '../../compiler/plan/axes.ts';
import { partCost } from '../../compiler/plan/part-cost.ts';
import { stageProgram } from '../../compiler/plan/stage-programs.ts';
import type { Machine } from '../../runtime-sim/machine/machine.ts';
import { once } from './once.ts';
import { OTHER_PLANS, type OtherPlan } from './other-plans.ts';
import {
  gshard,
  KORTHIKANTI,
  KORTHIKANTI_MEMORY,
  LAYER_22B,
  MEGATRON_TABLE_1,
  PALM_540B,
  type PlanInput,
  VTRAIN,
  vtrain,
} from './plans.ts';
import type { Row } from './row.ts';

const reportOf = once(
  (plan: PlanInput, on: Machine): PlanReport =>
    planCost(parseDescription({ file: 'plan.json', text: JSON.stringify(plan) }), on).report,
);

export const planRows = (): Row[] => [
  ...layerRows(),
  ...megatronRows(),
  ...korthikantiRows(),
  ...palmRows(),
  ...gshardRows(),
  ...vtrainRows(),
  ...otherRows(),
];

const stepOf =
  (plan: PlanInput): Row['predict'] =>
  (on) =>
    reportOf(plan, on).stepSeconds;

/** Seconds of a step on A100s. */
const stepRows = (set: string, plans: typeof MEGATRON_TABLE_1 | typeof KORTHIKANTI): Row[] =>
  plans.map(({ what, plan, published }) => ({
    set,
    what,
    chip: 'a100',
    unit: 's',
    published,
    tolerance: 0.15,
    predict: stepOf(plan),
  }));

const megatronRows = (): Row[] => stepRows('Megatron, table 1', MEGATRON_TABLE_1);

const korthikantiRows = (): Row[] => [
  ...stepRows('Korthikanti, times', KORTHIKANTI),
  ...KORTHIKANTI.flatMap(memoryRows),
];

function memoryRows({ what, plan }: (typeof KORTHIKANTI)[number]): Row[] {
  const own = KORTHIKANTI_MEMORY.find(([name]) => what.startsWith(name));
  if (own === undefined || plan.recompute !== 'selective') return [];
  const { recompute: _, sequenceParallel: __, ...plain } = plan;
  const [name, stays, without, proposed] = own;
  const row = { chip: 'a100', tolerance: 0.1, set: 'Korthikanti, memory', unit: 'GiB' };
  const gib = (bytes: number): number => bytes / 2 ** 30;
  const activations =
    (of: PlanInput): Row['predict'] =>
    (on) =>
      gib(reportOf(of, on).memory.activationBytes);
  // The mean over stages, for first and last have the vocabulary beside their layers.
  const kept: Row['predict'] = (on) => {
    const { stages } = reportOf(plan, on);
    const all = stages.reduce((n, s) => n + s.weightBytes + s.gradientBytes + s.optimizerBytes, 0);
    return gib(all / stages.length);
  };
  return [
    { ...row, what: `${name}, weights and optimizer`, published: stays, predict: kept },
    { ...row, what: `${name}, activations`, published: proposed, predict: activations(plan) },
    { ...row, what: `${name}, activations, nothing recomputed`, published: without, predict: activations(plain) },
  ];
}

/** One layer of the 22B, table 4 of the paper. */
const layerRows = (): Row[] =>
  LAYER_22B.map(([what, over, published]) => ({
    set: 'Korthikanti, one layer of 22B',
    what,
    chip: 'a100',
    unit: 'ms',
    published,
    tolerance: 0.1,
    predict: (on) => 1e3 * layerSeconds(over, on),
  }));

const layerProgram = once((over: Partial<PlanInput>) => {
  const { plan } = KORTHIKANTI[0] as (typeof KORTHIKANTI)[number];
  const d = parseDescription({ file: 'plan.json', text: JSON.stringify({ ...plan, recompute: 'none', ...over }) });
  return stageProgram('layer', d, axesOf(d), 1);
});

function layerSeconds(over: Partial<PlanInput>, machine: Machine): number {
  const { forward, backward } = partCost(layerProgram(over), { machine, overlap: true, apart: false });
  return forward.seconds + backward.seconds;
}

function palmRows(): Row[] {
  const { what, plan, published } = PALM_540B;
  const row = { set: 'PaLM', chip: 'tpu-v4', tolerance: 0.1 };
  const utilisation: Row['predict'] = (on) => 100 * reportOf(plan, on).modelUtilization;
  return [
    { ...row, what, unit: 's', published, predict: stepOf(plan) },
    { ...row, what: 'the same, model utilisation', unit: '%', published: 46.2, predict: utilisation },
  ];
}

function gshardRows(): Row[] {
  const row = { set: 'GShard', chip: 'tpu-v3-core' };
  const share =
    (cores: number): Row['predict'] =>
    (on) => {
      const { linkSeconds, stepSeconds } = reportOf(gshard(cores), on);
      return (100 * (linkSeconds.all_to_all ?? 0)) / stepSeconds;
    };
  const shareRow = (cores: number, published: number): Row => ({
    ...row,
    what: `all_to_all, ${cores} cores`,
    unit: '%',
    published,
    tolerance: 5 / published,
    predict: share(cores),
  });
  const growth: Row['predict'] = (on) => reportOf(gshard(2048), on).stepSeconds / reportOf(gshard(128), on).stepSeconds;
  return [
    { ...row, what: 'step, 2048 over 128 cores', unit: '×', published: 1.7, tolerance: 0.1, predict: growth },
    shareRow(128, 16),
    shareRow(2048, 36),
  ];
}

/** The cluster's network cards are half of an A100 machine's: 100 GB/s a node. */
const vtrainRows = (): Row[] =>
  VTRAIN.flatMap((sweep) =>
    sweep.runs.map((run) => {
      const [t, d, p, microbatch, published] = run;
      return {
        set: `vTrain, ${sweep.what} on ${sweep.gpus} GPUs`,
        what: `tp ${t}, dp ${d}, pp ${p}, microbatch ${microbatch}`,
        chip: 'a100',
        cluster: { nodeBandwidth: 100e9 },
        unit: 's',
        published,
        tolerance: 0.3,
        predict: stepOf(vtrain(sweep, run)),
      };
    }),
  );

const otherRows = (): Row[] =>
  OTHER_PLANS.map(({ what, source, plan, published, unit, cluster }) => ({
    set: 'Other published runs',
    what: `${what} (${source})`,
    chip: plan.machine,
    unit,
    published,
    tolerance: 0.2,
    ...(cluster === undefined ? {} : { cluster }),
    predict: (on) => OTHER_FIGURE[unit](reportOf(plan, on)),
  }));

const OTHER_FIGURE: Readonly<Record<OtherPlan['unit'], (r: PlanReport) => number>> = {
  s: (r) => r.stepSeconds,
  'TFLOP/s': (r) => r.modelFlopsPerSecond / 1e12,
  'TFLOP/s, all': (r) => r.hardwareFlopsPerSecond / 1e12,
};
