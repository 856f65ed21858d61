/**
 * Names of values as MLIR's printer gives them (AsmPrinter.cpp, SSANameState): all values of a region before those of the
 * regions in it, which count on from there; numbers and names of sibling regions are the same. A taken name gets a suffix.
 *
 *   %cst = constant; %0 = add …; %1 = while(%iterArg = …) { %2 = … } do { %2 = … }
 */
import type { EditBlock, EditFunc, EditOp, EditValue } from '../edit.ts';
import { DTYPES } from '../types.ts';

export type SsaNames = ReadonlyMap<EditValue, string>;

interface Region {
  readonly block: EditBlock;
  readonly counters: Counters;
  readonly scope: Scope | undefined;
}

interface Counters {
  readonly values: number;
  readonly args: number;
  readonly conflicts: number;
}

interface Scope {
  readonly names: Set<string>;
  readonly outer: Scope | undefined;
}

export function ssaNames(func: EditFunc): SsaNames {
  const found = new Map<EditValue, string>();
  const stack: Region[] = [{ block: func.body, counters: { values: 0, args: 0, conflicts: 0 }, scope: undefined }];
  for (let region = stack.pop(); region !== undefined; region = stack.pop()) {
    const namer = new RegionNamer(region, found);
    namer.run();
    for (const op of region.block.ops())
      for (const block of op.regions) stack.push({ block, counters: namer.counters, scope: namer.scope });
  }
  return found;
}

class RegionNamer {
  readonly scope: Scope;
  private readonly block: EditBlock;
  private readonly found: Map<EditValue, string>;
  private values: number;
  private args: number;
  private conflicts: number;

  constructor({ block, counters, scope }: Region, found: Map<EditValue, string>) {
    this.block = block;
    this.found = found;
    this.scope = { names: new Set(), outer: scope };
    ({ values: this.values, args: this.args, conflicts: this.conflicts } = counters);
  }

  get counters(): Counters {
    return { values: this.values, args: this.args, conflicts: this.conflicts };
  }

  run(): void {
    const { owner, params } = this.block;
    const inLoop = 'kind' in owner && owner.kind === 'while';
    for (const p of params) this.found.set(p, `%${this.unique(inLoop ? 'iterArg' : `arg${this.args++}`)}`);
    for (const op of this.block.ops()) this.results(op);
  }

  private results(op: EditOp): void {
    const names = resultNames(op);
    if (names !== undefined) {
      op.results.forEach((r, i) => this.found.set(r, `%${this.unique(names[i] as string)}`));
      return;
    }
    if (op.results.length === 0) return;
    const base = `%${this.values++}`;
    op.results.forEach((r, i) => this.found.set(r, op.results.length === 1 ? base : `${base}#${i}`));
  }

  private unique(name: string): string {
    let probe = name;
    while (isTaken(this.scope, probe)) probe = `${name}_${this.conflicts++}`;
    this.scope.names.add(probe);
    return probe;
  }
}

function isTaken(scope: Scope, name: string): boolean {
  for (let at: Scope | undefined = scope; at !== undefined; at = at.outer) if (at.names.has(name)) return true;
  return false;
}

/** Ops that name their results. */
function resultNames(op: EditOp): readonly string[] | undefined {
  switch (op.kind) {
    case 'constant':
      return op.origin.spelled === 'sdy.constant' ? undefined : [isInteger(op) ? 'c' : 'cst'];
    case 'rng_bit_generator':
      return ['output_state', 'output'];
    case 'batch_norm_training':
      return ['output', 'batch_mean', 'batch_var'];
    case 'batch_norm_grad':
      return ['grad_operand', 'grad_scale', 'grad_offset'];
    default:
      return undefined;
  }
}

function isInteger(op: EditOp): boolean {
  const { class: cls } = DTYPES[op.result.type.dtype];
  return cls === 'signed' || cls === 'unsigned' || cls === 'pred';
}
