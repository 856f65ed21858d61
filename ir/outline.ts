/**
 * Equal stretches of a per-device program become one function and calls of it: 96 layers that came out alike are printed
 * once. Two stretches are equal when their ops are, one by one (kind, attributes, types, reducers), and read each other's
 * results alike; what they read from outside are the function's parameters. Nothing moves, so nothing changes.
 *
 *   a1 b1 c1 a2 b2 c2 a3 b3 c3   →   call @repeated, call @repeated, call @repeated;  @repeated: a b c
 *
 * Stretches are found as tandem repeats: runs of ops that equal those one period later. O(ops) per period tried.
 */
import type { Block, Func, Module, Op, ValueId, ValueInfo } from './program.ts';
import { mainFunction, readsOf, valueInfo, walkOps } from './program.ts';

/** Shorter stretches are not worth a call. */
const LEAST = 8;
/** Ops whose repetition suggests a period. */
const GRAM = 6;
/** Periods looked for, one after the other. */
const ROUNDS = 4;

/** Of a module at the local level; the same module where nothing repeats. */
export function outline(module: Module): Module {
  const main = mainFunction(module);
  let [func, made]: [Func, Func[]] = [main, []];
  for (let round = 0; round < ROUNDS; round++) {
    const stretch = findRepeat(func);
    if (stretch === undefined) break;
    const done = replaceBy(func, stretch, `repeated_${made.length}`);
    if (done === undefined) break;
    [func, made] = [done.main, [...made, done.repeated]];
  }
  if (made.length === 0) return module;
  return { ...module, functions: [...module.functions.map((f) => (f === main ? func : f)), ...made] };
}

/** `copies` stretches of `length` ops, one after the other. */
interface Stretch {
  readonly start: number;
  readonly length: number;
  readonly copies: number;
}

function findRepeat(func: Func): Stretch | undefined {
  const keys = opKeys(func);
  const [crossing, made] = [crossings(func), definedAt(func)];
  let best: Stretch | undefined;
  for (const period of likelyPeriods(keys)) {
    for (const run of runsOf(keys, period)) {
      const stretch = placed(func, { crossing, made }, run, period);
      if (stretch !== undefined && gain(stretch) > gain(best)) best = stretch;
    }
  }
  return best;
}

const gain = (s: Stretch | undefined): number => (s === undefined ? 0 : (s.copies - 1) * s.length);

/** Equal numbers for ops that do the same to whatever they read; calls and what reads from outside stand alone. */
function opKeys(func: Func): number[] {
  const numbers = new Map<string, number>();
  return func.body.ops.map((op, i) => {
    const text = op.kind === 'return' || op.kind === 'call' ? undefined : keyOf(func, op);
    const key = text ?? `alone ${i}`;
    const number = numbers.get(key) ?? numbers.size;
    numbers.set(key, number);
    return number;
  });
}

function keyOf(func: Func, op: Op): string | undefined {
  const numbers = new Map<ValueId, number>();
  const type = (v: ValueId): string => {
    const { dtype, shape } = valueInfo(func, v).type;
    return `${dtype}${shape.join('x')}`;
  };
  const one = (o: Op): string =>
    `${o.kind} ${attrsText(o)} ${o.operands.map(type).join()} ${o.results.map(type).join()}`;
  const parts = [one(op)];
  for (const region of op.regions) {
    for (const inner of walkOps(region)) if (inner.regions.length > 0) return undefined;
    const named = (v: ValueId): number | undefined => numbers.get(v);
    const name = (v: ValueId): void => void numbers.set(v, numbers.size);
    region.params.forEach(name);
    for (const inner of region.ops) {
      const read = inner.operands.map(named);
      if (read.includes(undefined)) return undefined;
      inner.results.forEach(name);
      parts.push(`${one(inner)} ${read.join()}`);
    }
  }
  return parts.join(';');
}

const attrsText = ({ attrs }: Op): string =>
  JSON.stringify(attrs, (_, v: unknown) =>
    typeof v === 'bigint' ? String(v) : ArrayBuffer.isView(v) ? Array.from(v as Int32Array, String) : v,
  );

