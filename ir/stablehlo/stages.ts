/**
 * What happens on other orders of devices, apart from the program: XLA wants one order in a manual computation. An
 * argument of another order is sliced or gathered there first, a result there last; the step between two orders is XLA's.
 *
 *   %1 = all_slice %arg0 mesh="other" axes=[{y}, {}]          // before, on @other
 *   %2 = collective_permute %1 from=@other{y, x} to=@{y, x}     // %2: an argument of the program
 *   …
 *   %8 = collective_permute %7 from=@{x, _} to=@third{x, _}     // %7: a result of the program
 *   %9 = all_gather %8 mesh="third" axes=[{x}, {}]            // after, on @third
 */
import { internalError } from '../diagnostics.ts';
import type { OpAttrs } from '../attrs.ts';
import {
  type Func,
  isStart,
  mainFunction,
  type Module,
  type Op,
  readsOf,
  synchronous,
  type ValueId,
  valueInfo,
} from '../program.ts';

export interface Stage {
  /** Name of its mesh. */
  readonly mesh: string;
  readonly takes: readonly ValueId[];
  readonly ops: readonly Op[];
  readonly gives: readonly ValueId[];
}

export interface Staged {
  readonly before: readonly Stage[];
  /** The program, with an argument for each value that enters it and a result for each that leaves. */
  readonly program: Module;
  readonly after: readonly Stage[];
  /** Values that are another one in the next order of devices. */
  readonly crossed: ReadonlyMap<ValueId, ValueId>;
}

/** Of a module at the local level. */
export function stagesOf(module: Module): Staged {
  const func = mainFunction(module);
  const home = module.meshes[0]?.name as string;
  const ops = { before: [] as Op[], program: [] as Op[], after: [] as Op[] };
  const outside = new Map<ValueId, 'before' | 'after'>();
  for (const p of func.body.params) if (layoutMesh(func, p, home) !== home) outside.set(p, 'before');
  const crossed = new Map<ValueId, ValueId>();
  for (const op of atOnce(func.body.ops, home)) {
    const [operand, result] = [op.operands[0] as ValueId, op.results[0] as ValueId];
    const permute = crossingOf(op);
    if (permute !== undefined) {
      if (permute.to.mesh !== home) outside.set(result, 'after');
      crossed.set(result, operand);
    } else if (isElsewhere(op, home)) {
      const side = outside.get(operand);
      if (side === undefined) throw internalError('export: another order of devices inside the program');
      ops[side].push(op);
      outside.set(result, side);
    } else ops.program.push(op);
  }
  return cut(module, ops, outside, crossed);
}

/** From one order of devices into another. */
function crossingOf({ kind, attrs }: Op): OpAttrs['collective_permute'] | undefined {
  const permute = attrs as unknown as OpAttrs['collective_permute'];
  return kind === 'collective_permute' && permute.from.mesh !== permute.to.mesh ? permute : undefined;
}

/** A collective on another mesh than the program's. */
const isElsewhere = (op: Op, home: string): boolean =>
  op.operands.length === 1 && typeof op.attrs.mesh === 'string' && op.attrs.mesh !== home;

/** What happens elsewhere starts and ends at once: nothing of the program runs beside it. */
function* atOnce(ops: readonly Op[], home: string): Generator<Op> {
  const done = new Map<ValueId, Op>();
  for (const op of ops) if (op.kind === 'collective_done') done.set(op.operands[0] as ValueId, op);
  const skipped = new Set<Op>();
  for (const op of ops) {
    const end = isStart(op) && isElsewhere(op, home) ? done.get(op.results[0] as ValueId) : undefined;
    if (end !== undefined) skipped.add(end);
    if (!skipped.has(op)) yield end === undefined ? op : { ...synchronous(op), results: end.results };
  }
}

function cut(
  module: Module,
  ops: Readonly<Record<'before' | 'program' | 'after', readonly Op[]>>,
  outside: ReadonlyMap<ValueId, 'before' | 'after'>,
  crossed: ReadonlyMap<ValueId, ValueId>,
): Staged {
  const func = mainFunction(module);
  const end = ops.program.at(-1) as Op;
  const body = ops.program.slice(0, -1);
  const inside = (v: ValueId): boolean => !outside.has(v);
  const [left, stays] = [end.operands.filter((v) => !inside(v)), end.operands.filter(inside)];
  const afterTakes = [...ops.after.flatMap((op) => op.operands), ...left].filter((v) => crossed.has(v));
  const gives = distinct([...stays, ...afterTakes.map((v) => crossed.get(v) as ValueId)]);
  const read = [...gives, ...body.flatMap((op) => [...readsOf(op)])];
  const entering = distinct(read.filter((v) => outside.get(v) === 'before' || crossed.has(v)));
  const params = [...func.body.params.filter(inside), ...entering];
  const needed = [...entering.map((v) => crossed.get(v) ?? v), ...left];
  const program: Func = {
    ...func,
    body: { ...func.body, params, ops: [...body, { ...end, operands: gives }] },
    resultTypes: gives.map((v) => valueInfo(func, v).type),
    resultLayouts: gives.map((v) => valueInfo(func, v).layout),
  };
  return {
    before: stages(ops.before, needed),
    program: { ...module, functions: module.functions.map((f) => (f === func ? program : f)) },
    after: stages(ops.after, left),
    crossed,
  };
}

/** One per mesh. */
function stages(ops: readonly Op[], needed: readonly ValueId[]): Stage[] {
  return distinct(ops.map((op) => op.attrs.mesh as string)).map((mesh) => {
    const own = ops.filter((op) => op.attrs.mesh === mesh);
    const made = new Set(own.flatMap((op) => op.results));
    const takes = distinct(own.flatMap((op) => op.operands).filter((v) => !made.has(v)));
    return { mesh, takes, ops: own, gives: distinct(needed.filter((v) => made.has(v))) };
  });
}

const layoutMesh = (func: Func, v: ValueId, home: string): string => valueInfo(func, v).layout?.mesh ?? home;

const distinct = <T>(list: readonly T[]): T[] => [...new Set(list)];
