/** A compiled program in code: what it is, what it costs, and its numbers on one device and on the mesh. */
import type { Diagnostic } from '../../ir/diagnostics.ts';
import type { Registry } from '../../ir/op.ts';
import { registry as standard } from '../../ir/ops/index.ts';
import { mainFunction, type Module, valueInfo } from '../../ir/program.ts';
import { exportStablehlo } from '../../ir/stablehlo/export.ts';
import { printTir } from '../../ir/text/print.ts';
import { machine as machineNamed, type Machine } from '../../runtime-sim/machine/machine.ts';
import { runOneDevice } from '../../runtime-sim/interpret.ts';
import { runSpmd } from '../../runtime-sim/spmd.ts';
import { type CheckMode, type CheckOutcome, runCheck } from '../check.ts';
import { compile as compileModule, type Compiled, type CompileOptions } from '../compile.ts';
import { explainValue } from '../explain.ts';
import { makeReport, type Report } from '../report.ts';
import { type ArrayLike, arrayOf, isArrayLike, type NDArray } from './arrays.ts';
import { fail } from './errors.ts';
import { isSpec, type Spec } from './spec.ts';
import type { Tensor } from './tensor.ts';
import { Traced, trace, type TraceOptions } from './trace-function.ts';
import { isRecord, leavesOf, type MapTree, rebuild } from './tree.ts';

/** Trees of arrays in the place of a function's tensors. */
export type ArraysOf<A extends readonly unknown[]> = { readonly [K in keyof A]: MapTree<A[K], ArrayLike> };

export interface ProgramOptions extends Omit<CompileOptions, 'registry'> {
  /** Preset whose figures the report has; default tpu-v5e. */
  readonly machine?: string | Machine;
  /** How the report proves the program: default `auto`. */
  readonly check?: CheckMode;
  readonly seed?: number;
}

/** Traces a function of tensors and compiles it for its mesh; or compiles what was traced or parsed. */
export function compile<A extends readonly unknown[], R>(
  fn: (...args: A) => R,
  options: TraceOptions<A, NoInfer<R>> & ProgramOptions,
): Program<A, R>;
export function compile<A extends readonly unknown[], R>(traced: Traced<A, R>, options?: ProgramOptions): Program<A, R>;
export function compile(module: Module, options?: ProgramOptions & { readonly registry?: Registry }): Program;
export function compile(
  source: Module | Traced | ((...args: readonly unknown[]) => unknown),
  options: Partial<TraceOptions> & ProgramOptions = {},
): Program {
  const traced = typeof source === 'function' ? traceWith(source, options) : source;
  if ((traced instanceof Traced ? traced.module : traced).meshes.length === 0)
    fail('SH0216', 'the program has no mesh', { help: 'compile(fn, { mesh: mesh({ data: 2, model: 4 }), args })' });
  if (traced instanceof Traced) return new Program(traced.module, traced.registry, options, traced);
  return new Program(traced, options.registry ?? standard, options);
}

function traceWith(fn: (...args: readonly unknown[]) => unknown, options: Partial<TraceOptions>): Traced {
  const { args } = options;
  if (args === undefined)
    fail('SH0607', 'compile needs to know what the arguments are', { expected: 'args: one spec per parameter' });
  return trace(fn, { ...options, args });
}

export class Program<A extends readonly unknown[] = readonly unknown[], R = unknown> implements Compiled {
  declare readonly source: Module;
  declare readonly whole: Module;
  declare readonly module: Module;
  declare readonly propagated: Module | undefined;
  declare readonly collective: Module | undefined;
  declare readonly local: Module | undefined;
  declare readonly causes: Compiled['causes'];
  declare readonly decided: Compiled['decided'];
  declare readonly conflicts: Compiled['conflicts'];
  declare readonly diagnostics: readonly Diagnostic[];
  declare readonly registry: Registry;
  declare readonly passes: Compiled['passes'];
  declare readonly pace: Compiled['pace'];
  private readonly options: ProgramOptions;
  private readonly traced: Traced | undefined;
  private outcome: CheckOutcome | undefined;

