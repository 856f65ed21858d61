/** expansion: what an op from outside is exported as computes what its kernel computes. */
import type { TensorArray } from '../../../../ir/array.ts';
import { expandOps } from '../../../../ir/stablehlo/expand-ops.ts';
import { compareResults } from '../../../../runtime-sim/check.ts';
import { runOneDevice } from '../../../../runtime-sim/interpret.ts';
import type { Findings, LawContext } from '../law.ts';
import { moduleOf } from '../one-op-module.ts';

const TOLERANCE = 1e-9;

export function checkExpansion({ def, registry, example }: LawContext, found: Findings): void {
  if (def.expand === undefined) return;
  found.check('expansion', () => {
    const module = moduleOf(example);
    const run = (m: typeof module): TensorArray[] => runOneDevice(m, registry, example.inputs, 'wide');
    const { worst } = compareResults(run(module), run(expandOps(module, registry)), TOLERANCE);
    return worst <= TOLERANCE ? undefined : `it differs from the kernel by ${worst}`;
  });
}