/** Distances at which runs of ops come again, those that cover most first. */
function likelyPeriods(keys: readonly number[]): number[] {
  const last = new Map<string, number>();
  const weight = new Map<number, number>();
  for (let i = 0; i + GRAM <= keys.length; i++) {
    const gram = keys.slice(i, i + GRAM).join();
    const before = last.get(gram);
    if (before !== undefined && i - before >= LEAST) weight.set(i - before, (weight.get(i - before) ?? 0) + 1);
    last.set(gram, i);
  }
  return [...weight]
    .sort((a, b) => b[1] - a[1] || a[0] - b[0])
    .slice(0, 4)
    .map(([period]) => period);
}

/** Where ops equal those one period later: [from, to) of the whole repeat. */
function runsOf(keys: readonly number[], period: number): { readonly from: number; readonly to: number }[] {
  const found: { from: number; to: number }[] = [];
  for (let i = 0; i + period < keys.length; i++) {
    if (keys[i] !== keys[i + period]) continue;
    const from = i;
    while (i + period < keys.length && keys[i] === keys[i + period]) i++;
    if (i - from >= period) found.push({ from, to: i + period });
  }
  return found;
}

/** The cut through the run that the fewest values cross, and as many copies as agree in what they read of themselves. */
function placed(
  func: Func,
  { crossing, made }: { readonly crossing: readonly number[]; readonly made: ReadonlyMap<ValueId, number> },
  run: { readonly from: number; readonly to: number },
  period: number,
): Stretch | undefined {
  const most = Math.floor((run.to - run.from) / period);
  let start = run.from;
  for (let at = run.from; at + most * period <= run.to; at++)
    if ((crossing[at] as number) < (crossing[start] as number)) start = at;
  let copies = 1;
  while (copies < most && readsAlike(func, made, start, start + copies * period, period)) copies++;
  return copies < 2 ? undefined : { start, length: period, copies };
}

/** How many values made before an op are read at it or later. */
function crossings(func: Func): number[] {
  const { ops } = func.body;
  const last = new Map<ValueId, number>();
  ops.forEach((op, i) => readsOf(op).forEach((v) => last.set(v, i)));
  const change = new Array<number>(ops.length + 1).fill(0);
  ops.forEach((op, i) =>
    op.results.forEach((r) => {
      const end = last.get(r);
      if (end === undefined) return;
      change[i + 1] = (change[i + 1] as number) + 1;
      change[end + 1] = (change[end + 1] as number) - 1;
    }),
  );
  let open = 0;
  return change.map((c) => (open += c));
}

const definedAt = (func: Func): ReadonlyMap<ValueId, number> =>
  new Map(func.body.ops.flatMap((op, i) => op.results.map((r) => [r, i] as const)));

/** What one of two stretches reads of itself, the other reads at the same place, and else from outside. */
function readsAlike(func: Func, made: ReadonlyMap<ValueId, number>, a: number, b: number, length: number): boolean {
  const { ops } = func.body;
  const inside = (v: ValueId, start: number): string => {
    const at = made.get(v);
    if (at === undefined || at < start || at >= start + length) return 'outside';
    return `${at - start}.${(ops[at] as Op).results.indexOf(v)}`;
  };
  for (let i = 0; i < length; i++) {
    const [x, y] = [ops[a + i] as Op, ops[b + i] as Op];
    if (x.operands.length !== y.operands.length) return false;
    if (!x.operands.every((v, k) => inside(v, a) === inside(y.operands[k] as ValueId, b))) return false;
  }
  return true;
}

// --- the function and its calls -----------------------------------------------------------------------------------------

