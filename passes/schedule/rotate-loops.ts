/**
 * A counted loop that gathers, in each trip, what its counter picks from an array it never changes (a layer's weights out
 * of the stack of all layers): each trip gathers for the next one, and the last trip, which has no next, stands behind
 * the loop. As many gathers as before, but a trip need not wait for its own.
 *
 *   while (%i, %x) { %w = dynamic_slice %ws, %i;  %g = all_gather %w;  … %g … }                          // n trips
 *   →  %g0 = all_gather (dynamic_slice %ws, 0)
 *      while (%i, %x, %g) { … %g …;  %n = all_gather (dynamic_slice %ws, %i + 1) }                        // n - 1 trips
 *      … %g …                                                                                             // the last
 */
import {
  type Block,
  type Func,
  mainFunction,
  type Module,
  type Op,
  type ValueId,
  type ValueInfo,
} from '../../ir/program.ts';
import { copyOps, type Renaming, renameAll } from '../../ir/copy-ops.ts';

/** The same module where no loop has anything to gather ahead. */
export function rotateLoops(module: Module): Module {
  const func = mainFunction(module);
  const values = [...func.values];
  const renamed: Renaming = new Map();
  let changed = false;
  const rewritten = new Map<Block, Block>();
  for (const block of controlBlocks(func.body).toReversed()) {
    const ops = block.ops.flatMap((op) => {
      const inner: Op = { ...op, regions: op.regions.map((r) => rewritten.get(r) ?? r) };
      const rotation = inner.kind === 'while' ? rotationOf(inner, func) : undefined;
      if (rotation === undefined) return [op.regions.length === 0 ? op : inner];
      changed = true;
      return new Rotating(inner, rotation, values, renamed).run();
    });
    rewritten.set(block, { ...block, ops });
  }
  if (!changed) return module;
  const body = renameAll(rewritten.get(func.body) as Block, renamed);
  return { ...module, functions: [{ ...func, values, body }] };
}

function controlBlocks(body: Block): Block[] {
  const found = [body];
  for (const block of found)
    for (const op of block.ops) if (op.kind === 'while' || op.kind === 'case') found.push(...op.regions);
  return found;
}

interface Rotation {
  /** Place of the counter among the carries. */
  readonly counter: number;
  /** The constant that is added to it in each trip. */
  readonly step: Op;
  readonly gathers: readonly Op[];
  /** The gathers and what they need of the body, in program order. */
  readonly slice: readonly Op[];
}

/** What the loop can do ahead; undefined where that is nothing, or its counting is not understood. */
function rotationOf(loop: Op, func: Func): Rotation | undefined {
  const [cond, body] = loop.regions as readonly [Block, Block];
  if (((loop.attrs.trip_count as number | undefined) ?? 0) < 2) return undefined;
  const makers = new Map(body.ops.flatMap((op) => op.results.map((r) => [r, op] as const)));
  const test = cond.ops.find((o) => o.results[0] === cond.ops.at(-1)?.operands[0]);
  const counter = cond.params.indexOf(test?.operands[0] as ValueId);
  const returned = body.ops.at(-1)?.operands ?? [];
  const next = makers.get(returned[counter] as ValueId);
  if (test?.kind !== 'compare' || test.attrs.direction !== 'LT' || counter < 0 || next?.kind !== 'add')
    return undefined;
  const by = next.operands.find((v) => v !== body.params[counter]);
  const step = by === undefined ? undefined : constantOf(by, makers, func);
  if (step === undefined || !next.operands.includes(body.params[counter] as ValueId)) return undefined;
  const fixed = new Set(body.params.filter((p, i) => returned[i] === p));
  const slices = body.ops
    .filter((op) => op.kind === 'all_gather')
    .map((op) => sliceOf(op, { makers, counter: body.params[counter] as ValueId, fixed, params: new Set(body.params) }))
    .filter((s) => s !== undefined);
  const slice = new Set(slices.flat());
  const gathers = slices.map((s) => s.at(-1) as Op);
  if (gathers.length === 0) return undefined;
  return { counter, step, gathers, slice: body.ops.filter((op) => slice.has(op)) };
}

interface Sources {
  readonly makers: ReadonlyMap<ValueId, Op>;
  readonly counter: ValueId;
  /** Carries that the loop never changes. */
  readonly fixed: ReadonlySet<ValueId>;
  readonly params: ReadonlySet<ValueId>;
}

/** Larger slices are no mere picking. */
const MAX_SLICE = 64;

/** The ops of the body that lead to the gather, it last; undefined where they depend on more than the counter and what is fixed. */
function sliceOf(gather: Op, { makers, counter, fixed, params }: Sources): Op[] | undefined {
  const found = new Set<Op>([gather]);
  let counts = false;
  for (const op of found) {
    if (found.size > MAX_SLICE || (op !== gather && !PICKING.has(op.kind))) return undefined;
    for (const v of op.operands) {
      if (v === counter) counts = true;
      else if (params.has(v) && !fixed.has(v)) return undefined;
      const maker = makers.get(v);
      if (maker !== undefined) found.add(maker);
    }
  }
  return counts ? [...found].filter((op) => op !== gather).concat(gather) : undefined;
}

