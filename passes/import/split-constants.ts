/**
 * One copy of a constant sub-computation per use, so that a constant never couples the layouts of two users; likewise of
 * a scalar's broadcast, whose operand is shared (Shardy, constant_or_scalar_splitter.cc). Copies stand beside the original.
 * Runs before calls are inlined: what a function computes from its arguments is no constant, but a call of a function
 * that computes with constants only, on constants, is one.
 *
 *   %c = constant; %a = add %x, %c; %b = add %y, %c   →   %c, %c' = constant twice
 */
import { FuncBuilder } from '../../ir/build.ts';
import type { Registry } from '../../ir/op.ts';
import { type Block, type Func, type Module, type Op, type ValueId, valueInfo } from '../../ir/program.ts';
import type { TensorType } from '../../ir/types.ts';

export function splitConstants(module: Module, registry: Registry): Module {
  const pure = new PureFunctions(module, registry);
  return { ...module, functions: module.functions.map((f) => new Splitter(f, pure).run()) };
}

/** Functions whose ops are constants, or rearrange and compute elementwise. */
class PureFunctions {
  private readonly functions: ReadonlyMap<string, Func>;
  private readonly registry: Registry;
  private readonly known = new Map<string, boolean>();

  constructor(module: Module, registry: Registry) {
    this.functions = new Map(module.functions.map((f) => [f.name, f]));
    this.registry = registry;
  }

  has(name: string): boolean {
    const known = this.known.get(name);
    if (known !== undefined) return known;
    this.known.set(name, false);
    const func = this.functions.get(name);
    const pure =
      func === undefined ? false : func.body.ops.every((op) => op.kind === 'return' || this.keepsConstants(op, func));
    this.known.set(name, pure);
    return pure;
  }

  /** Does the op give constants when it is given constants? */
  keepsConstants(op: Op, func: Func): boolean {
    if (op.kind === 'call') return this.has(op.attrs.callee as string);
    if (op.results.length !== 1 || op.regions.length > 0) return false;
    if (KEEPING.has(op.kind)) return true;
    const types = (ids: readonly ValueId[]): TensorType[] => ids.map((v) => valueInfo(func, v).type);
    const view = {
      kind: op.kind,
      attrs: op.attrs,
      regions: [],
      operands: types(op.operands),
      results: types(op.results),
    };
    return op.operands.length > 0 && this.registry[op.kind]?.factors(view).elementwise === true;
  }
}

const KEEPING: ReadonlySet<string> = new Set(['constant', 'iota', 'broadcast_in_dim', 'reshape', 'slice']);

class Splitter {
  private readonly func: Func;
  private readonly pure: PureFunctions;
  private readonly builder: FuncBuilder;
  /** Value → the op that makes it, for what is copied. */
  private readonly makers = new Map<ValueId, Op>();
  private readonly used = new Set<Op>();
  private readonly copies = new Map<Op, Op[]>();
  private readonly operands = new Map<Op, readonly ValueId[]>();

  constructor(func: Func, pure: PureFunctions) {
    this.func = func;
    this.pure = pure;
    this.builder = new FuncBuilder(func.values);
  }

  run(): Func {
    this.find(this.func.body);
    const body = this.rebuild(this.func.body);
    return { ...this.func, body, values: this.builder.values };
  }

  /** Gives every use of a constant its own copy. */
  private find(block: Block): void {
    for (const op of block.ops) {
      if (this.isScalarBroadcast(op) || this.isConstant(op)) for (const r of op.results) this.makers.set(r, op);
      this.operands.set(
        op,
        op.operands.map((v) => this.copy(v)),
      );
      for (const region of op.regions) this.find(region);
    }
  }

  private copy(id: ValueId): ValueId {
    const op = this.makers.get(id);
    const scalar = valueInfo(this.func, id).type.shape.length === 0;
    if (op === undefined || scalar) return id;
    if (!this.used.has(op)) {
      this.used.add(op);
      return id;
    }
    const results = op.results.map((r) => this.builder.value(valueInfo(this.func, r).type, valueInfo(this.func, r)));
    const operands = this.isScalarBroadcast(op) ? op.operands : op.operands.map((v) => this.copy(v));
    const known = this.copies.get(op);
    const twin = { ...op, operands, results };
    if (known === undefined) this.copies.set(op, [twin]);
    else known.push(twin);
    return results[op.results.indexOf(id)] as ValueId;
  }

  private rebuild(block: Block): Block {
    return this.builder.region(() => {
      for (const p of block.params) this.builder.paramAt(p);
      for (const op of block.ops) {
        this.builder.push({
          ...op,
          operands: this.operands.get(op) ?? op.operands,
          regions: op.regions.map((r) => this.rebuild(r)),
        });
        for (const twin of this.copies.get(op) ?? []) this.builder.push(twin);
      }
    });
  }

  private isScalarBroadcast(op: Op): boolean {
    const [operand] = op.operands;
    return (
      op.kind === 'broadcast_in_dim' && operand !== undefined && valueInfo(this.func, operand).type.shape.length === 0
    );
  }

  private isConstant(op: Op): boolean {
    return (
      op.operands.every((v) => this.makers.has(v) && !this.isSharedScalar(v)) && this.pure.keepsConstants(op, this.func)
    );
  }

  /** A broadcast of a scalar that is no constant is copied, but what is computed from it is not. */
  private isSharedScalar(id: ValueId): boolean {
    const op = this.makers.get(id);
    return op !== undefined && this.isScalarBroadcast(op) && !this.makers.has(op.operands[0] as ValueId);
  }
}
