/** Runs a program as one device would: the meaning that every partitioned form must reproduce. */
import type { Precision, TensorArray } from '../ir/array.ts';
import { internalError } from '../ir/diagnostics.ts';
import type { Registry } from '../ir/op.ts';
import { isCollective, mainFunction, type Module, type Op } from '../ir/program.ts';
import { type Meaning, runFunction, type Scope } from './control-flow.ts';
import { runStacked } from './kernels/index.ts';
import { definitionOf, kernelContext } from './region-call.ts';
import { rowOf, stackOfOne } from './stacked.ts';

/**
 * Results of main on global arrays, at any level with global shapes (parsed … collective). Layouts mean nothing here:
 * reshards and collectives only say where data lies, so they are the identity, also on values whose sum is still owed.
 */
export function runOneDevice(
  module: Module,
  registry: Registry,
  inputs: readonly TensorArray[],
  precision: Precision,
): TensorArray[] {
  if (module.level === 'local' || module.level === 'scheduled') {
    throw internalError(`runOneDevice needs global shapes; the module is at level ${module.level}`);
  }
  return [...runFunction(module, mainFunction(module), inputs, new OneDevice(registry, precision))];
}

class OneDevice implements Meaning<TensorArray> {
  private readonly registry: Registry;
  private readonly precision: Precision;

  constructor(registry: Registry, precision: Precision) {
    this.registry = registry;
    this.precision = precision;
  }

  op(op: Op, operands: readonly TensorArray[], scope: Scope<TensorArray>): readonly TensorArray[] {
    if (isCollective(op)) return operands;
    if (op.kind === 'axis_index') throw internalError('axis_index before the local level');
    const view = scope.code.view(op);
    const call = {
      view,
      operands: operands.map((x) => ({ stack: stackOfOne(x) })),
      copies: 1,
      precision: this.precision,
    };
    const made = op.regions.length > 0 && op.kind !== 'reduce' ? undefined : runStacked(this.registry, call);
    if (made !== undefined) return [rowOf(made, 0)];
    const context = kernelContext(this.registry, this.precision, scope.code, (id) => scope.values[id]);
    return definitionOf(this.registry, op).kernel(view, operands, context);
  }

  scalar(value: TensorArray): number {
    return Number(value.data[0]);
  }
}