function replaceBy(
  func: Func,
  { start, length, copies }: Stretch,
  name: string,
): { main: Func; repeated: Func } | undefined {
  const { ops } = func.body;
  const copy = (c: number): readonly Op[] => ops.slice(start + c * length, start + (c + 1) * length);
  const params = parametersOf(copies, copy);
  const results = resultsOf(func, { start, length, copies }, copy);
  const repeated = functionOf(func, copy(0), params, results, name);
  const calls = Array.from({ length: copies }, (_, c): Op => {
    const mine = copy(c);
    const at = ([i, k]: Slot): ValueId => (mine[i] as Op).operands[k] as ValueId;
    return {
      kind: 'call',
      operands: params.map((slots) => at(slots[0] as Slot)),
      results: results.map(([i, k]) => (mine[i] as Op).results[k] as ValueId),
      attrs: { callee: name },
      regions: [],
      origin: (mine[0] as Op).origin,
    };
  });
  const body: Block = {
    params: func.body.params,
    ops: [...ops.slice(0, start), ...calls, ...ops.slice(start + copies * length)],
  };
  return { main: { ...func, body }, repeated };
}

/** An operand, or a result, of an op of a stretch. */
type Slot = readonly [op: number, index: number];

/** Operands from outside; those that are one value in every copy share a parameter. */
function parametersOf(copies: number, copy: (c: number) => readonly Op[]): Slot[][] {
  const bodies = Array.from({ length: copies }, (_, c) => copy(c));
  const own = new Set((bodies[0] as readonly Op[]).flatMap((op) => op.results));
  const params = new Map<string, Slot[]>();
  (bodies[0] as readonly Op[]).forEach((op, i) =>
    op.operands.forEach((v, k) => {
      if (own.has(v)) return;
      const key = bodies.map((b) => (b[i] as Op).operands[k]).join();
      params.set(key, [...(params.get(key) ?? []), [i, k]]);
    }),
  );
  return [...params.values()];
}

/** Results that are read outside of their copy, in any copy. */
function resultsOf(func: Func, { start, length, copies }: Stretch, copy: (c: number) => readonly Op[]): Slot[] {
  const readOutside = new Set<ValueId>();
  const made = definedAt(func);
  const copyOf = (at: number): number =>
    at < start || at >= start + copies * length ? -1 : Math.floor((at - start) / length);
  func.body.ops.forEach((op, i) =>
    readsOf(op).forEach((v) => {
      const at = made.get(v);
      if (at !== undefined && copyOf(at) >= 0 && copyOf(at) !== copyOf(i)) readOutside.add(v);
    }),
  );
  return copy(0).flatMap((op, i) =>
    op.results.flatMap((_, k): Slot[] => {
      const wanted = Array.from({ length: copies }, (_c, c) => (copy(c)[i] as Op).results[k] as ValueId);
      return wanted.some((v) => readOutside.has(v)) ? [[i, k]] : [];
    }),
  );
}

/** The first copy with fresh parameters; value ids stay those of main, in a table of the function's own. */
function functionOf(
  func: Func,
  ops: readonly Op[],
  params: readonly (readonly Slot[])[],
  results: readonly Slot[],
  name: string,
): Func {
  const values: ValueInfo[] = [...func.values];
  const replaced = new Map<string, ValueId>();
  const ids = params.map((slots) => {
    const [i, k] = slots[0] as Slot;
    const { type } = valueInfo(func, (ops[i] as Op).operands[k] as ValueId);
    const id = (values.push({ type }) - 1) as ValueId;
    for (const slot of slots) replaced.set(slot.join(), id);
    return id;
  });
  const returned = results.map(([i, k]) => (ops[i] as Op).results[k] as ValueId);
  const end: Op = { kind: 'return', operands: returned, results: [], attrs: {}, regions: [], origin: {} };
  const body = ops.map((op, i): Op => ({ ...op, operands: op.operands.map((v, k) => replaced.get(`${i},${k}`) ?? v) }));
  return {
    name,
    isPublic: false,
    body: { params: ids, ops: [...body, end] },
    values,
    resultTypes: returned.map((v) => valueInfo(func, v).type),
    resultLayouts: returned.map(() => undefined),
    paramAttrs: ids.map(() => undefined),
    resultAttrs: returned.map(() => undefined),
  };
}
