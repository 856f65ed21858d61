/** Runs Shardy (tests/propagate/oracle.py) and shardc on the same programs and lists the values that differ. */
import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { ruleText } from '../../ir/factors.ts';
import { type Layout, layoutText } from '../../ir/layout.ts';
import type { Registry } from '../../ir/op.ts';
import type { Mesh } from '../../ir/mesh.ts';
import { registry } from '../../ir/ops/index.ts';
import {
  type Block,
  type Func,
  mainFunction,
  type Module,
  type Op,
  type ValueId,
  valueInfo,
  walkOps,
} from '../../ir/program.ts';
import { importStablehlo } from '../../ir/stablehlo/import.ts';
import type { TensorType } from '../../ir/types.ts';
import { typeText } from '../../ir/types.ts';
import { passNamed, passContext } from '../../compiler/pipeline.ts';
import { propagate } from '../../passes/propagate/propagate.ts';
import { RULES_ONLY } from '../../passes/propagate/rules-only.ts';

export const PYTHON = '.venv/bin/python';

/** One row of values: an op's results, or an end of an inlined call. */
export type Row = readonly [what: string, types: readonly string[], layouts: readonly (string | null)[]];
type Boundary = readonly [params: readonly (string | null)[], results: readonly (string | null)[]];

export interface Judged {
  readonly name: string;
  readonly error?: string;
  readonly boundary: Boundary;
  readonly values: readonly Row[];
  readonly final: Boundary;
  readonly rules: readonly (readonly [op: string, rule: string | null])[];
}

export interface Program {
  readonly name: string;
  readonly text: string;
}

/** jaxlib is there. */
export const hasOracle = (): boolean =>
  existsSync(PYTHON) && spawnSync(PYTHON, ['-c', 'import jaxlib.mlir.dialects.sdy']).status === 0;

/** What Shardy says of each program; one Python process for all. */
export function askOracle(programs: readonly Program[]): readonly Judged[] {
  const run = spawnSync(PYTHON, ['tests/propagate/oracle.py'], {
    input: JSON.stringify(programs),
    encoding: 'utf8',
    maxBuffer: 1 << 30,
  });
  if (run.status !== 0) throw new Error(run.stderr);
  return JSON.parse(run.stdout) as Judged[];
}

export interface Answer {
  readonly boundary: Boundary;
  readonly values: readonly Row[];
}

/** What shardc says, in the oracle's form. */
export function ourAnswer(program: Program): Answer {
  const parsed = importStablehlo({ file: program.name, text: program.text }, { asWritten: true });
  const { module } = propagate(
    passNamed('split-constants').run(
      parsed,
      passContext(registry, () => {}),
    ),
    registry,
    { asWritten: true },
  );
  const func = mainFunction(module);
  const text = (id: ValueId): string | null => layoutOf(module, valueInfo(func, id).layout);
  const values: Row[] = [];
  const read = new Set([...walkOps(func.body)].flatMap((op) => op.operands));
  const visit = (block: Block): void => {
    for (const op of block.ops) {
      // A constraint that nothing reads asks its operand for a layout, and is gone in Shardy's output.
      if (op.kind === 'sharding_constraint' && !read.has(op.results[0] as ValueId)) continue;
      if (op.results.length > 0)
        values.push([op.kind, op.results.map((r) => typeText(valueInfo(func, r).type)), op.results.map(text)]);
      if (op.kind === 'while' || op.kind === 'case' || op.kind === 'manual_computation') op.regions.forEach(visit);
    }
  };
  visit(func.body);
  return { boundary: [func.body.params.map(text), func.resultLayouts.map((l) => layoutOf(module, l))], values };
}

function layoutOf(module: Module, layout: Layout | undefined): string | null {
  const mesh: Mesh | undefined = module.meshes.find((m) => m.name === layout?.mesh);
  return layout === undefined || mesh === undefined ? null : layoutText(mesh, layout);
}

export interface Comparison {
  readonly compared: number;
  readonly differences: readonly string[];
}

/**
 * Shardy copies a whole call of constants per use of any of its results, shardc only the result used: the other's copies
 * have no user and are passed over.
 */
const LOOK_AHEAD = 16;

