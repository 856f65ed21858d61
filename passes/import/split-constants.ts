/**
 * One copy of a constant sub-computation per use, so that a constant never couples the layouts of two users
 * (Shardy's constant-or-scalar-splitter).
 *
 *   %c = constant; %a = add %x, %c; %b = add %y, %c   →   %c, %c' = constant twice
 */
import { FuncBuilder } from '../../ir/build.ts';
import type { Registry } from '../../ir/op.ts';
import { type Block, mainFunction, type Module, type Op, type ValueId, valueInfo } from '../../ir/program.ts';

export function splitConstants(module: Module, registry: Registry): Module {
  const func = mainFunction(module);
  const builder = new FuncBuilder(func.values);
  const constant = new Map<ValueId, Op>();
  const used = new Set<ValueId>();

  const copy = (id: ValueId): ValueId => {
    const op = constant.get(id);
    if (op === undefined) return id;
    if (!used.has(id)) {
      used.add(id);
      return id;
    }
    const made = builder.value(valueInfo(func, id).type, valueInfo(func, id));
    builder.push({ ...op, operands: op.operands.map(copy), results: [made] });
    return made;
  };
  const visit = (block: Block): Block => builder.region(() => {
    for (const p of block.params) builder.paramAt(p);
    for (const op of block.ops) {
      if (isConstant(op, constant, registry)) constant.set(op.results[0] as ValueId, op);
      const operands = op.operands.map(copy);
      builder.push({ ...op, operands, regions: op.regions.map(visit) });
    }
  });
  const body = visit(func.body);
  return { ...module, functions: [{ ...func, body, values: builder.values }] };
}

/** constant, iota, a broadcast of a scalar constant, or an elementwise op on constants only. */
function isConstant(op: Op, constant: ReadonlyMap<ValueId, Op>, registry: Registry): boolean {
  if (op.results.length !== 1 || op.regions.length > 0) return false;
  if (op.kind === 'constant' || op.kind === 'iota') return true;
  if (op.operands.length === 0 || !op.operands.every((v) => constant.has(v))) return false;
  return op.kind === 'broadcast_in_dim' || op.kind === 'reshape' || op.kind === 'slice' || (registry[op.kind] !== undefined && registry[op.kind]?.flops === undefined);
}
