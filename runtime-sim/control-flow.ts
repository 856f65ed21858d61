/**
 * Runs a function op by op: calls, loops, branches and the life of values. What a value is (one array; a copy per group
 * of devices) and what a tensor op does with it is the caller's. Nesting lives on an explicit stack, so that deep
 * programs cannot overflow ours.
 */
import { internalError, unsupported } from '../ir/diagnostics.ts';
import { type Block, type Func, type Module, type Op, typeOf, type ValueId } from '../ir/program.ts';
import type { OpView } from '../ir/op.ts';
import { type BlockPlan, planLiveness } from './liveness.ts';

export interface Meaning<V> {
  /** A tensor op, collective or axis_index. */
  op(op: Op, operands: readonly V[], scope: Scope<V>): readonly V[];
  /** Sees every value as it is bound; may give a better representation of the same value. */
  bind?(value: V, id: ValueId, scope: Scope<V>): V;
  /** The number that steers a loop or a branch. */
  scalar(value: V, op: Op): number;
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
  /** What `return` means here: end of a branch or call, the loop's predicate, or the loop's next carry. */
  readonly role: 'once' | 'predicate' | 'trip';
  /** The loop's carry while its predicate runs. */
  readonly carry: readonly V[];
  next: number;
}

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
    this.enter(this.activate(func), func.body, inputs, 'once');
    for (;;) {
      const frame = this.stack.at(-1) as Frame<V>;
      const op = frame.block.ops[frame.next];
      if (op === undefined) throw internalError(`a block of @${frame.scope.func.name} has no terminator`);
      if (op.kind !== 'return') {
        this.step(frame, op);
        continue;
      }
      const results = op.operands.map((v) => this.read(frame.scope, v));
      this.release(frame.scope, frame.plan.onRead[frame.next]);
      this.stack.pop();
      if (this.stack.length === 0) return results;
      this.leave(frame, this.stack.at(-1) as Frame<V>, results);
    }
  }

  private step(frame: Frame<V>, op: Op): void {
    const { scope } = frame;
    const operands = op.operands.map((v) => this.read(scope, v));
    this.release(scope, frame.plan.onRead[frame.next]);
    switch (op.kind) {
      case 'while':
        this.enter(scope, region(op, 0), operands, 'predicate', operands);
        break;
      case 'case':
        this.enter(scope, this.branch(op, operands[0] as V, scope), [], 'once');
        break;
      case 'named_computation':
        this.enter(scope, region(op, 0), operands, 'once');
        break;
      case 'call':
        this.call(op, operands);
        break;
      case 'optimization_barrier':
      case 'sharding_constraint':
      case 'propagation_barrier':
      case 'data_flow_edge':
      case 'reshard':
        this.finish(frame, op, operands);
        break;
      case 'sharding_group':
        this.finish(frame, op, []);
        break;
      case 'manual_computation':
        throw unsupported('running manual_computation (shard_map) before it is localized');
      default:
        this.finish(frame, op, this.meaning.op(op, operands, scope));
        break;
    }
  }

  /** A region or callee has returned: go on with the op that holds it. */
  private leave(child: Frame<V>, parent: Frame<V>, results: readonly V[]): void {
    const op = parent.block.ops[parent.next] as Op;
    if (child.role === 'once') this.finish(parent, op, results);
    else if (child.role === 'trip') this.enter(parent.scope, region(op, 0), results, 'predicate', results);
    else if (this.meaning.scalar(results[0] as V, op) !== 0)
      this.enter(parent.scope, region(op, 1), child.carry, 'trip');
    else this.finish(parent, op, child.carry);
  }

  private finish(frame: Frame<V>, op: Op, results: readonly V[]): void {
    if (results.length !== op.results.length) {
      throw internalError(`${op.kind} gave ${results.length} results where ${op.results.length} were expected`);
    }
    op.results.forEach((id, i) => this.bind(frame.scope, id, results[i] as V));
    this.release(frame.scope, frame.plan.onDone[frame.next]);
    frame.next++;
  }

  private enter(
    scope: Scope<V>,
    block: Block,
    inputs: readonly V[],
    role: Frame<V>['role'],
    carry: readonly V[] = [],
  ): void {
    const plan = scope.code.plans.get(block);
    if (plan === undefined) throw internalError(`a block of @${scope.func.name} has no liveness plan`);
    if (inputs.length !== block.params.length)
      throw internalError(`${inputs.length} values for ${block.params.length} parameters`);
    block.params.forEach((id, i) => this.bind(scope, id, inputs[i] as V));
    this.release(scope, plan.unusedParams);
    this.stack.push({ scope, block, plan, role, carry, next: 0 });
  }

  private call(op: Op, operands: readonly V[]): void {
    const callee = this.module.functions.find((f) => f.name === op.attrs.callee);
    if (callee === undefined)
      throw internalError(`call of @${String(op.attrs.callee)}, which the module does not hold`);
    this.enter(this.activate(callee), callee.body, operands, 'once');
  }

  private activate(func: Func): Scope<V> {
    let code = this.codes.get(func);
    if (code === undefined) this.codes.set(func, (code = new FunctionCode(func)));
    return { func, values: new Array<V | undefined>(func.values.length), code };
  }

  /** StableHLO: an index out of range takes the last branch; a pred takes branch 0 when true (ir/attrs.ts). */
  private branch(op: Op, selector: V, scope: Scope<V>): Block {
    const value = this.meaning.scalar(selector, op);
    if (typeOf(scope.func, op.operands[0] as ValueId).dtype === 'pred') return region(op, value !== 0 ? 0 : 1);
    const last = op.regions.length - 1;
    return region(op, value < 0 || value > last ? last : value);
  }

  private bind(scope: Scope<V>, id: ValueId, value: V): void {
    scope.values[id] = this.meaning.bind === undefined ? value : this.meaning.bind(value, id, scope);
  }

  private read(scope: Scope<V>, id: ValueId): V {
    const value = scope.values[id];
    if (value === undefined)
      throw internalError(`value ${id} of @${scope.func.name} is read before it is made or after its last use`);
    return value;
  }

  private release(scope: Scope<V>, ids: readonly ValueId[] | undefined): void {
    for (const id of ids ?? []) scope.values[id] = undefined;
  }
}

function region(op: Op, index: number): Block {
  const block = op.regions[index];
  if (block === undefined) throw internalError(`${op.kind} has no region ${index}`);
  return block;
}