/** Ops that pick, at little cost, from what is there. */
const PICKING: ReadonlySet<string> = new Set([
  'constant',
  'iota',
  'add',
  'subtract',
  'multiply',
  'negate',
  'compare',
  'select',
  'convert',
  'clamp',
  'minimum',
  'maximum',
  'dynamic_slice',
  'slice',
  'reshape',
  'transpose',
  'broadcast_in_dim',
  'all_gather',
  'all_slice',
  'axis_index',
  'divide',
  'remainder',
]);

/** A scalar constant, made in the body or anywhere around it. */
function constantOf(value: ValueId, makers: ReadonlyMap<ValueId, Op>, func: Func): Op | undefined {
  const inside = makers.get(value);
  if (inside !== undefined) return inside.kind === 'constant' ? inside : undefined;
  for (const block of controlBlocks(func.body)) {
    const found = block.ops.find((op) => op.results[0] === value);
    if (found !== undefined) return found.kind === 'constant' ? found : undefined;
  }
  return undefined;
}

const WHY = { pass: 'schedule', reason: 'gathers what the next trip reads' };

class Rotating {
  private readonly loop: Op;
  private readonly rotation: Rotation;
  private readonly values: ValueInfo[];
  private readonly renamed: Renaming;
  private readonly cond: Block;
  private readonly body: Block;

  constructor(loop: Op, rotation: Rotation, values: ValueInfo[], renamed: Renaming) {
    this.loop = loop;
    this.rotation = rotation;
    this.values = values;
    this.renamed = renamed;
    const [cond, body] = loop.regions as readonly [Block, Block];
    this.cond = cond;
    this.body = body;
  }

  run(): Op[] {
    const { loop, body, rotation } = this;
    const gathered = rotation.gathers.map((g) => g.results[0] as ValueId);
    const first = copyOps(rotation.slice, this.at(loop.operands), this.values, WHY);
    const carried = gathered.map((g) => this.fresh(g));
    const returned = body.ops.at(-1) as Op;
    const trip = this.withoutSlices(new Map(gathered.map((g, i) => [g, carried[i] as ValueId])));
    const next = copyOps(
      rotation.slice,
      new Map([[body.params[rotation.counter] as ValueId, returned.operands[rotation.counter] as ValueId]]),
      this.values,
      WHY,
    );
    const results = [...loop.results, ...gathered].map((v) => this.fresh(v));
    const ahead: Op = {
      ...loop,
      attrs: { ...loop.attrs, trip_count: (loop.attrs.trip_count as number) - 1 },
      operands: [...loop.operands, ...gathered.map((g) => first.names.get(g) as ValueId)],
      results,
      regions: [
        this.oneTripLess(carried.map((v) => this.fresh(v))),
        {
          params: [...body.params, ...carried],
          ops: [
            ...trip,
            ...next.ops,
            { ...returned, operands: [...returned.operands, ...gathered.map((g) => next.names.get(g) as ValueId)] },
          ],
        },
      ],
    };
    const params = [...body.params, ...carried];
    const last = copyOps(trip, new Map(params.map((p, i) => [p, results[i] as ValueId])), this.values, {
      ...WHY,
      reason: 'the last trip',
    });
    loop.results.forEach((r, i) => {
      const end = returned.operands[i] as ValueId;
      this.renamed.set(r, last.names.get(end) ?? end);
    });
    return [...first.ops, ahead, ...last.ops];
  }

  /** The body's parameters as these values. */
  private at(values: readonly ValueId[]): Renaming {
    return new Map(this.body.params.map((p, i) => [p, values[i] as ValueId]));
  }

  /** The trip without its terminator, reading what was gathered before; what only served the gathers is gone. */
  private withoutSlices(gathered: Renaming): Op[] {
    const ops = this.body.ops.map((op) => renameAll({ params: [], ops: [op] }, gathered).ops[0] as Op);
    const slice = new Set(this.rotation.slice);
    const read = new Set<ValueId>();
    const kept: Op[] = [];
    for (let i = ops.length - 1; i >= 0; i--) {
      const op = ops[i] as Op;
      if (slice.has(this.body.ops[i] as Op) && !op.results.some((r) => read.has(r))) continue;
      for (const v of operandsWithin(op)) read.add(v);
      if (op.kind !== 'return' || i < ops.length - 1) kept.push(op);
    }
    return kept.reverse();
  }

  /** `counter + step < limit` instead of `counter < limit`. */
  private oneTripLess(extra: readonly ValueId[]): Block {
    const { counter, step } = this.rotation;
    const param = this.cond.params[counter] as ValueId;
    const one = copyOps([step], new Map(), this.values, WHY);
    const sum = this.fresh(param);
    const add: Op = {
      kind: 'add',
      operands: [param, one.ops[0]?.results[0] as ValueId],
      results: [sum],
      attrs: {},
      regions: [],
      origin: { ...WHY, from: [this.loop.origin] },
    };
    const rest = renameAll({ params: [], ops: this.cond.ops }, new Map([[param, sum]]));
    return { params: [...this.cond.params, ...extra], ops: [...one.ops, add, ...rest.ops] };
  }

  private fresh(like: ValueId): ValueId {
    return (this.values.push({ ...(this.values[like] as ValueInfo) }) - 1) as ValueId;
  }
}

function operandsWithin(op: Op): ValueId[] {
  const found = [...op.operands];
  const todo = [...op.regions];
  for (let block = todo.pop(); block !== undefined; block = todo.pop())
    for (const inner of block.ops) {
      found.push(...inner.operands);
      todo.push(...inner.regions);
    }
  return found;
}
