/** `--reduction-order`: what rounding in the element types does when collectives add in a machine's order. */
import { userError } from '../ir/diagnostics.ts';
import { isCollective, mainFunction, type Op, synchronous, typeOf, type ValueId, walkOps } from '../ir/program.ts';
import { compareResults } from '../runtime-sim/check.ts';
import { groupSize } from '../runtime-sim/cost/collective-bytes.ts';
import { makeInputs } from '../runtime-sim/inputs.ts';
import { runOneDevice } from '../runtime-sim/interpret.ts';
import { errorBound, type ReductionOrder } from '../runtime-sim/reduction-order.ts';
import { runSpmd } from '../runtime-sim/spmd.ts';
import { fitsInFull } from './check.ts';
import type { Compiled } from './compile.ts';

export interface Drift {
  readonly order: ReductionOrder;
  /** Worst |a−b| / (|a| + rms) over the results against one device in f64: of the mesh in this order, of one device. */
  readonly mesh: number;
  readonly oneDevice: number;
  /** Worst error of a single reduction, relative to the sum of its terms' magnitudes. */
  readonly boundPerReduction: number;
}

export function reductionDrift(compiled: Compiled, order: ReductionOrder, seed: number): Drift {
  const { whole, module, registry } = compiled;
  if (!fitsInFull(whole, registry))
    throw userError(
      'SH0709',
      'the program is too big to run on numbers here, so --reduction-order has nothing to measure',
      {
        help: 'measure a smaller copy of it',
      },
    );
  const main = mainFunction(whole);
  const exact = runOneDevice(whole, registry, makeInputs(main, seed, 'wide'), 'wide');
  const inputs = makeInputs(main, seed, 'true');
  const resultShapes = exact.map((e) => e.shape);
  const alone = runOneDevice(whole, registry, inputs, 'true');
  const mesh = runSpmd(module, registry, inputs, 'true', { resultShapes, reductionOrder: order, checkClaims: false });
  return {
    order,
    mesh: compareResults(exact, mesh.results, Number.POSITIVE_INFINITY).worst,
    oneDevice: compareResults(exact, alone, Number.POSITIVE_INFINITY).worst,
    boundPerReduction: worstBound(compiled, order),
  };
}

function worstBound({ module }: Compiled, order: ReductionOrder): number {
  const func = mainFunction(module);
  let worst = 0;
  for (const written of walkOps(func.body)) {
    const op: Op = synchronous(written);
    if (!isCollective(op) || (op.kind !== 'all_reduce' && op.kind !== 'reduce_scatter')) continue;
    worst = Math.max(worst, errorBound(order, groupSize(op), typeOf(func, op.operands[0] as ValueId).dtype));
  }
  return worst;
}
