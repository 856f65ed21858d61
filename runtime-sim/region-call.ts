/** Runs the regions that kernels call (reducers, comparators) on arrays. They hold straight-line tensor ops. */
import type { Precision, Storage, TensorArray } from '../ir/array.ts';
import { internalError, unsupported } from '../ir/diagnostics.ts';
import type { AnyOpDef, KernelContext, Registry } from '../ir/op.ts';
import { type Block, isCollective, isStructural, type Op, type ValueId } from '../ir/program.ts';
import type { FunctionCode } from './control-flow.ts';

/** The context of one kernel call; `captured` gives values of the blocks around the op. */
export function kernelContext(
  registry: Registry,
  precision: Precision,
  code: FunctionCode,
  captured: (id: ValueId) => TensorArray | undefined,
): KernelContext {
  const context: KernelContext = {
    precision,
    call(region: Block, inputs: readonly TensorArray[]): TensorArray[] {
      const values = new Map<ValueId, TensorArray>();
      region.params.forEach((p, i) => values.set(p, inputs[i] as TensorArray));
      const lanes = inputs[0]?.shape ?? [];
      const read = (id: ValueId): TensorArray => {
        const value = values.get(id) ?? captured(id);
        if (value === undefined) throw internalError(`a region reads value ${id}, which is not there`);
        return splat(value, lanes);
      };
      for (const op of region.ops) {
        const operands = op.operands.map(read);
        if (op.kind === 'return') return operands;
        if (isStructural(op) || isCollective(op)) throw unsupported(`${op.kind} inside a reducer or comparator`);
        const inner = op.regions.length === 0 ? context : kernelContext(registry, precision, code, read);
        const results = definitionOf(registry, op).kernel(code.view(op), operands, inner);
        op.results.forEach((r, i) => values.set(r, results[i] as TensorArray));
      }
      throw internalError('a region has no terminator');
    },
  };
  return context;
}

/** Constants and captured scalars, where the region runs on many lanes at once. */
function splat(value: TensorArray, shape: readonly number[]): TensorArray {
  if (shape.length === 0 || value.shape.length > 0) return value;
  const count = shape.reduce((n, s) => n * s, 1);
  const data = new (value.data.constructor as new (n: number) => Storage)(count * value.data.length);
  for (let i = 0; i < data.length; i++) (data as Float64Array)[i] = value.data[i % value.data.length] as number;
  return { dtype: value.dtype, shape, data };
}

export function definitionOf(registry: Registry, op: Op): AnyOpDef {
  const def = Object.hasOwn(registry, op.kind) ? registry[op.kind] : undefined;
  if (def === undefined) throw unsupported(`running ${op.kind}: the registry does not define it`);
  return def;
}
