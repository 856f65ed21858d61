/**
 * Calls and functions (Shardy: flatten_call_graph.cc, import_func_calls.cc, export_named_computations.cc,
 * unflatten_call_graph.cc). For propagation each call becomes a named computation with a body of its own, so that every
 * call site gets the layouts it needs; afterwards functions are made of them again, one for all alike.
 *
 *   %1 = call @f(%0)   →   %1 = named_computation<f>(%0) (%a) { … }   →   %1 = call @f(%0), @f laid out
 */
import { adopt, cloneBlock } from '../../ir/edit-convert.ts';
import { type EditBlock, EditFunc, type EditModule, EditOp, type EditValue, opsOf } from '../../ir/edit.ts';
import { userError } from '../../ir/diagnostics.ts';
import { isWhole, type Layout, replicatedLayout } from '../../ir/layout.ts';
import { sameAxes } from '../../ir/mesh.ts';
import type { Attrs } from '../../ir/program.ts';
import { addEdges, removeEdge, takeOver } from './data-flow-edges.ts';
import { layoutOf, parameterOwners } from './data-flow.ts';

const callee = (op: EditOp): string => op.attrs.callee as string;

// --- the call graph ---------------------------------------------------------------------------------------------------

/** Functions, callees before callers, from the public ones (MLIR's CallGraph in post-order). Says which calls recurse. */
export function calleesFirst(module: EditModule): EditFunc[] {
  const byName = new Map(module.functions.map((f) => [f.name, f]));
  const found: EditFunc[] = [];
  const state = new Map<EditFunc, 'open' | 'done'>();
  const roots = module.functions.filter((f) => f.isPublic || f.name === 'main');
  for (const root of [...roots, ...module.functions]) {
    const stack = state.has(root) ? [] : [frame(root)];
    for (let top = stack.at(-1); top !== undefined; top = stack.at(-1)) {
      state.set(top.func, 'open');
      const call = top.calls[top.next++];
      if (call === undefined) {
        state.set(top.func, 'done');
        found.push(top.func);
        stack.pop();
        continue;
      }
      const target = byName.get(callee(call));
      if (target === undefined) throw missing(call);
      if (state.get(target) === 'open') throw recursion(call);
      if (!state.has(target)) stack.push(frame(target));
    }
  }
  return found;
}

const frame = (func: EditFunc): { func: EditFunc; calls: EditOp[]; next: number } => ({
  func,
  calls: callsOf(func),
  next: 0,
});

const callsOf = (func: EditFunc): EditOp[] => opsOf(func.body, 'post').filter((op) => op.kind === 'call');

const missing = (call: EditOp): Error =>
  userError('SH0220', `there is no function @${callee(call)}`, { span: call.origin.span });
const recursion = (call: EditOp): Error =>
  userError('SH0221', `@${callee(call)} calls itself`, {
    span: call.origin.span,
    expected: 'calls without a cycle',
    help: 'write the recursion as a while loop',
  });

/** MLIR's SymbolTable: a taken name gets a suffix, counted over all names. */
export class Names {
  private readonly taken: Set<string>;
  private next = 0;

  constructor(module: EditModule) {
    this.taken = new Set(module.functions.map((f) => f.name));
  }

  fresh(name: string): string {
    let found = name;
    while (this.taken.has(found)) found = `${name}_${this.next++}`;
    this.taken.add(found);
    return found;
  }

  free(name: string): void {
    this.taken.delete(name);
  }
}

/** More ops than fit in memory, calls written out. */
const MAX_OPS = 2_000_000;

/** Each call gets a function of its own: the first call of a function keeps it, later ones get copies. */
export function flattenCalls(module: EditModule): void {
  checkSize(module);
  const names = new Names(module);
  const seen = new Set<EditFunc>();
  for (const func of calleesFirst(module)) {
    for (const call of callsOf(func)) {
      const target = module.func(callee(call));
      if (seen.has(target)) call.attrs = { ...call.attrs, callee: cloneFunction(module, target, names).name };
      else seen.add(target);
    }
  }
}

/** Functions that call others twice, a few deep, stand for more ops than there are atoms. */
function checkSize(module: EditModule): void {
  const sizes = new Map<string, number>();
  for (const func of calleesFirst(module)) {
    const own = opsOf(func.body);
    const calls = own.filter((op) => op.kind === 'call');
    const size = calls.reduce((n, call) => n + (sizes.get(callee(call)) ?? 0), own.length);
    sizes.set(func.name, size);
    if (size > MAX_OPS)
      throw userError(
        'SH0006',
        `@${func.name} and all that it calls, once per call, are more than ${MAX_OPS.toLocaleString('en')} ops`,
        {
          span: calls[0]?.origin.span,
          help: 'call the function in a loop',
        },
      );
  }
}

/** A copy of a function and of all that it calls. */
export function cloneFunction(module: EditModule, func: EditFunc, names: Names): EditFunc {
  const made = new EditFunc({ ...func, name: func.name, original: func.originalName });
  made.isPublic = false;
  made.body = cloneBlock(func.body, made);
  for (const call of callsOf(made))
    call.attrs = { ...call.attrs, callee: cloneFunction(module, module.func(callee(call)), names).name };
  made.name = names.fresh(func.name);
  module.functions.push(made);
  return made;
}

