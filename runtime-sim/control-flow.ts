/**
 * Runs a function op by op: calls, loops, branches and the life of values. What a value is (one array; a copy per group
 * of devices) and what a tensor op does with it is the caller's. Nesting lives on an explicit stack, so that deep
 * programs cannot overflow ours.
 *
 * Inside a user's manual computation a predicate may differ between devices: each way is run for those that take it
 * (`Here`), one after the other, and what they get is merged where the ways meet.
 */
import { internalError, userError } from '../ir/diagnostics.ts';
import { type Block, type Func, type Module, type Op, typeOf, type ValueId } from '../ir/program.ts';
import type { OpView } from '../ir/op.ts';
import { type BlockPlan, planLiveness } from './liveness.ts';
import type { ManualShards } from './manual-shards.ts';

export interface Meaning<V> {
  /** A tensor op, collective or axis_index. */
  op(op: Op, operands: readonly V[], scope: Scope<V>, here: Here): readonly V[];
  /** Sees every value as it is bound; may give a better representation of the same value. */
  bind?(value: V, id: ValueId, scope: Scope<V>, here: Here): V;
  /** Which devices go which `way`, by the number that steers a loop or a branch: one choice where all agree. */
  choices(value: V, here: Here, way: (steer: number) => number): readonly Choice[];
  /** What each device got on the way it took. */
  merge(ways: readonly { readonly value: V; readonly here: Here }[], here: Here): V;
  /** Into the body of a manual computation, and out again. */
  enter(
    op: Op,
    operands: readonly V[],
    scope: Scope<V>,
    here: Here,
  ): { readonly inputs: readonly V[]; readonly here: Here };
  leave(op: Op, results: readonly V[], inside: Here, outside: Here): readonly V[];
  /** A value is held from here on, by a name or by a loop under way; and no more. `settle`: an op is done. */
  keep?(value: V): void;
  drop?(value: V): void;
  settle?(): void;
  /** A value that has a layout from here on: a constraint. */
  lay?(op: Op, value: V): V;
}

/** Which devices run: all, or, where user code took several ways, those that took this one. */
export interface Here {
  /** By device, or by shard of the manual computations around; absent = all. */
  readonly active?: Uint8Array;
  /** The manual computations around, where they are not yet written out: their shards in lockstep. */
  readonly shards?: ManualShards;
}

export interface Choice {
  readonly way: number;
  readonly here: Here;
}

/** Those who run here, by the way they take. */
export function choicesOf(ways: ArrayLike<number>, here: Here): readonly Choice[] {
  const { active } = here;
  const byWay = new Map<number, Uint8Array>();
  for (let i = 0; i < ways.length; i++) {
    if (active !== undefined && active[i] !== 1) continue;
    const way = ways[i] as number;
    let taken = byWay.get(way);
    if (taken === undefined) byWay.set(way, (taken = new Uint8Array(ways.length)));
    taken[i] = 1;
  }
  if (byWay.size === 1) return [...byWay.keys()].map((way) => ({ way, here }));
  return [...byWay].map(([way, taken]) => ({ way, here: { ...here, active: taken } }));
}

/** One activation of a function. */
export interface Scope<V> {
  readonly func: Func;
  readonly values: (V | undefined)[];
  readonly code: FunctionCode;
}

/** Inputs to results of `func`. Values are dropped after their last use. */
export function runFunction<V>(module: Module, func: Func, inputs: readonly V[], meaning: Meaning<V>): readonly V[] {
  return new Run(module, meaning).run(func, inputs);
}

/** What is worked out once per function: liveness and op views. */
export class FunctionCode {
  readonly func: Func;
  readonly plans: ReadonlyMap<Block, BlockPlan>;
  private readonly views = new Map<Op, OpView>();

  constructor(func: Func) {
    this.func = func;
    this.plans = planLiveness(func);
  }

  view(op: Op): OpView {
    let view = this.views.get(op);
    if (view === undefined) {
      const types = (ids: readonly ValueId[]) => ids.map((id) => typeOf(this.func, id));
      view = {
        kind: op.kind,
        attrs: op.attrs,
        operands: types(op.operands),
        results: types(op.results),
        regions: op.regions,
      };
      this.views.set(op, view);
    }
    return view;
  }
}

interface Frame<V> {
  readonly scope: Scope<V>;
  readonly block: Block;
  readonly plan: BlockPlan;
  readonly here: Here;
  /** What `return` means here. */
  readonly role: Role<V>;
  next: number;
}

type Role<V> =
  | { readonly is: 'once' }
  | { readonly is: 'manual' }
  | { readonly is: 'branch'; readonly ways: Ways<V>; readonly open: Choice[] }
  /** `carry`: the loop's carry while its predicate runs. */
  | { readonly is: 'predicate'; readonly loop: Loop<V>; readonly carry: readonly V[] }
  | { readonly is: 'trip'; readonly loop: Loop<V> };

