/**
 * Static check of a per-device program: can all devices that a collective joins get to it, in the same order? All devices
 * run one program, so the order can only differ where they take several ways. Around every collective the predicates of
 * the loops and branches must be the same, by `Uniformity`, for all devices that it joins.
 *
 *   case %i { all_reduce %p axes={x}; … } { … }    // %i differs along x: a deadlock
 *
 * It errs on one side only: a predicate that is the same for reasons that only numbers show is reported.
 */
import type { OpAttrs } from '../ir/attrs.ts';
import type { Diagnostic } from '../ir/diagnostics.ts';
import { type AxisRef, overlaps } from '../ir/mesh.ts';
import { collectives, joinedAxes } from '../ir/ops/collectives.ts';
import { InferError, type OpView, type Registry } from '../ir/op.ts';
import {
  type Block,
  type Func,
  isCollective,
  mainFunction,
  type Module,
  type Op,
  type ValueId,
  synchronous,
  valueInfo,
  walkOps,
  readFromOutside,
} from '../ir/program.ts';
import type { TensorType } from '../ir/types.ts';
import { meetings } from './meeting.ts';
import type { Partition } from './partition.ts';
import { devicesOf } from './spmd.ts';
import { type Held, Uniformity } from './uniformity.ts';

export interface DeadlockReport {
  readonly diagnostics: readonly Diagnostic[];
  /** Collectives looked at. */
  readonly collectives: number;
  readonly devices: number;
}

/** `module`: at the local level. */
export function findDeadlocks(module: Module, registry: Registry): DeadlockReport {
  return new Checker(module, registry).run();
}

/** The ways that devices may have taken to get here, and the predicate that parted them last. */
interface Context {
  readonly together: Partition;
  readonly by?: Op;
}

/** Of one activation of a function. */
interface Scope {
  readonly func: Func;
  readonly held: (Held | undefined)[];
}

class Checker {
  private readonly module: Module;
  private readonly devices: number;
  private readonly uniform: Uniformity;
  private readonly found = new Map<Op, Diagnostic>();
  private readonly seen = new Set<Op>();
  /** What functions give, by name and all that it follows from. */
  private readonly returned = new Map<string, readonly Held[]>();
  /** Functions being looked at, outermost first. */
  private readonly calls: string[] = [];

  constructor(module: Module, registry: Registry) {
    this.module = module;
    this.devices = devicesOf(module);
    this.uniform = new Uniformity(module, this.devices, registry);
  }

  run(): DeadlockReport {
    if (this.isStraight()) for (const func of this.module.functions) this.shapes(func);
    else this.ways();
    return { diagnostics: [...this.found.values()], collectives: this.seen.size, devices: this.devices };
  }

  /** All devices take the one way there is. */
  private isStraight(): boolean {
    return !this.module.functions.some((f) =>
      [...walkOps(f.body)].some((op) => op.kind === 'while' || op.kind === 'case'),
    );
  }

  private shapes(func: Func): void {
    for (const op of [...walkOps(func.body)].map(synchronous))
      if (isCollective(op)) this.collective(op, func, { together: this.uniform.partitions.whole });
  }

  private ways(): void {
    const main = mainFunction(this.module);
    const params = main.body.params.map((p) => {
      const { layout } = valueInfo(main, p);
      return { partition: layout === undefined ? this.uniform.apart : this.uniform.ofLayout(layout) };
    });
    this.function(main, params, { together: this.uniform.partitions.whole });
  }

  /** Once for all calls that look alike: a function that calls another twice, a few deep, is called more often than can be. */
  private function(func: Func, given: readonly Held[], context: Context): readonly Held[] {
    const numbers = (h: Held): string => (h.known ?? []).map((k) => k.data.join()).join('/');
    const key = `${func.name} ${context.together.id} ${given.map((h) => `${h.partition.id}:${numbers(h)}`).join()}`;
    const known = this.returned.get(key);
    if (known !== undefined) return known;
    const scope: Scope = { func, held: new Array<Held | undefined>(func.values.length) };
    this.calls.push(func.name);
    const returned = this.block(func.body, given, scope, context);
    this.calls.pop();
    this.returned.set(key, returned);
    return returned;
  }

  private block(block: Block, given: readonly Held[], scope: Scope, context: Context): readonly Held[] {
    block.params.forEach((p, i) => {
      scope.held[p] = given[i] as Held;
    });
    for (const op of block.ops.map(synchronous)) {
      const read = op.operands.map((v) => this.held(v, scope));
      if (op.kind === 'return') return read;
      const results = this.op(op, read, scope, context);
      op.results.forEach((r, i) => {
        scope.held[r] = results[i] as Held;
      });
    }
    return [];
  }

  private op(op: Op, read: readonly Held[], scope: Scope, context: Context): readonly Held[] {
    switch (op.kind) {
      case 'while':
        return this.loop(op, read, scope, context);
      case 'case':
        return this.branches(op, read, scope, context);
      case 'call':
        return this.call(op, read, context);
      case 'optimization_barrier':
        return read;
      default: {
        if (isCollective(op)) this.collective(op, scope.func, context);
        const captured = readFromOutside(op.regions).map((v) => this.held(v, scope));
        const result = this.uniform.ofResult(op, [...read, ...captured], viewOf(op, scope.func));
        return op.results.map(() => result);
      }
    }
  }

