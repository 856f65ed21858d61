/** Any op of the trace's registry by its kind: how an op from outside is used. */
import type { Attrs } from '../../ir/program.ts';
import { suggestion } from '../../ir/text/problems.ts';
import { fail } from './errors.ts';
import { lift } from './ops/lift.ts';
import type { Operand, Tensor } from './tensor.ts';
import { currentTrace } from './trace.ts';

/** `op('my_op', [x, y], { width: 3 })`: its results. Operands are taken as they are; numbers follow the tensor beside them. */
export function op(kind: string, operands: readonly Operand[], attrs: Attrs = {}): Tensor[] {
  const trace = currentTrace();
  if (!Object.hasOwn(trace.b.registry, kind)) {
    const near = suggestion(kind, Object.keys(trace.b.registry));
    fail('SH0204', `there is no op "${kind}" in the registry of this trace`, {
      help: near ?? 'give the registry that has it: trace(fn, { registry, … })',
    });
  }
  const ids = trace.build((b) => {
    const values = operands.some((x) => typeof x !== 'object')
      ? lift(trace, operands)
      : operands.map((x) => trace.id(x as Tensor));
    return b.apply(kind, values, attrs);
  });
  return ids.map((id) => trace.tensor(id));
}
