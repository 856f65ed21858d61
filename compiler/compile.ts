/** The one loop: runs the pipeline, times each pass, and stops where asked. */
import type { Diagnostic } from '../ir/diagnostics.ts';
import { DiagnosticError, userError } from '../ir/diagnostics.ts';
import type { Registry } from '../ir/op.ts';
import { registry as standard } from '../ir/ops/index.ts';
import type { Module } from '../ir/program.ts';
import { verify } from '../ir/verify.ts';
import { findDeadlocks } from '../runtime-sim/deadlock.ts';
import type { Prices } from '../passes/partition/prices.ts';
import type { Pass, PassContext } from '../passes/pass.ts';
import type { PaceOf } from '../passes/schedule/pace.ts';
import { passContext, passNamed, PIPELINE } from './pipeline.ts';

export interface CompileOptions {
  readonly registry?: Registry;
  /** Default: PIPELINE. */
  readonly pipeline?: readonly Pass[];
  /** Name of the last pass to run. */
  readonly stopAfter?: string;
  /** What plans are compared by. Default: wire bytes. */
  readonly prices?: Prices;
  /** The machine to decide and schedule for. Without one memory has no limit, and the program ends at the local level. */
  readonly pace?: PaceOf;
  readonly onPass?: (pass: Pass, module: Module, milliseconds: number) => void;
}

export interface Compiled {
  /** As parsed: its signature is the emitted program's. */
  readonly source: Module;
  /** The one-device program without calls: the meaning everything is checked against. */
  readonly whole: Module;
  /** At the last level reached. */
  readonly module: Module;
  readonly propagated: Module | undefined;
  /** At the local level: what XLA gets, which schedules by itself. */
  readonly local: Module | undefined;
  /** At the collective level: what the shrunk check shrinks. */
  readonly collective: Module | undefined;
  readonly causes: PassContext['causes'];
  /** What insert-reshards chose, and from what. */
  readonly decided: PassContext['decided'];
  readonly conflicts: PassContext['conflicts'];
  readonly diagnostics: readonly Diagnostic[];
  /** The machine it was scheduled for, where it was. */
  readonly pace: PaceOf | undefined;
  /** The ops it was compiled with. */
  readonly registry: Registry;
  readonly passes: readonly { readonly name: string; readonly ms: number }[];
}

/** Takes a parsed module through the pipeline. Throws DiagnosticError on what is wrong or not supported. */
export function compile(source: Module, options: CompileOptions = {}): Compiled {
  if (source.meshes.length === 0)
    throw userError('SH0216', 'the program has no mesh', {
      expected: 'a mesh in the file, or --mesh',
      help: 'give one: --mesh x=2,y=4; JAX writes its own where arguments or in_shardings have a NamedSharding',
    });
  const stop = options.stopAfter === undefined ? undefined : passNamed(options.stopAfter).name;
  if (source.level !== 'parsed')
    throw userError('SH0708', `the program is at the ${source.level} level already`, {
      expected: 'a program as written, without a level after its name',
      help: 'shardc opt runs single passes on it, shardc check looks at a per-device program',
    });
  const mistakes = verify(source, options.registry ?? standard);
  if (mistakes.length > 0) throw new DiagnosticError(mistakes);
  const diagnostics: Diagnostic[] = [];
  const passes: { name: string; ms: number }[] = [];
  const ctx = passContext(options.registry ?? standard, (d) => diagnostics.push(d), options.prices, options.pace);
  let module = source;
  let whole = source;
  let propagated: Module | undefined;
  let collective: Module | undefined;
  let local: Module | undefined;
  for (const pass of options.pipeline ?? PIPELINE) {
    if (pass.ensures === 'scheduled' && options.pace === undefined && pass.name !== stop) break;
    const started = performance.now();
    module = pass.run(module, ctx);
    const ms = performance.now() - started;
    passes.push({ name: pass.name, ms });
    if (pass.name === 'propagate') whole = propagated = module;
    if (pass.ensures === 'collective') collective = module;
    if (pass.ensures === 'local') local = module;
    options.onPass?.(pass, module, ms);
    if (pass.name === stop) break;
  }
  if (local !== undefined) diagnostics.push(...deadlocks(local, ctx.registry));
  return {
    source,
    whole,
    module,
    propagated,
    collective,
    local,
    causes: ctx.causes,
    decided: ctx.decided,
    conflicts: ctx.conflicts,
    diagnostics,
    pace: module.level === 'scheduled' ? ctx.pace : undefined,
    registry: ctx.registry,
    passes,
  };
}

/**
 * Collectives that some of their devices may never get to. A user's are told: their predicates may be the same for reasons
 * that only numbers show. A pass's are our bug.
 */
function deadlocks(module: Module, registry: Registry): readonly Diagnostic[] {
  const { diagnostics } = findDeadlocks(module, registry);
  const ours = diagnostics.filter((d) => d.cause === 'internal');
  if (ours.length > 0) throw new DiagnosticError(ours);
  return diagnostics.map((d) => ({ ...d, severity: 'warning' }));
}
