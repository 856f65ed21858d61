/**
 * Shrinks a program while it keeps failing: results dropped, ops replaced by zeros, annotations taken away, and what
 * nobody reads left out, until none of these can be done.
 */
import { liveValues } from '../dsl/live-values.ts';
import { elementsOf } from '../../ir/elements.ts';
import { hasEffect } from '../dsl/primitives.ts';
import { type Func, mainFunction, type Module, type Op, type ValueId, valueInfo } from '../../ir/program.ts';

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
  for (let i = func.body.ops.length - 2; i >= 0; i--) {
    const op = func.body.ops[i] as Op;
    if (op.kind !== 'constant' && !hasEffect(op)) yield withFunc(module, replaced(func, i, op));
  }
  for (let i = 0; i < func.values.length; i++)
    if (func.values[i]?.layout !== undefined)
      yield withFunc(module, { ...func, values: func.values.map((v, k) => (k === i ? unlaid(v) : v)) });
}

const withFunc = (module: Module, func: Func): Module => ({
  ...module,
  functions: module.functions.map((f) => (f === mainFunction(module) ? func : f)),
});

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

/** An operand of the same type in the op's place, else zeros. */
function replaced(func: Func, at: number, op: Op): Func {
  const [first] = op.operands;
  const type = (id: ValueId) => valueInfo(func, id).type;
  const through = op.results.length === 1 && first !== undefined && type(first) === type(op.results[0] as ValueId);
  const ops = func.body.ops.flatMap((o, i): Op[] => {
    if (i !== at)
      return [through ? { ...o, operands: o.operands.map((id) => (id === op.results[0] ? first : id)) } : o];
    if (through) return [];
    return op.results.map((r): Op => {
      const { dtype, shape } = type(r);
      const attrs = { value: { data: elementsOf(dtype, [0]) }, dtype, shape };
      return { kind: 'constant', operands: [], results: [r], attrs, regions: [], origin: op.origin };
    });
  });
  return { ...func, body: { ...func.body, ops } };
}

/** Ops and parameters that nobody reads are left out. */
function swept(module: Module): Module {
  const func = mainFunction(module);
  const live = liveValues(func.body);
  const keptParams = func.body.params.flatMap((p, i) => (live.has(p) ? [i] : []));
  const ops = func.body.ops.filter(
    (op) => op.kind === 'return' || hasEffect(op) || op.results.some((r) => live.has(r)),
  );
  return withFunc(module, {
    ...func,
    body: { params: keptParams.map((i) => func.body.params[i] as ValueId), ops },
    paramAttrs: keptParams.map((i) => func.paramAttrs[i]),
  });
}