/** `trips`: those begun. */
interface Loop<V> {
  readonly ways: Ways<V>;
  readonly trips: number;
}

/** Results of devices that are through: of the branches taken so far, of those that have left a loop. */
type Ways<V> = { readonly values: readonly V[]; readonly here: Here }[];

const ONCE = { is: 'once' } as const;

class Run<V> {
  private readonly module: Module;
  private readonly meaning: Meaning<V>;
  private readonly codes = new Map<Func, FunctionCode>();
  private readonly stack: Frame<V>[] = [];

  constructor(module: Module, meaning: Meaning<V>) {
    this.module = module;
    this.meaning = meaning;
  }

  run(func: Func, inputs: readonly V[]): readonly V[] {
    this.enter(this.activate(func), func.body, inputs, ONCE, {});
    for (;;) {
      const frame = this.stack.at(-1) as Frame<V>;
      const op = frame.block.ops[frame.next];
      if (op === undefined) throw internalError(`a block of @${frame.scope.func.name} has no terminator`);
      if (op.kind !== 'return') this.step(frame, op);
      else {
        const results = op.operands.map((v) => this.read(frame.scope, v));
        this.release(frame.scope, frame.plan.onRead[frame.next]);
        this.stack.pop();
        if (this.stack.length === 0) return results;
        this.leave(frame, this.stack.at(-1) as Frame<V>, results);
      }
      this.meaning.settle?.();
    }
  }

  private step(frame: Frame<V>, op: Op): void {
    const { scope, here } = frame;
    const operands = op.operands.map((v) => this.read(scope, v));
    this.release(scope, frame.plan.onRead[frame.next]);
    switch (op.kind) {
      case 'while':
        this.ask(scope, op, operands, { ways: [], trips: 0 }, here);
        break;
      case 'case':
        this.branch(frame, op, [], [...this.meaning.choices(operands[0] as V, here, branchTaken(op, scope))]);
        break;
      case 'named_computation':
        this.enter(scope, region(op, 0), operands, ONCE, here);
        break;
      case 'manual_computation': {
        const inside = this.meaning.enter(op, operands, scope, here);
        this.enter(scope, region(op, 0), inside.inputs, { is: 'manual' }, inside.here);
        break;
      }
      case 'call':
        this.call(op, operands, here);
        break;
      case 'sharding_constraint':
        this.finish(frame, op, [this.meaning.lay?.(op, operands[0] as V) ?? (operands[0] as V)]);
        break;
      case 'optimization_barrier':
      case 'propagation_barrier':
      case 'data_flow_edge':
      case 'reshard':
      case 'collective_done':
        this.finish(frame, op, operands);
        break;
      case 'sharding_group':
        this.finish(frame, op, []);
        break;
      default:
        this.finish(frame, op, this.meaning.op(op, operands, scope, here));
        break;
    }
  }

  /** A region or callee has returned: go on with the op that holds it. */
  private leave(child: Frame<V>, parent: Frame<V>, results: readonly V[]): void {
    const op = parent.block.ops[parent.next] as Op;
    const { role } = child;
    switch (role.is) {
      case 'once':
        return this.finish(parent, op, results);
      case 'manual':
        return this.finish(parent, op, this.meaning.leave(op, results, child.here, parent.here));
      case 'branch':
        this.hold(results);
        return this.branch(parent, op, [...role.ways, { values: results, here: child.here }], role.open);
      case 'trip':
        return this.ask(parent.scope, op, results, role.loop, child.here);
      case 'predicate':
        return this.decide(parent, op, role, this.meaning.choices(results[0] as V, child.here, Number));
    }
  }

  /** A loop's predicate is run on what it carries, which is held meanwhile. */
  private ask(scope: Scope<V>, op: Op, carry: readonly V[], loop: Loop<V>, here: Here): void {
    this.hold(carry);
    this.enter(scope, region(op, 0), carry, { is: 'predicate', loop, carry }, here);
  }

  /** A loop's predicate is known: those who stay take another trip, the others wait with what they carry. */
  private decide(
    frame: Frame<V>,
    op: Op,
    { loop, carry }: { readonly loop: Loop<V>; readonly carry: readonly V[] },
    choices: readonly Choice[],
  ): void {
    const stay = choices.find((c) => c.way !== 0);
    const leaving = choices.filter((c) => c.way === 0);
    for (const _ of leaving) this.hold(carry);
    const ways = [...loop.ways, ...leaving.map(({ here }): Ways<V>[number] => ({ values: carry, here }))];
    if (stay === undefined) this.join(frame, op, ways);
    else {
      expectMoreTrips(op, loop.trips);
      this.enter(frame.scope, region(op, 1), carry, { is: 'trip', loop: { ways, trips: loop.trips + 1 } }, stay.here);
    }
    this.letGo(carry);
  }