/** Calls become named computations that hold their callee's body. */
export function importCalls(module: EditModule): void {
  const moved = new Map<EditFunc, Moved>();
  for (const func of calleesFirst(module)) for (const call of callsOf(func)) importCall(module, call, moved);
  module.functions = module.functions.filter((f) => !moved.has(f));
}

/** Layouts cross the ends of computations along these. */
export function edgesAtComputations(module: EditModule): void {
  for (const op of [...module.ops('post')]) if (op.kind === 'named_computation') addEdges(op);
}

/** What is left beside the main function is called by name alone (a comparator of a custom_call), and holds no layouts. */
export function dropUncalled(module: EditModule): void {
  const main = module.main() ?? module.functions[0];
  module.functions = main === undefined ? [] : [main];
}

/** A body that became a computation's, and the layouts that its parameters had. */
interface Moved {
  readonly body: EditBlock;
  readonly layouts: readonly (Layout | undefined)[];
}

function importCall(module: EditModule, call: EditOp, moved: Map<EditFunc, Moved>): void {
  const func = module.func(callee(call));
  const known = moved.get(func);
  const attrs = {
    name: func.originalName,
    ...kept(call),
    ...layoutsOr('in_layouts', known?.layouts ?? func.body.params.map((p) => p.layout), func.body.params),
    ...layoutsOr(
      'out_layouts',
      call.results.map((r) => r.layout),
      call.results,
    ),
  };
  const infos = call.results.map(({ info: { layout: _, ...rest } }) => rest);
  const made = new EditOp('named_computation', attrs, call.origin, call.operands, infos);
  made.insertBefore(call);
  if (known !== undefined) made.regions.push(cloneBlock(known.body, made));
  else {
    made.regions.push(adopt(func.body, made));
    moved.set(func, { body: func.body, layouts: func.body.params.map((p) => p.layout) });
  }
  for (const p of made.regions[0]?.params ?? []) p.layout = undefined;
  for (const [i, r] of call.results.entries()) r.replaceBy(made.results[i] as EditValue);
  call.erase();
}

/** What a call keeps as it was written. */
const kept = ({ attrs: { extra } }: EditOp): Attrs => (extra === undefined ? {} : { extra });

/** All or none: a missing one is open where any is there. */
function layoutsOr(
  key: string,
  layouts: readonly (Layout | undefined)[],
  values: readonly EditValue[],
): Record<string, readonly Layout[]> {
  const mesh = layouts.find((l) => l !== undefined)?.mesh;
  if (mesh === undefined) return {};
  return { [key]: layouts.map((l, i) => l ?? openLike(mesh, (values[i] as EditValue).type.shape.length)) };
}

const openLike = (mesh: string, rank: number): Layout => {
  const { dims, ...rest } = replicatedLayout(mesh, rank);
  return { ...rest, dims: dims.map((d) => ({ ...d, open: true })) };
};

/** Computations become functions again, and calls of them. */
export function exportComputations(module: EditModule): void {
  const names = new Names(module);
  const calls: EditOp[] = [];
  for (const op of [...module.ops('post')])
    if (op.kind === 'named_computation') calls.push(exportComputation(module, op, names));
  for (const call of calls) for (const r of call.results) dropEdge(r);
}

function exportComputation(module: EditModule, op: EditOp, names: Names): EditOp {
  takeOver(op, 'parameters', parameterOwners(op));
  takeOver(op, 'results', op.results);
  const [inside, outside] = [op.attrs.in_layouts, op.attrs.out_layouts] as (readonly Layout[] | undefined)[];
  const body = op.regions[0] as EditBlock;
  const name = op.attrs.name as string;
  const func = new EditFunc({
    name: names.fresh(name),
    isPublic: false,
    resultTypes: op.results.map((r) => r.type),
    resultLayouts: op.results.map(() => undefined),
    paramAttrs: body.params.map(() => undefined),
    resultAttrs: op.results.map(() => undefined),
  });
  func.original = name;
  func.body = adopt(body, func);
  for (const p of body.params) dropEdge(p);
  body.params.forEach((p, i) => {
    p.layout = inside?.[i];
  });
  module.functions.push(func);
  op.regions.length = 0;
  const call = new EditOp(
    'call',
    { callee: func.name, ...kept(op) },
    op.origin,
    op.operands,
    op.results.map((r) => r.info),
  );
  call.insertBefore(op);
  op.results.forEach((r, i) => r.replaceBy(call.results[i] as EditValue));
  op.erase();
  call.results.forEach((r, i) => {
    r.layout = outside?.[i];
  });
  return call;
}

function dropEdge(owner: EditValue): void {
  const user = owner.onlyUser();
  if (user?.kind === 'data_flow_edge') removeEdge(user);
}

/** Functions other than @main get the layouts of what they return. */
export function resultsOfFunctions(module: EditModule): void {
  const main = module.main();
  for (const func of module.functions)
    if (func !== main) func.resultLayouts = func.body.terminator.operands.map((v) => layoutOf(v));
}

