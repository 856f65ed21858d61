/**
 * Cuts a per-device program by its results: the first part computes the first group of results, and only what they need; the
 * next computes the next group from that and from what earlier parts leave; and so on. What goes from part to part is what
 * a device keeps between the two: activations between forward and backward.
 *
 *   main(%w, %x, %dy) → (%y | %dx, %dw)
 *     part 0 (%w, %x)          → %y, and leaves %h       forward
 *     part 1 (%w, %h, %x, %dy) → %dx, %dw                backward
 *
 * Constants, broadcasts of them, and aliases of arguments are made again where they are read.
 */
import {
  type Block,
  type Func,
  mainFunction,
  type Module,
  type Op,
  typeOf,
  type ValueId,
  readsOf,
} from '../../ir/program.ts';

export interface ProgramPart {
  readonly module: Module;
  /** What it reads of the whole program's arguments, as places. */
  readonly arguments: readonly number[];
  /** What it reads of earlier parts. */
  readonly left: readonly ValueId[];
}

/** `groups`: how many results each part computes, in order. `module` is at the local level. */
export function cutProgram(module: Module, groups: readonly number[]): ProgramPart[] {
  const func = mainFunction(module);
  const { ops } = func.body;
  const returned = ops.at(-1)?.operands ?? [];
  const makers = new Map(ops.flatMap((op) => op.results.map((r) => [r, op] as const)));
  const done = new Set<Op>();
  let from = 0;
  const own = groups.map((size) => {
    const results = returned.slice(from, (from += size));
    const needed = neededFor(results, makers, done);
    for (const op of needed) if (!isCheap(op)) done.add(op);
    return { results, needed };
  });
  return own.map(({ results, needed }, i) => {
    const wanted = new Set(own.slice(i + 1).flatMap((later) => [...later.needed].flatMap(readsOf)));
    const leaves = [...needed].flatMap((op) => (isCheap(op) ? [] : op.results.filter((r) => wanted.has(r))));
    return partOf(module, func, needed, [...new Set([...results, ...leaves])]);
  });
}

/** Ops that these values come from, without those that earlier parts have. */
function neededFor(values: readonly ValueId[], makers: ReadonlyMap<ValueId, Op>, done: ReadonlySet<Op>): Set<Op> {
  const needed = new Set<Op>();
  const todo = [...values];
  for (let v = todo.pop(); v !== undefined; v = todo.pop()) {
    const op = makers.get(v);
    if (op === undefined || done.has(op) || needed.has(op)) continue;
    needed.add(op);
    todo.push(...readsOf(op));
  }
  return needed;
}

const CHEAP: ReadonlySet<string> = new Set(['constant', 'iota', 'axis_index', 'compare', 'broadcast_in_dim']);
const isCheap = (op: Op): boolean => CHEAP.has(op.kind);

function partOf(module: Module, func: Func, needed: ReadonlySet<Op>, results: readonly ValueId[]): ProgramPart {
  const ops = func.body.ops.filter((op) => needed.has(op));
  const made = new Set(ops.flatMap((op) => op.results));
  const read = new Set([...ops.flatMap(readsOf), ...results].filter((v) => !made.has(v)));
  const places = func.body.params.flatMap((p, i) => (read.has(p) ? [i] : []));
  const params = new Set(func.body.params);
  const left = [...read].filter((v) => !params.has(v));
  const last = func.body.ops.at(-1) as Op;
  const body: Block = {
    params: [...places.map((i) => func.body.params[i] as ValueId), ...left],
    ops: [...ops, { ...last, operands: results }],
  };
  const part: Func = {
    ...func,
    body,
    resultTypes: results.map((v) => typeOf(func, v)),
    resultLayouts: results.map(() => undefined),
    paramAttrs: [...places.map((i) => func.paramAttrs[i]), ...left.map(() => undefined)],
    resultAttrs: results.map(() => undefined),
  };
  return { module: { ...module, functions: [part] }, arguments: places, left };
}
