/** Which dims of a function are of one length: those that share a factor of an op, or are one value on two sides of a structure. */
import { type DimOf, DimUnion } from '../../../ir/dim-union.ts';
import { collectives } from '../../../ir/ops/collectives.ts';
import type { OpView, Registry } from '../../../ir/op.ts';
import { type Block, type Func, isStructural, type Op, type ValueId, valueInfo } from '../../../ir/program.ts';
import type { TensorType } from '../../../ir/types.ts';
import { majorOf, padView } from './joins.ts';

/** `reshards`: do the two sides of a layout change have one length? */
export function dimClasses(func: Func, registry: Registry, reshards: boolean): DimUnion {
  const dims = new DimUnion(func.values.map((v) => v.type));
  const blocks: Block[] = [func.body];
  for (let block = blocks.pop(); block !== undefined; block = blocks.pop()) {
    for (const op of block.ops) {
      if (op.kind === 'while' || op.kind === 'case' || op.kind === 'manual_computation') blocks.push(...op.regions);
      if (!isStructural(op)) joinByFactors(func, op, registry, dims);
      else if (reshards || op.kind !== 'reshard') joinStructural(func, op, dims);
    }
  }
  return dims;
}

function joinStructural(func: Func, op: Op, dims: DimUnion): void {
  const joinLists = (a: readonly ValueId[], b: readonly ValueId[]): void =>
    a.forEach((v, i) => dims.joinAll(v, b[i] as ValueId));
  const returned = (block: Block | undefined): readonly ValueId[] => block?.ops.at(-1)?.operands ?? [];
  switch (op.kind) {
    case 'while': {
      const [cond, body] = op.regions as readonly [Block, Block];
      for (const list of [op.operands, cond.params, body.params, returned(body)]) joinLists(op.results, list);
      return;
    }
    case 'case':
      for (const branch of op.regions) joinLists(op.results, returned(branch));
      return;
    case 'manual_computation': {
      const body = op.regions[0] as Block;
      const joinUnsplit = (a: ValueId, b: ValueId): void =>
        valueInfo(func, a).type.shape.forEach((size, dim) => {
          if (size === valueInfo(func, b).type.shape[dim]) dims.join({ id: a, dim }, { id: b, dim });
        });
      op.operands.forEach((v, i) => joinUnsplit(v, body.params[i] as ValueId));
      op.results.forEach((r, i) => joinUnsplit(r, returned(body)[i] as ValueId));
      return;
    }
    case 'optimization_barrier':
    case 'sharding_constraint':
    case 'reshard':
      joinLists(op.results, op.operands);
      return;
    default:
  }
}

function joinByFactors(func: Func, op: Op, registry: Registry, dims: DimUnion): void {
  const def = registry[op.kind] ?? collectives[op.kind];
  if (def === undefined) return;
  const { rule, pads } = padView(def, viewOf(func, op));
  const first = new Map<number, DimOf>();
  const visit = (ids: readonly ValueId[], tensors: typeof rule.operands): void =>
    ids.forEach((id, t) =>
      tensors[t]?.forEach((held, dim) => {
        const f = majorOf(rule, held);
        const pad = f === undefined ? null : pads[f];
        if (f === undefined || pad === null || pad === undefined || pad.apart !== undefined) return;
        const other = first.get(f);
        if (other === undefined) first.set(f, { id, dim });
        else dims.join(other, { id, dim });
      }),
    );
  visit(op.operands, rule.operands);
  visit(op.results, rule.results);
}

export function viewOf(func: Func, { kind, attrs, regions, operands, results }: Op): OpView {
  const types = (ids: readonly ValueId[]): TensorType[] => ids.map((v) => valueInfo(func, v).type);
  return { kind, attrs, regions, operands: types(operands), results: types(results) };
}