/** Copies of one function that are laid out alike become one; what nothing calls goes. */
export function unflattenCalls(module: EditModule, options: { readonly fully: boolean }): void {
  const all = [...module.ops('post')].filter((op) => op.kind === 'call');
  const key = (f: EditFunc, whole = true): string =>
    JSON.stringify([
      f.originalName,
      ...(whole ? [f.body.params.map((p) => p.layout ?? null), f.resultLayouts.map((l) => l ?? null)] : []),
    ]);
  const chosen = new Map<string, EditFunc>();
  for (const call of all) {
    const func = module.func(callee(call));
    if (!chosen.has(key(func, !options.fully))) chosen.set(key(func, !options.fully), func);
  }
  if (options.fully) preferCommon(module, all, chosen, key);
  for (const call of all) {
    const func = chosen.get(key(module.func(callee(call)), !options.fully)) as EditFunc;
    call.attrs = { ...call.attrs, callee: func.name };
  }
  for (const func of module.functions) func.original = undefined;
}

/** Of copies laid out differently, the one that most calls want. */
function preferCommon(
  module: EditModule,
  calls: readonly EditOp[],
  chosen: Map<string, EditFunc>,
  key: (f: EditFunc, whole?: boolean) => string,
): void {
  const counts = new Map<string, number>();
  for (const call of calls) {
    const func = module.func(callee(call));
    const whole = key(func);
    counts.set(whole, (counts.get(whole) ?? 0) + 1);
    const known = chosen.get(key(func, false)) as EditFunc;
    if ((counts.get(whole) ?? 0) > (counts.get(key(known)) ?? 0)) chosen.set(key(func, false), func);
  }
}

/** Private functions that nothing reaches (MLIR's symbol-dce). */
export function dropUnused(module: EditModule): void {
  const byName = new Map(module.functions.map((f) => [f.name, f]));
  const live = new Set(module.functions.filter((f) => f.isPublic));
  for (const func of live)
    for (const call of callsOf(func)) {
      const target = byName.get(callee(call));
      if (target !== undefined) live.add(target);
    }
  for (const func of module.functions) if (!live.has(func)) for (const op of func.body.ops()) op.erase();
  module.functions = module.functions.filter((f) => live.has(f));
}

/** Where a callee's result is laid out otherwise than the call, a reshard follows the call. */
export function reshardResults(module: EditModule): void {
  for (const call of [...module.ops('post')]) {
    if (call.kind !== 'call') continue;
    const func = module.func(callee(call));
    const mesh = [...func.resultLayouts, ...call.results.map((r) => r.layout)].find((l) => l !== undefined)?.mesh;
    if (mesh === undefined) continue;
    const closed = (v: EditValue): Layout => replicatedLayout(mesh, v.type.shape.length);
    const given = func.resultLayouts.some((l) => l !== undefined);
    call.results.forEach((r, i) => {
      const made = given ? (func.resultLayouts[i] ?? openLike(mesh, r.type.shape.length)) : closed(r);
      if (!equivalent(made, r.layout)) {
        const reshard = new EditOp('reshard', { layout: r.layout ?? closed(r) }, call.place, [r], [{ type: r.type }]);
        reshard.insertAfterValue(r);
        r.replaceBy(reshard.result, (use) => use.op === reshard);
      }
      r.layout = made;
    });
  }
}

/** The same axes on each dim, whether open or closed and whatever is owed (Shardy, TensorShardingAttr::isEquivalent). */
export function equivalent(a: Layout | undefined, b: Layout | undefined): boolean {
  if (a === undefined || isWhole(a)) return b === undefined || isWhole(b);
  if (b === undefined || a.mesh !== b.mesh) return false;
  return a.dims.length === b.dims.length && a.dims.every((d, i) => sameAxes(d.axes, b.dims[i]?.axes ?? []));
}

/** Said nothing of the layouts at its ends. */
export const isUnannotated = ({ attrs }: EditOp): boolean =>
  attrs.in_layouts === undefined && attrs.out_layouts === undefined;

/** Computations dissolve into the function around them, outer ones first. Gives what stands for their parameters and results. */
export function inlineComputations(
  module: EditModule,
  dissolves: (computation: EditOp) => boolean = () => true,
): Map<EditValue, EditValue> {
  const replaced = new Map<EditValue, EditValue>();
  const replace = (old: EditValue, by: EditValue): void => {
    replaced.set(old, by);
    old.replaceBy(by);
  };
  for (const op of module.ops()) {
    if (op.kind !== 'named_computation' || !dissolves(op)) continue;
    const body = op.regions[0] as EditBlock;
    body.params.forEach((p, i) => {
      replace(p, op.operands[i] as EditValue);
    });
    const end = body.terminator;
    const returned = [...end.operands];
    end.erase();
    for (const inner of body.ops()) inner.insertBefore(op);
    op.results.forEach((r, i) => {
      replace(r, returned[i] as EditValue);
    });
    op.erase();
  }
  return replaced;
}