  /** Carries are refined until they stay as they are, at most once per device; what leaves depends on when. */
  private loop(op: Op, inits: readonly Held[], scope: Scope, context: Context): readonly Held[] {
    const [cond, body] = op.regions as readonly [Block, Block];
    const { partitions } = this.uniform;
    let carried = inits.map((h): Held => ({ partition: h.partition }));
    let inside = context;
    for (;;) {
      const [{ partition: stays }] = this.block(cond, carried, scope, inside) as readonly [Held];
      inside = this.within(inside, stays, op);
      const next = this.block(body, carried, scope, inside);
      const finer = carried.map((c, i) => partitions.refine(c.partition, (next[i] as Held).partition));
      if (finer.every((p, i) => p === carried[i]?.partition)) {
        // The condition once more: its own collectives run as often as the loop does.
        this.block(cond, carried, scope, inside);
        return finer.map((p) => ({ partition: partitions.refine(p, stays) }));
      }
      carried = finer.map((partition) => ({ partition }));
    }
  }

  private branches(op: Op, read: readonly Held[], scope: Scope, context: Context): readonly Held[] {
    const index = (read[0] as Held).partition;
    const inside = this.within(context, index, op);
    const ways = op.regions.map((r) => this.block(r, [], scope, inside));
    return op.results.map((_, i) => ({
      partition: ways.reduce((p, w) => this.uniform.partitions.refine(p, (w[i] as Held).partition), index),
    }));
  }

  private call(op: Op, read: readonly Held[], context: Context): readonly Held[] {
    const callee = this.module.functions.find((f) => f.name === op.attrs.callee);
    if (callee === undefined) return this.say(op, 'SH0220', `there is no function @${String(op.attrs.callee)}`);
    if (this.calls.includes(callee.name)) return this.say(op, 'SH0221', `@${callee.name} calls itself`);
    return this.function(callee, read, context);
  }

  private within({ together, by }: Context, predicate: Partition, op: Op): Context {
    const finer = this.uniform.partitions.refine(together, predicate);
    return finer === together ? { together, ...(by === undefined ? {} : { by }) } : { together: finer, by: op };
  }

  private collective(op: Op, func: Func, { together, by }: Context): void {
    this.seen.add(op);
    const wrong = this.malformed(op, func);
    if (wrong !== undefined) return void this.say(op, 'SH0230', wrong);
    const mesh = this.uniform.grid((op.attrs.mesh ?? (op.attrs.to as { mesh: string }).mesh) as string).mesh;
    if (together.copies === 1) return;
    for (const group of meetings(op, mesh)) {
      const [first] = group as readonly [number];
      const other = group.find((d) => together.copyOf[d] !== together.copyOf[first]);
      if (other === undefined) continue;
      const what =
        by?.kind === 'while' ? 'leave the loop around it at different times' : 'take different branches around it';
      this.say(op, 'SH0235', `${op.kind} joins devices ${first} and ${other}, which may ${what}`, by);
      return;
    }
  }

  /** What is wrong with its axes, groups or shapes; undefined = nothing. */
  private malformed(op: Op, func: Func): string | undefined {
    const axes = joinedAxes(op);
    const twice = axes.find((a, i) => axes.slice(0, i).some((b: AxisRef) => overlaps(a, b)));
    if (twice !== undefined) return `${op.kind} names axis ${twice.name} twice`;
    if (
      op.kind === 'all_to_all' &&
      op.attrs.groups !== undefined &&
      (op.attrs.moves as OpAttrs['all_to_all']['moves']).length > 1
    )
      return 'an all_to_all with groups has one move';
    const def = collectives[op.kind];
    try {
      const types = (ids: readonly ValueId[]) => ids.map((v) => valueInfo(func, v).type);
      const given = def?.infer({ kind: op.kind, attrs: op.attrs, regions: [], operands: types(op.operands) });
      return given === undefined || given[0] === types(op.results)[0]
        ? undefined
        : `${op.kind} gives another type than is written`;
    } catch (thrown) {
      if (thrown instanceof InferError) return thrown.message;
      throw thrown;
    }
  }

  private held(value: ValueId, scope: Scope): Held {
    return scope.held[value] ?? { partition: this.uniform.apart };
  }

  private say(op: Op, code: string, message: string, by?: Op): readonly Held[] {
    const { span, pass } = op.origin;
    if (!this.found.has(op))
      this.found.set(op, {
        code,
        severity: 'error',
        cause: pass === undefined ? 'user' : 'internal',
        message,
        span,
        ...(by === undefined
          ? {}
          : { expected: `a ${by.kind} whose predicate is the same on all devices that the collective joins` }),
      });
    return op.results.map(() => ({ partition: this.uniform.apart }));
  }
}

function viewOf({ kind, attrs, regions, operands, results }: Op, func: Func): OpView {
  const types = (ids: readonly ValueId[]): TensorType[] => ids.map((v) => valueInfo(func, v).type);
  return { kind, attrs, regions, operands: types(operands), results: types(results) };
}
