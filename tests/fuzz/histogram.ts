/** What kinds of cases a run of the fuzzer had. */
import { isHostTransfer } from '../../ir/ops/host-transfers.ts';
import { registry } from '../../ir/ops/index.ts';
import { type Module, walkOps } from '../../ir/program.ts';
import type { Outcome } from './run-case.ts';

export class Histogram {
  cases = 0;
  communicates = 0;
  uneven = 0;
  refused = 0;
  private readonly refusals = new Map<string, number>();
  private readonly kinds = new Map<string, number>();
  private readonly dtypes = new Map<string, number>();

  add(outcome: Outcome): void {
    this.cases++;
    this.communicates += Number(outcome.communicates);
    this.uneven += Number(outcome.uneven);
    if (outcome.refused !== undefined) {
      this.refused++;
      raise(this.refusals, outcome.refused);
    }
    this.addProgram(outcome.module);
  }

  /** Ops of the registry in no program so far; what crosses the edge of a program is in none. */
  missing(): string[] {
    return Object.keys(registry).filter((kind) => !this.kinds.has(kind) && !isHostTransfer({ kind }));
  }

  text(): string {
    const percent = (n: number): string => `${((100 * n) / Math.max(1, this.cases)).toFixed(1)} %`;
    const line = (counts: ReadonlyMap<string, number>): string =>
      sorted(counts)
        .map(([name, n]) => `${name} ${n}`)
        .join(', ');
    return [
      `${this.cases} cases: with a collective ${percent(this.communicates)}, uneven ${percent(this.uneven)}, refused ${percent(this.refused)}`,
      `programs with each op: ${line(this.kinds)}`,
      `in none: ${this.missing().join(', ')}`,
      `programs with each element type: ${line(this.dtypes)}`,
      ...sorted(this.refusals)
        .slice(0, 12)
        .map(([why, n]) => `refused ${n}: ${why.slice(0, 140)}`),
    ].join('\n');
  }

  private addProgram(module: Module): void {
    const ops = module.functions.flatMap((f) => [...walkOps(f.body)]);
    for (const kind of new Set(ops.map((op) => op.kind))) raise(this.kinds, kind);
    const values = module.functions.flatMap((f) => f.values);
    for (const dtype of new Set(values.map((v) => v.type.dtype))) raise(this.dtypes, dtype);
  }
}

function raise(counts: Map<string, number>, key: string): void {
  counts.set(key, (counts.get(key) ?? 0) + 1);
}

const sorted = (counts: ReadonlyMap<string, number>): [string, number][] => [...counts].sort((a, b) => b[1] - a[1]);
