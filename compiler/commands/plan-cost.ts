/** `shardc plan-cost`: what a training step of a described transformer costs, from the compiler's own programs. */
import { type Command, Option } from 'commander';
import { loadMachine } from '../load-machine.ts';
import { parseDescription } from '../plan/description.ts';
import { planCost } from '../plan/plan-cost.ts';
import { planText } from '../plan/plan-summary.ts';
import { planTrace } from '../plan/plan-trace.ts';
import { emitOf, write } from './emit.ts';
import { collect, guardText } from './guard.ts';

const HELP = `
The file describes a transformer, how its training is spread over devices, and a machine (docs/plan-cost.md):

  { "model": { "layers": 96, "width": 12288, "heads": 96, "ffn": 49152, "vocabulary": 51200, "sequence": 2048 },
    "batch": 1536, "microbatch": 1, "tp": 8, "pp": 8, "virtual": 3, "dp": 16,
    "sequenceParallel": true, "recompute": "selective", "zero": 1, "machine": "a100" }

Examples:
  shardc plan-cost examples/plans/gpt-1t.json
  shardc plan-cost examples/plans/gpt-1t.json --machine h100
  shardc plan-cost plan.json --emit json | jq .stepSeconds
  shardc plan-cost plan.json --emit trace=step.json      every microbatch on every stage, for ui.perfetto.dev`;

const KINDS = ['json', 'trace'] as const;

interface Flags {
  readonly machine?: string;
  readonly emit: readonly string[];
}

export function planCostCommand(program: Command): void {
  program
    .command('plan-cost')
    .description('step time, utilisation, memory and traffic of a training plan: parallelism and pipeline schedule')
    .argument('<file>', 'a JSON description; - is standard input')
    .option('--machine <name|file>', 'another machine than the description names')
    .addOption(
      new Option('--emit <kind[=file]>', 'json, or trace (Perfetto); repeatable').argParser(collect).default([]),
    )
    .addHelpText('after', HELP)
    .action((file: string, flags: Flags) =>
      guardText(file, (source) => {
        const emits = flags.emit.map((text) => emitOf(text, KINDS));
        const description = parseDescription(source);
        const plan = planCost(description, loadMachine(flags.machine ?? description.machine));
        for (const { kind, file: to } of emits) {
          const text = kind === 'json' ? `${JSON.stringify(plan.report, null, 2)}\n` : planTrace(plan);
          if (to === undefined) process.stdout.write(text);
          else write(to, text);
        }
        if (!emits.some((e) => e.file === undefined)) console.log(planText(source.file, description, plan.report));
      }),
    );
}
