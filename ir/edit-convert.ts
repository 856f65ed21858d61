/** A module to the form that is changed in place (edit.ts), and back; copies of its ops and blocks. */
import { EditBlock, EditFunc, EditModule, EditOp, type EditValue } from './edit.ts';
import type { Block, Func, Level, Module, Op, ValueId, ValueInfo } from './program.ts';

export function edit(module: Module): EditModule {
  const made = new EditModule(module);
  for (const func of module.functions) made.functions.push(editFunc(func));
  return made;
}

function editFunc(func: Func): EditFunc {
  const made = new EditFunc(func);
  const values = new Map<ValueId, EditValue>();
  const info = (id: ValueId): ValueInfo => func.values[id] as ValueInfo;
  const fill = (block: Block, into: EditBlock): void => {
    for (const p of block.params) values.set(p, into.param(info(p)));
    for (const op of block.ops) {
      const regions = op.regions.map((region) => {
        const holder = new EditBlock(into.owner);
        fill(region, holder);
        return holder;
      });
      const operands = op.operands.map((v) => values.get(v) as EditValue);
      const twin = new EditOp(op.kind, op.attrs, op.origin, operands, op.results.map(info));
      op.results.forEach((r, i) => values.set(r, twin.results[i] as EditValue));
      for (const region of regions) twin.regions.push(adopt(region, twin));
      twin.append(into);
    }
  };
  fill(func.body, made.body);
  return made;
}

/** A block with its params and ops, now another owner's. */
export function adopt(block: EditBlock, owner: EditOp | EditFunc): EditBlock {
  (block as { owner: EditOp | EditFunc }).owner = owner;
  return block;
}

/** A copy of a block, the outer op's uses before those in its regions. Values from outside are `map`ped or kept. */
export function cloneBlock(
  block: EditBlock,
  owner: EditOp | EditFunc,
  map = new Map<EditValue, EditValue>(),
): EditBlock {
  const made = new EditBlock(owner);
  for (const p of block.params) map.set(p, made.param(p.info));
  for (const op of block.ops()) cloneOp(op, map).append(made);
  return made;
}

export function cloneOp(op: EditOp, map: Map<EditValue, EditValue>): EditOp {
  const operands = op.operands.map((v) => map.get(v) ?? v);
  const made = new EditOp(
    op.kind,
    op.attrs,
    op.origin,
    operands,
    op.results.map((r) => r.info),
  );
  op.results.forEach((r, i) => map.set(r, made.results[i] as EditValue));
  for (const region of op.regions) made.regions.push(cloneBlock(region, made, map));
  return made;
}

/** `ids` is told the id of every value, which is unique in its function. */
export function finish(module: EditModule, level: Level, ids = new Map<EditValue, ValueId>()): Module {
  return {
    name: module.name,
    level,
    meshes: module.meshes,
    functions: module.functions.map((f) => finishFunc(f, ids)),
    ...(module.attrs === undefined ? {} : { attrs: module.attrs }),
    ...(module.source === undefined ? {} : { source: module.source }),
  };
}

/** A region as a rule may look at it; values from outside have no meaning in it. */
export function readonlyRegion(block: EditBlock): Block {
  return finishBlock(block, [], new Map());
}

function finishFunc(func: EditFunc, ids: Map<EditValue, ValueId>): Func {
  const values: ValueInfo[] = [];
  const body = finishBlock(func.body, values, ids);
  const { name, isPublic, saysPublic, resultTypes, resultLayouts, paramAttrs, resultAttrs, attrs } = func;
  const rest = attrs === undefined ? {} : { attrs };
  return { name, isPublic, saysPublic, body, values, resultTypes, resultLayouts, paramAttrs, resultAttrs, ...rest };
}

function finishBlock(from: EditBlock, values: ValueInfo[], ids: Map<EditValue, ValueId>): Block {
  const name = (v: EditValue): ValueId => {
    const id = (values.push(v.info) - 1) as ValueId;
    ids.set(v, id);
    return id;
  };
  const params = from.params.map(name);
  const ops: Op[] = [];
  for (const op of from.ops()) {
    const operands = op.operands.map((v) => ids.get(v) as ValueId);
    const regions = op.regions.map((r) => finishBlock(r, values, ids));
    ops.push({ kind: op.kind, attrs: op.attrs, origin: op.origin, operands, regions, results: op.results.map(name) });
  }
  return { params, ops };
}