  /** The next branch that some devices take, or the end of them. */
  private branch(frame: Frame<V>, op: Op, ways: Ways<V>, open: Choice[]): void {
    const next = open.pop();
    if (next === undefined) return this.join(frame, op, ways);
    this.enter(frame.scope, region(op, next.way), [], { is: 'branch', ways, open }, next.here);
  }

  private join(frame: Frame<V>, op: Op, ways: Ways<V>): void {
    this.finish(frame, op, this.merged(ways, frame.here));
    for (const way of ways) this.letGo(way.values);
  }

  private merged(ways: Ways<V>, here: Here): readonly V[] {
    const [only] = ways;
    if (only === undefined) throw internalError('no device took any way');
    if (ways.length === 1) return only.values;
    return only.values.map((_, i) =>
      this.meaning.merge(
        ways.map((w) => ({ value: w.values[i] as V, here: w.here })),
        here,
      ),
    );
  }

  private finish(frame: Frame<V>, op: Op, results: readonly V[]): void {
    if (results.length !== op.results.length) {
      throw internalError(`${op.kind} gave ${results.length} results where ${op.results.length} were expected`);
    }
    op.results.forEach((id, i) => this.bind(frame.scope, id, results[i] as V, frame.here));
    this.release(frame.scope, frame.plan.onDone[frame.next]);
    frame.next++;
  }

  private enter(scope: Scope<V>, block: Block, inputs: readonly V[], role: Role<V>, here: Here): void {
    const plan = scope.code.plans.get(block);
    if (plan === undefined) throw internalError(`a block of @${scope.func.name} has no liveness plan`);
    if (inputs.length !== block.params.length)
      throw internalError(`${inputs.length} values for ${block.params.length} parameters`);
    block.params.forEach((id, i) => this.bind(scope, id, inputs[i] as V, here));
    this.release(scope, plan.unusedParams);
    this.stack.push({ scope, block, plan, role, here, next: 0 });
  }

  private call(op: Op, operands: readonly V[], here: Here): void {
    const callee = this.module.functions.find((f) => f.name === op.attrs.callee);
    if (callee === undefined)
      throw internalError(`call of @${String(op.attrs.callee)}, which the module does not hold`);
    this.enter(this.activate(callee), callee.body, operands, ONCE, here);
  }

  private activate(func: Func): Scope<V> {
    let code = this.codes.get(func);
    if (code === undefined) this.codes.set(func, (code = new FunctionCode(func)));
    return { func, values: new Array<V | undefined>(func.values.length), code };
  }

  private bind(scope: Scope<V>, id: ValueId, value: V, here: Here): void {
    const bound = this.meaning.bind === undefined ? value : this.meaning.bind(value, id, scope, here);
    this.meaning.keep?.(bound);
    this.release(scope, [id]);
    scope.values[id] = bound;
  }

  private read(scope: Scope<V>, id: ValueId): V {
    const value = scope.values[id];
    if (value === undefined)
      throw internalError(`value ${id} of @${scope.func.name} is read before it is made or after its last use`);
    return value;
  }

  private hold(values: readonly V[]): void {
    for (const value of values) this.meaning.keep?.(value);
  }

  private letGo(values: readonly V[]): void {
    for (const value of values) this.meaning.drop?.(value);
  }

  private release(scope: Scope<V>, ids: readonly ValueId[] | undefined): void {
    for (const id of ids ?? []) {
      const value = scope.values[id];
      if (value !== undefined) this.meaning.drop?.(value);
      scope.values[id] = undefined;
    }
  }
}

/** Costs and schedules rest on the count, and a loop that outruns it may never end. */
function expectMoreTrips(op: Op, begun: number): void {
  const count = op.attrs.trip_count as number | undefined;
  if (count === undefined || begun < count) return;
  throw userError('SH0237', `this loop goes on after ${count} trips, the trip_count that it states`, {
    span: op.origin.span,
    expected: 'a predicate that is false by then',
    help: 'leave trip_count out: it is worked out where it can be, and else unknown',
  });
}

function region(op: Op, index: number): Block {
  const block = op.regions[index];
  if (block === undefined) throw internalError(`${op.kind} has no region ${index}`);
  return block;
}

/** StableHLO: an index out of range takes the last branch; a pred takes branch 0 when true (ir/attrs.ts). */
function branchTaken<V>(op: Op, { func }: Scope<V>): (steer: number) => number {
  if (typeOf(func, op.operands[0] as ValueId).dtype === 'pred') return (steer) => (steer !== 0 ? 0 : 1);
  const last = op.regions.length - 1;
  return (steer) => (steer < 0 || steer > last ? last : steer);
}