/** Every argument, result and op result, in program order. */
export function compareValues(ours: Answer, judged: Judged): Comparison {
  const differences: string[] = [];
  let compared = 0;
  const check = (what: string, a: string | null | undefined, b: string | null | undefined): void => {
    compared++;
    if (plain(a) !== plain(b)) differences.push(`${what}: shardc ${a ?? 'none'}, Shardy ${b ?? 'none'}`);
  };
  for (const side of [0, 1] as const) {
    judged.boundary[side].forEach((layout, i) =>
      check(`${side === 0 ? 'argument' : 'result'} ${i}`, ours.boundary[side][i], layout),
    );
  }
  const theirs = judged.values.filter(([what]) => hasCalls(ours) || !what.startsWith('call '));
  let at = 0;
  for (const [kind, types, layouts] of ours.values) {
    const same = (row: Row): boolean =>
      plainName(row[0]) === plainName(kind) && row[1].map(plainType).join() === types.join();
    const skip = theirs.slice(at, at + LOOK_AHEAD).findIndex(same);
    const name = `${at} ${kind} ${types.join(', ')}`;
    if (skip < 0) {
      if (differences.length < 20) differences.push(`${name}: Shardy has no such op there`);
      continue;
    }
    const judgedRow = theirs[at + skip] as Row;
    layouts.forEach((layout, i) => check(`${name} #${i}`, layout, judgedRow[2][i]));
    at += skip + 1;
  }
  return { compared, differences };
}

const hasCalls = (ours: Answer): boolean => ours.values.some(([what]) => what.startsWith('call '));

/** Fully open and no sharding at all mean the same. */
const plain = (layout: string | null | undefined): string | null =>
  layout === undefined || layout === null || /^\{(\?(, \?)*)?\}$/.test(layout) ? null : layout;

const plainName = (name: string): string => name.replace(/^(stablehlo|sdy|chlo)\./, '').replace('custom_call', 'top_k');

function plainType(text: string): string {
  const [, dims = '', element = ''] = /^tensor<((?:\d+x)*)(\w+)>$/.exec(text) ?? [];
  const dtype = element === 'i1' ? 'pred' : element.replace(/^ui/, 'u');
  return `${dtype}[${dims
    .split('x')
    .filter((d) => d !== '')
    .join(',')}]`;
}

/** The factor rule of every op of the program as written, against `sdy-populate-op-sharding-rules`. */
export function compareRules(program: Program, judged: Judged, known: Registry = registry): Comparison {
  const parsed = importStablehlo({ file: program.name, text: program.text }, { asWritten: true });
  const ours = parsed.functions.flatMap((f) => rulesOf(f, known));
  const differences: string[] = [];
  judged.rules.forEach(([op, rule], i) => {
    const theirs = rule === null ? null : rule.replace(/^#sdy\.op_sharding_rule<(.*)>$/s, '$1');
    const mine = ours[i];
    if (mine === undefined || plainName(mine[0]) !== plainName(op.replace('func.', '')))
      differences.push(`${i} ${op}: shardc has ${mine?.[0] ?? 'no op'} there`);
    else if (mine[1] !== theirs)
      differences.push(`${i} ${op}: shardc ${mine[1] ?? 'none'}, Shardy ${theirs ?? 'none'}`);
  });
  return { compared: judged.rules.length, differences };
}

/** In the order in which MLIR walks: an op, then its regions. */
function rulesOf(func: Func, known: Registry): [string, string | null][] {
  const found: [string, string | null][] = [];
  const types = (ids: readonly ValueId[]): TensorType[] => ids.map((v) => valueInfo(func, v).type);
  const makers = new Map<ValueId, Op>();
  const visit = (block: Block): void => {
    for (const op of block.ops) {
      for (const r of op.results) makers.set(r, op);
      if (op.results.length > 0) found.push([op.kind, ruleOf(op)]);
      op.regions.forEach(visit);
    }
  };
  const ruleOf = (op: Op): string | null => {
    if (op.kind === 'constant' || op.kind === 'iota') return null;
    const kind = op.kind === 'sharding_constraint' ? 'negate' : op.kind;
    const rule = (known[kind]?.factors ?? RULES_ONLY[kind])?.({
      kind,
      attrs: op.attrs,
      regions: op.regions,
      operands: types(op.operands),
      results: types(op.results),
      makers: op.operands.map((v) => makers.get(v)),
      values: op.operands,
    });
    return rule === undefined ? null : ruleText(rule);
  };
  visit(func.body);
  return found;
}
