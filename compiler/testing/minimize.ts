/**
 * Shrinks a program while it keeps failing: results dropped, ops replaced by zeros, annotations taken away, and what
 * nobody reads left out, until none of these can be done.
 */
import { liveValues } from '../dsl/live-values.ts';
import { splatElements } from '../../ir/elements.ts';
import { hasEffect } from '../dsl/primitives.ts';
import {
  type Block,
  type Func,
  mainFunction,
  type Module,
  type Op,
  type ValueId,
  valueInfo,
  walkOps,
} from '../../ir/program.ts';
import type { TensorType } from '../../ir/types.ts';

/** `fails` says whether a candidate still shows what is looked for; it may throw, which counts as no. */
export function minimize(module: Module, fails: (candidate: Module) => boolean): Module {
  const still = (candidate: Module): boolean => {
    try {
      return fails(candidate);
    } catch {
      return false;
    }
  };
  let best = module;
  for (let smaller = true; smaller; ) {
    smaller = false;
    for (const candidate of candidates(best)) {
      const clean = swept(candidate);
      if (!still(clean)) continue;
      best = clean;
      smaller = true;
      break;
    }
  }
  return best;
}

/** Each a step smaller, the largest steps first. */
function* candidates(module: Module): Generator<Module> {
  const func = mainFunction(module);
  const end = func.body.ops.at(-1) as Op;
  if (end.operands.length > 1)
    for (let i = 0; i < end.operands.length; i++) yield withFunc(module, withoutResult(func, i));
  for (const op of [...walkOps(func.body)].reverse())
    if (op.kind !== 'constant' && op.kind !== 'return' && !isEffect(op)) yield withFunc(module, replaced(func, op));
  for (const op of walkOps(func.body))
    if (op.kind !== 'return' && op.results.length === 0) yield withFunc(module, without(func, op));
  for (let i = 0; i < func.values.length; i++)
    if (func.values[i]?.layout !== undefined)
      yield withFunc(module, { ...func, values: func.values.map((v, k) => (k === i ? unlaid(v) : v)) });
}

const withFunc = (module: Module, func: Func): Module => ({
  ...module,
  functions: module.functions.map((f) => (f === mainFunction(module) ? func : f)),
});

/** An op without results says something of its operands (a sharding group). */
const isEffect = (op: Op): boolean => hasEffect(op) || op.results.length === 0;

const unlaid = ({ layout: _, ...rest }: Func['values'][number]): Func['values'][number] => rest;

function withoutResult(func: Func, i: number): Func {
  const without = <T>(list: readonly T[]): T[] => list.filter((_, k) => k !== i);
  const end = func.body.ops.at(-1) as Op;
  return {
    ...func,
    body: { ...func.body, ops: [...func.body.ops.slice(0, -1), { ...end, operands: without(end.operands) }] },
    resultTypes: without(func.resultTypes),
    resultLayouts: without(func.resultLayouts),
    resultAttrs: without(func.resultAttrs),
  };
}

const without = (func: Func, op: Op): Func => ({ ...func, body: rewritten(func.body, op, () => [], new Map()) });

/** An operand of the same type in the op's place, else zeros. */
function replaced(func: Func, op: Op): Func {
  const type = (id: ValueId): TensorType => valueInfo(func, id).type;
  const [result] = op.results;
  const same = op.results.length === 1 ? op.operands.find((v) => type(v) === type(result as ValueId)) : undefined;
  const now = new Map(same === undefined ? [] : [[result as ValueId, same] as const]);
  const zeros = (): Op[] =>
    op.results.map((r): Op => {
      const { dtype, shape } = type(r);
      const attrs = { value: { data: splatElements(dtype, 0) }, dtype, shape };
      return { kind: 'constant', operands: [], results: [r], attrs, regions: [], origin: op.origin };
    });
  return { ...func, body: rewritten(func.body, op, same === undefined ? zeros : () => [], now) };
}

/** Ops and parameters that nobody reads are left out. */
function swept(module: Module): Module {
  const func = mainFunction(module);
  const live = liveValues(func.body);
  const keptParams = func.body.params.flatMap((p, i) => (live.has(p) ? [i] : []));
  const ops = func.body.ops.filter((op) => isEffect(op) || op.results.some((r) => live.has(r)));
  return withFunc(module, {
    ...func,
    body: { params: keptParams.map((i) => func.body.params[i] as ValueId), ops },
    paramAttrs: keptParams.map((i) => func.paramAttrs[i]),
  });
}

/**
 * The block with `instead` in the place of one of its ops, wherever that stands, and other values read for those in `now`.
 * Innermost blocks first, without recursion.
 */
function rewritten(body: Block, target: Op, instead: () => readonly Op[], now: ReadonlyMap<ValueId, ValueId>): Block {
  const blocks = [body, ...[...walkOps(body)].flatMap((op) => op.regions)];
  const made = new Map<Block, Block>();
  for (const block of blocks.reverse()) {
    const ops = block.ops.flatMap((op): readonly Op[] => {
      if (op === target) return instead();
      const operands = op.operands.map((v) => now.get(v) ?? v);
      return [{ ...op, operands, regions: op.regions.map((r) => made.get(r) as Block) }];
    });
    made.set(block, { ...block, ops });
  }
  return made.get(body) as Block;
}
