/** Rows of training runs: each a plan, compiled and priced, beside what was published of it. */
import { parseDescription } from '../../compiler/plan/description.ts';
import { planCost, type PlanReport } from '../../compiler/plan/plan-cost.ts';
import { axesOf } from '../../compiler/plan/axes.ts';
import { partCost } from '../../compiler/plan/part-cost.ts';
import { stageProgram } from '../../compiler/plan/stage-programs.ts';
import { machine } from '../../compiler/index.ts';
import type { Machine } from '../../runtime-sim/machine/machine.ts';
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
import type { Row } from './rows.ts';

function reportOf(plan: PlanInput, on: Machine = machine(plan.machine)): PlanReport {
  return planCost(parseDescription({ file: 'plan.json', text: JSON.stringify(plan) }), on).report;
}

export function* planRows(): Generator<Row> {
  yield* layerRows();
  yield* megatronRows();
  yield* korthikantiRows();
  yield* palmRows();
  yield* gshardRows();
  yield* vtrainRows();
}

function* megatronRows(): Generator<Row> {
  for (const { what, plan, published } of MEGATRON_TABLE_1) {
    const predicted = reportOf(plan).stepSeconds;
    yield { set: 'Megatron, table 1', what, chip: 'a100', unit: 's', published, predicted, tolerance: 0.15 };
  }
}

function* korthikantiRows(): Generator<Row> {
  for (const { what, plan, published } of KORTHIKANTI) {
    const report = reportOf(plan);
    const row = { chip: 'a100', tolerance: 0.15 };
    yield { ...row, set: 'Korthikanti, times', what, unit: 's', published, predicted: report.stepSeconds };
    const own = KORTHIKANTI_MEMORY.find(([name]) => what.startsWith(name));
    if (own === undefined || plan.recompute !== 'selective') continue;
    const { recompute: _, sequenceParallel: __, ...plain } = plan;
    const memory = { chip: 'a100', tolerance: 0.1, set: 'Korthikanti, memory', unit: 'GiB' };
    const gib = (bytes: number): number => bytes / 2 ** 30;
    const { activationBytes } = report.memory;
    const [name, stays, without, proposed] = own;
    // The mean over stages, for first and last have the vocabulary beside their layers.
    const all = report.stages.reduce((n, s) => n + s.weightBytes + s.gradientBytes + s.optimizerBytes, 0);
    const kept = gib(all / report.stages.length);
    yield { ...memory, what: `${name}, weights and optimizer`, published: stays, predicted: kept };
    yield { ...memory, what: `${name}, activations`, published: proposed, predicted: gib(activationBytes) };
    const most = gib(reportOf(plain).memory.activationBytes);
    yield { ...memory, what: `${name}, activations, nothing recomputed`, published: without, predicted: most };
  }
}

/** One layer of the 22B, table 4 of the paper; the A100's products and memory were held to the first three. */
function* layerRows(): Generator<Row> {
  for (const [what, over, published, calibration] of LAYER_22B) {
    const { plan } = KORTHIKANTI[0] as (typeof KORTHIKANTI)[number];
    const d = parseDescription({ file: 'plan.json', text: JSON.stringify({ ...plan, recompute: 'none', ...over }) });
    const options = { machine: machine('a100'), overlap: true, apart: false };
    const { forward, backward } = partCost(stageProgram('layer', d, axesOf(d), 1), options);
    const predicted = 1e3 * (forward.seconds + backward.seconds);
    const row = { set: 'Korthikanti, one layer of 22B', what, chip: 'a100', unit: 'ms', published, predicted };
    yield { ...row, tolerance: 0.1, ...(calibration ? { calibration } : {}) };
  }
}

function* palmRows(): Generator<Row> {
  const { what, plan, published } = PALM_540B;
  const { stepSeconds, modelUtilization } = reportOf(plan);
  // That its collectives are waited for was decided with these in sight.
  const row = { set: 'PaLM', chip: 'tpu-v4', tolerance: 0.1, calibration: true } as const;
  yield { ...row, what, unit: 's', published, predicted: stepSeconds };
  yield { ...row, what: 'the same, model utilisation', unit: '%', published: 46.2, predicted: 100 * modelUtilization };
}

function* gshardRows(): Generator<Row> {
  const [small, large] = [reportOf(gshard(128)), reportOf(gshard(2048))];
  const row = { set: 'GShard', chip: 'tpu-v3-core' };
  const ratio = large.stepSeconds / small.stepSeconds;
  yield { ...row, what: 'step, 2048 over 128 cores', unit: '×', published: 1.7, predicted: ratio, tolerance: 0.1 };
  const share = ({ linkSeconds, stepSeconds }: PlanReport): number =>
    (100 * (linkSeconds.all_to_all ?? 0)) / stepSeconds;
  const points = (published: number): number => 5 / published;
  yield {
    ...row,
    what: 'all_to_all, 128 cores',
    unit: '%',
    published: 16,
    predicted: share(small),
    tolerance: points(16),
  };
  yield {
    ...row,
    what: 'all_to_all, 2048 cores',
    unit: '%',
    published: 36,
    predicted: share(large),
    tolerance: points(36),
  };
}

/** The cluster's network cards are half of an A100 machine's: 100 GB/s a node. */
function* vtrainRows(): Generator<Row> {
  const on = withNics(machine('a100'), 12.5e9);
  for (const sweep of VTRAIN) {
    for (const run of sweep.runs) {
      const [t, d, p, microbatch, published] = run;
      const predicted = reportOf(vtrain(sweep, run), on).stepSeconds;
      const set = `vTrain, ${sweep.what} on ${sweep.gpus} GPUs`;
      const what = `tp ${t}, dp ${d}, pp ${p}, microbatch ${microbatch}`;
      yield { set, what, chip: 'a100', on, unit: 's', published, predicted, tolerance: 0.3 };
    }
  }
}

function withNics(on: Machine, bandwidth: number): Machine {
  const { network } = on;
  if (network.kind !== 'switch') return on;
  const levels = network.levels.map((level, i) => (i === network.levels.length - 1 ? { ...level, bandwidth } : level));
  return { ...on, name: `${on.name}, 100 GB/s a node`, network: { ...network, levels } };
}
