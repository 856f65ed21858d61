/** Do two programs compute the same? Both are run on the same numbers, at whatever level each is. */
import { DiagnosticError } from '../../ir/diagnostics.ts';
import type { Registry } from '../../ir/op.ts';
import { registry as standard } from '../../ir/ops/index.ts';
import { mainFunction, type Module } from '../../ir/program.ts';
import { compareResults } from '../../runtime-sim/check.ts';
import { makeInputs } from '../../runtime-sim/inputs.ts';
import { runOneDevice } from '../../runtime-sim/interpret.ts';
import { runSpmd } from '../../runtime-sim/spmd.ts';
import type { TensorArray } from '../../ir/array.ts';
import { overrideMesh } from '../mesh-override.ts';

export interface EquivalenceOptions {
  /** Sizes of the mesh axes, as `x=2,y=4`. */
  readonly mesh?: string;
  readonly registry?: Registry;
  readonly seed?: number;
  /** Worst |a − b| / (|a| + rms a); default 1e-9, floats run as f64. */
  readonly tolerance?: number;
}

/** Throws with the first element that differs. */
export function expectEquivalent(before: Module, after: Module, options: EquivalenceOptions = {}): void {
  const found = difference(before, after, options);
  if (found !== undefined) throw new Error(found);
}

/** The first difference in words, or undefined. */
export function difference(before: Module, after: Module, options: EquivalenceOptions = {}): string | undefined {
  const { mesh, registry = standard, seed = 0, tolerance = 1e-9 } = options;
  const sized = (m: Module): Module => (mesh === undefined ? m : overrideMesh(m, mesh));
  const isLocal = (m: Module): boolean => m.level === 'local' || m.level === 'scheduled';
  const [a, b] = [sized(before), sized(after)];
  const whole = isLocal(a) ? b : a;
  const inputs = makeInputs(mainFunction(whole), seed, 'wide');
  const shapes = mainFunction(whole).resultTypes.map((t) => t.shape);
  const run = (m: Module): readonly TensorArray[] =>
    isLocal(m)
      ? runSpmd(m, registry, inputs, 'wide', { resultShapes: shapes }).results
      : runOneDevice(m, registry, inputs, 'wide');
  try {
    const { first, worst } = compareResults(run(a), run(b), tolerance);
    return first === undefined
      ? undefined
      : `result ${first.result} differs at [${first.index.join(', ')}]: expected ${first.expected}, got ${first.got} (worst relative error ${worst.toExponential(1)})`;
  } catch (error) {
    if (error instanceof DiagnosticError && error.diagnostics.some((d) => d.cause === 'unsupported')) throw error;
    return error instanceof Error ? error.message : String(error);
  }
}
