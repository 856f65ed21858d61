/** The check on numbers: which one a program gets (full, shrunk), and what came out. */
import { DiagnosticError, internalError } from '../ir/diagnostics.ts';
import { deviceCount, type Mesh } from '../ir/mesh.ts';
import type { Registry } from '../ir/op.ts';
import { mainFunction, type Module } from '../ir/program.ts';
import { localize } from '../passes/partition/localize.ts';
import { schedule } from '../passes/schedule/schedule.ts';
import { blame, blameText } from '../runtime-sim/blame.ts';
import { type CheckRequest, type CheckResult, checkEquivalence } from '../runtime-sim/check.ts';
import { makeInputs } from '../runtime-sim/inputs.ts';
import { footprint, MEMORY_BUDGET } from '../runtime-sim/memory/footprint.ts';
import { shrinkModule } from '../runtime-sim/shrink.ts';
import { onSmallerMesh } from '../runtime-sim/smaller-mesh.ts';
import { devicesOf } from '../runtime-sim/spmd.ts';
import { stepsOf } from '../runtime-sim/steps.ts';
import { workOf } from '../runtime-sim/work.ts';
import type { Compiled } from './compile.ts';
import { progressOn } from './progress.ts';
import { meshText } from './units.ts';

export type CheckMode = 'auto' | 'full' | 'shrunk' | 'off';

export interface CheckOutcome {
  readonly mode: 'full' | 'shrunk' | 'off';
  readonly devices: number;
  /** That it ran on, where that is not the program's own. */
  readonly mesh?: string;
  readonly maxRelError: number | null;
  readonly verdict: 'ok' | 'failed' | 'not run';
  /** Why it was not run, or what differs first. */
  readonly reason?: string;
}

/** Runs the check that was asked for, or says why it did not (an op that the simulator cannot run). `auto`: full where it fits, else shrunk. */
export function runCheck(compiled: Compiled, mode: CheckMode, seed: number): CheckOutcome {
  const devices = deviceCount(compiled.module.meshes[0] ?? { name: '', axes: [] });
  if (mode === 'off') return { mode: 'off', devices, maxRelError: null, verdict: 'not run', reason: '--check off' };
  try {
    return run(compiled, mode, seed);
  } catch (error) {
    const missing =
      error instanceof DiagnosticError ? error.diagnostics.find((d) => d.cause === 'unsupported') : undefined;
    if (missing === undefined) throw error;
    return {
      mode: mode === 'shrunk' ? 'shrunk' : 'full',
      devices,
      maxRelError: null,
      verdict: 'not run',
      reason: missing.message,
    };
  }
}

function run(compiled: Compiled, mode: Exclude<CheckMode, 'off'>, seed: number): CheckOutcome {
  if (
    mode === 'shrunk' ||
    (mode === 'auto' && !(fitsInFull(compiled.whole, compiled.registry) && fitsInMemory(compiled.module)))
  )
    return shrunkCheck(compiled, seed);
  return proved('full', { whole: compiled.whole, local: compiled.module, registry: compiled.registry, seed });
}

/**
 * Same ops, axes and groups at small extents, on the true mesh or, where that is still too much, on a smaller one: with and
 * without its collectives. A scheduled program is scheduled again at these extents, by the same pass for the same machine; what it puts in flight may differ, as small
 * ops take other times.
 */
function shrunkCheck(compiled: Compiled, seed: number): CheckOutcome {
  const { collective, registry, pace } = compiled;
  if (collective === undefined) throw internalError('the shrunk check needs the collective level');
  const onItsMesh = (whole: Module): CheckRequest => {
    const plain = localize(whole, registry);
    return { whole, local: pace === undefined ? plain : schedule(plain, pace), registry, seed };
  };
  const { module: whole } = shrinkModule(collective, registry);
  const request = fitsInFull(whole, registry) ? onItsMesh(whole) : undefined;
  if (request !== undefined && fitsInMemory(request.local)) return proved('shrunk', request);
  const smaller = onSmallerMesh(collective);
  if (smaller === undefined) return proved('shrunk', request ?? onItsMesh(whole));
  return proved('shrunk', onItsMesh(shrinkModule(smaller, registry).module), smaller.meshes[0]);
}

/** A check that fails says what differs first, and where the program goes wrong. */
function proved(mode: 'full' | 'shrunk', request: CheckRequest, smaller?: Mesh): CheckOutcome {
  const { whole, local } = request;
  const progress = progressOn(process.stderr, `check on ${devicesOf(local)} devices`, stepsOf(whole) + stepsOf(local));
  let result: CheckResult;
  try {
    result = checkEquivalence({ ...request, onStep: progress.step });
  } finally {
    progress.end();
  }
  return {
    mode,
    devices: result.devices,
    ...(smaller === undefined ? {} : { mesh: meshText(smaller.axes.map((a) => [a.name, a.size])) }),
    maxRelError: result.maxRelError,
    verdict: result.verdict,
    ...(result.verdict === 'ok' ? {} : { reason: reasonOf(result, request) }),
  };
}

function reasonOf(result: CheckResult, request: CheckRequest): string {
  const { whole, local, registry, seed } = request;
  const first = result.firstDifference;
  const differs =
    result.reason ??
    (first === undefined
      ? 'the results differ'
      : `result ${first.result}, element [${first.index.join(', ')}] on device ${first.device}: expected ${first.expected}, got ${first.got}`);
  const inputs = makeInputs(mainFunction(whole), seed, 'wide');
  const blamed = blame({ whole, local, registry, inputs, tolerance: request.tolerance ?? 1e-9 });
  return blamed === undefined ? differs : `${differs}\n${blameText(blamed)}`;
}

/** The per-device program on all devices of its mesh. */
const fitsInMemory = (module: Module): boolean =>
  footprint(mainFunction(module), deviceCount(module.meshes[0] ?? { name: '', axes: [] })) <= MEMORY_BUDGET;

/** Work and memory that a full check may take: 4 GFLOP of one-device work, 256 M elements held. */
const FULL_FLOPS = 4e9;
const FULL_ELEMENTS = 2.56e8;
/** Can the one-device program be run on numbers here? By its matrix arithmetic and its arrays; loops times their trips. */
export function fitsInFull(module: Module, registry: Registry): boolean {
  const { flops, elements } = workOf(module, registry);
  return flops <= FULL_FLOPS && elements <= FULL_ELEMENTS;
}