  constructor(source: Module, registry: Registry, options: ProgramOptions, traced?: Traced) {
    const compiled: Compiled = compileModule(source, { ...options, registry });
    Object.assign(this, compiled);
    this.options = options;
    this.traced = traced;
  }

  /** Is the mesh's program the one-device program, on numbers? Run once. */
  check(): CheckOutcome {
    this.outcome ??= runCheck(this, this.options.check ?? 'auto', this.options.seed ?? 0);
    return this.outcome;
  }

  /** Wire bytes, memory, seconds and the check, as `--emit report` has them. */
  report(): Report {
    const { machine = 'tpu-v5e' } = this.options;
    return makeReport(this, typeof machine === 'string' ? machineNamed(machine) : machine, this.check()).report;
  }

  /** Layouts of arguments and results, as text. */
  layouts(): Report['layouts'] {
    return this.report().layouts;
  }

  explain(value: string): string {
    return explainValue(this, value);
  }

  /** The per-device program; or the program as traced, for `parsed`. */
  toText(level: 'parsed' | 'propagated' | 'local' = 'local'): string {
    const module =
      level === 'parsed' ? this.source : level === 'propagated' ? (this.propagated ?? this.module) : this.module;
    return printTir(module, { reasons: true });
  }

  /** The per-device program as XLA runs it. */
  toStableHLO(): string {
    return exportStablehlo(this.source, this.module, this.registry);
  }

  /** On the simulated mesh, in the program's own element types. */
  run(...args: ArraysOf<A>): MapTree<R, NDArray> {
    const expected = mainFunction(this.source).resultTypes.map((t) => t.shape);
    return this.results(
      runSpmd(this.module, this.registry, this.inputs(args), 'true', { resultShapes: expected }).results,
    );
  }

  /** The same on one device, without a mesh. */
  runOneDevice(...args: ArraysOf<A>): MapTree<R, NDArray> {
    return this.results(runOneDevice(this.whole, this.registry, this.inputs(args), 'true'));
  }

  private inputs(args: readonly unknown[]) {
    const func = mainFunction(this.source);
    const given =
      this.traced === undefined ? args.map((leaf) => ({ path: '', leaf })) : flattenLike(this.traced.args, args);
    if (given.length !== func.body.params.length)
      fail('SH0612', `the program takes ${func.body.params.length} arrays, the run was given ${given.length}`);
    return func.body.params.map((p, i) => {
      const { type, name } = valueInfo(func, p);
      const leaf = given[i]?.leaf;
      const what = `argument ${name ?? i}`;
      if (!isArrayLike(leaf)) fail('SH0612', `${what} is not an array of numbers`);
      return arrayOf(leaf, type, what);
    });
  }

  private results(arrays: readonly NDArray[]): MapTree<R, NDArray> {
    if (this.traced === undefined) return arrays as unknown as MapTree<R, NDArray>;
    let next = 0;
    return rebuild(this.traced.result, isResult, () => arrays[next++]) as MapTree<R, NDArray>;
  }
}

const isResult = (node: unknown): node is Pick<Tensor, 'dtype' | 'shape'> =>
  isRecord(node) && typeof node.dtype === 'string' && Array.isArray(node.shape);

/** The leaves of `args` at the places where `specs` has its own: arrays may be nested lists, which are no tree. */
function flattenLike(specs: readonly unknown[], args: readonly unknown[]): { path: string; leaf: unknown }[] {
  if (specs.length !== args.length)
    fail('SH0612', `the function has ${specs.length} parameters, the run was given ${args.length}`);
  return leavesOf<Spec>(specs, isSpec).map(({ path }) => ({ path, leaf: at(args, path) }));
}

function at(tree: unknown, path: string): unknown {
  let node = tree;
  for (const key of path.split('.')) {
    const holds = typeof node === 'object' && node !== null && Object.hasOwn(node, key);
    if (!holds) fail('SH0612', `the run was given no array for argument ${path.replace('.', ', ')}`);
    node = (node as Record<string, unknown>)[key];
  }
  return node;
}
