/** What shardc's and Shardy's pipelines make of a whole module, compared exactly: functions, ops and every sharding. */
import { spawnSync } from 'node:child_process';
import { edit } from '../../ir/edit-convert.ts';
import { type EditFunc, type EditModule, type EditOp, opsOf } from '../../ir/edit.ts';
import { type Layout, layoutText } from '../../ir/layout.ts';
import { registry } from '../../ir/ops/index.ts';
import { importStablehlo } from '../../ir/stablehlo/import.ts';
import { mlirName } from '../../ir/stablehlo/mlir-names.ts';
import { tensorText } from '../../ir/stablehlo/print-op.ts';
import { runSdyPasses } from '../../passes/shardy/pipeline.ts';
import { PYTHON } from './compare.ts';

type Layouts = readonly (string | null)[];

/** As tests/propagate/oracle.py describes functions. */
export interface FunctionData {
  readonly arguments: Layouts;
  readonly results: Layouts;
  readonly ops: readonly (readonly [name: string, types: readonly string[], layouts: Layouts])[];
}
export type Functions = Readonly<Record<string, FunctionData>>;

/** What Shardy makes of a program by its flags: functions, and the module as MLIR prints it. */
export interface Asked {
  readonly name: string;
  readonly error?: string;
  readonly functions?: Functions;
  readonly text?: string;
}

/** One Python process for all. */
export function askFunctions(
  programs: readonly { readonly name: string; readonly text: string; readonly flags: readonly string[] }[],
): readonly Asked[] {
  const input = JSON.stringify(programs.map(({ name, text, flags }) => ({ name, text, flags })));
  const run = spawnSync(PYTHON, ['tests/propagate/oracle.py'], { input, encoding: 'utf8', maxBuffer: 1 << 30 });
  if (run.status !== 0) throw new Error(run.stderr);
  return JSON.parse(run.stdout) as Asked[];
}

/** After sdy_opt's flags, the whole propagation pipeline by default. */
export function ourFunctions(text: string, flags: readonly string[] = ['-sdy-propagation-pipeline']): Functions {
  const module = edit(importStablehlo({ file: 'test.mlir', text }, { asWritten: true }));
  runSdyPasses(module, flags, registry, () => {});
  return Object.fromEntries(module.functions.map((f) => [f.name, describe(module, f)]));
}

function describe(module: EditModule, func: EditFunc): FunctionData {
  const text = (l: Layout | undefined): string | null => (l === undefined ? null : layoutText(module.mesh(l.mesh), l));
  const ops = opsOf(func.body).filter((op) => op.results.length > 0);
  return {
    arguments: func.body.params.map((p) => text(p.layout)),
    results: func.resultLayouts.map(text),
    ops: ops.map((op) => [mlirName(op), op.results.map((r) => tensorText(r.type)), layoutsOf(op).map(text)] as const),
  };
}

function layoutsOf(op: EditOp): readonly (Layout | undefined)[] {
  if (op.attrs.layout !== undefined) return [op.attrs.layout as Layout];
  return (op.attrs.out_layouts as readonly Layout[] | undefined) ?? op.results.map((r) => r.layout);
}

/** Every difference, as one line. */
export function differences(ours: Functions, theirs: Functions): string[] {
  const found: string[] = [];
  for (const name of new Set([...Object.keys(ours), ...Object.keys(theirs)])) {
    const [mine, other] = [ours[name], theirs[name]];
    if (mine === undefined || other === undefined) {
      found.push(`@${name}: only in ${mine === undefined ? 'Shardy’s' : 'shardc’s'} module`);
      continue;
    }
    for (const side of ['arguments', 'results'] as const)
      other[side].forEach((layout, i) => {
        if (plain(layout) !== plain(mine[side][i]))
          found.push(`@${name} ${side} ${i}: shardc ${mine[side][i] ?? 'none'}, Shardy ${layout ?? 'none'}`);
      });
    found.push(...opDifferences(name, mine.ops, other.ops));
  }
  return found;
}

function opDifferences(func: string, ours: FunctionData['ops'], theirs: FunctionData['ops']): string[] {
  const found: string[] = [];
  for (let i = 0; i < Math.max(ours.length, theirs.length); i++) {
    const [mine, other] = [ours[i], theirs[i]];
    const what = (row: FunctionData['ops'][number] | undefined): string =>
      row === undefined ? 'nothing' : `${row[0]} ${row[1].join(', ')}`;
    if (what(mine) !== what(other)) return [...found, `@${func} op ${i}: shardc ${what(mine)}, Shardy ${what(other)}`];
    const layouts = (row: FunctionData['ops'][number] | undefined): string =>
      (row?.[2] ?? []).map((l) => plain(l) ?? 'none').join(' ');
    if (layouts(mine) !== layouts(other))
      found.push(`@${func} op ${i} ${what(other)}: shardc ${layouts(mine)}, Shardy ${layouts(other)}`);
  }
  return found;
}

/** Fully open and no sharding at all mean the same. */
const plain = (layout: string | null | undefined): string | null =>
  layout === undefined || layout === null || /^\{(\?(, \?)*)?\}$/.test(layout) ? null : layout;
