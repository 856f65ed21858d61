/**
 * Matrix products that a program computes again from the same values, to save the memory of their results: model
 * utilisation leaves them out, hardware utilisation counts them.
 *
 * Values are numbered so that equal computations get equal numbers, through barriers, and through loops that stack a
 * value for a later loop to read (a layer scan and its backward scan):
 *
 *   do (%i, %x, %xs) { %h = dot %x, %w[i];  %xs' = dynamic_update_slice %xs, %x at i … }      // forward
 *   do (%j, …) { %x = dynamic_slice %xs at j;  %h = dot %x, %w[j];  … }                       // this %h is computed again
 */
import {
  type Block,
  type Elements,
  type Func,
  keepsCarry,
  type Op,
  synchronous,
  typeOf,
  type ValueId,
} from '../../ir/program.ts';
import { elementCount } from '../../ir/types.ts';
import { isMatrixOp } from './op-cost.ts';

/** O(ops). */
export function recomputedOps(func: Func): ReadonlySet<Op> {
  return new Numbering(func).run();
}

interface Frame {
  readonly block: Block;
  next: number;
  region: number;
}

class Numbering {
  private readonly func: Func;
  private readonly numbers = new Map<ValueId, string>();
  private readonly constants = new Map<object, number>();
  private readonly interned = new Map<string, string>();
  /** Stack of a loop's values → the value of one trip. */
  private readonly stacked = new Map<string, string>();
  /** Number → the shape it had before it was reshaped, without ones. */
  private readonly shapes = new Map<string, string>();
  private readonly products = new Set<string>();
  private readonly again = new Set<Op>();

  constructor(func: Func) {
    this.func = func;
  }

  run(): ReadonlySet<Op> {
    for (const p of this.func.body.params) this.fresh(p);
    const stack: Frame[] = [{ block: this.func.body, next: 0, region: 0 }];
    for (let top = stack.at(-1); top !== undefined; top = stack.at(-1)) {
      const op = top.block.ops[top.next];
      if (op === undefined) {
        stack.pop();
        continue;
      }
      const region = op.kind === 'while' || op.kind === 'case' ? op.regions[top.region] : undefined;
      if (region !== undefined) {
        this.enter(op, region);
        top.region++;
        stack.push({ block: region, next: 0, region: 0 });
        continue;
      }
      this.visit(op);
      top.region = 0;
      top.next++;
    }
    return this.again;
  }

  /** Carries that a loop never changes keep their number, as do those it gathers ahead; the others are new in each trip. */
  private enter(op: Op, region: Block): void {
    region.params.forEach((p, i) => {
      if (op.kind === 'while' && (keepsCarry(op, i) || gathersAhead(op, i)))
        this.numbers.set(p, this.of(op.operands[i] as ValueId));
      else this.fresh(p);
    });
  }

  private visit(op: Op): void {
    switch (op.kind) {
      case 'optimization_barrier':
      case 'sharding_constraint':
      case 'collective_done':
        op.results.forEach((r, i) => this.numbers.set(r, this.of(op.operands[i] as ValueId)));
        return;
      case 'while':
        this.leaveLoop(op);
        return;
      case 'case':
        op.results.forEach((r) => this.fresh(r));
        return;
      case 'return':
        return;
      default:
        this.compute(op);
    }
  }

  private compute(op: Op): void {
    const operands = op.operands.map((v) => this.of(v));
    const reread = op.kind === 'dynamic_slice' ? this.stacked.get(operands[0] ?? '') : undefined;
    const key = reread ?? this.keyOf(op, operands);
    op.results.forEach((r, i) => this.numbers.set(r, i === 0 ? key : `${key}#${i}`));
    const trip = op.kind === 'dynamic_update_slice' ? this.stacked.get(operands[0] ?? '') : undefined;
    if (trip !== undefined) this.stacked.set(key, trip);
    if (!isMatrixOp(op.kind)) return;
    if (this.products.has(key)) this.again.add(op);
    this.products.add(key);
  }

  /** Reshapes are told apart by where they end; a slice at a changing place by what it is taken from. */
  private keyOf(op: Op, operands: readonly string[]): string {
    if (isReshape(op, this.func)) return this.reshaped(op, operands[0] as string);
    const inputs = op.kind === 'dynamic_slice' ? operands.slice(0, 1) : operands;
    return this.intern(`${synchronous(op).kind}(${inputs.join()})${this.attrsText(op)}`);
  }

  private reshaped(op: Op, operand: string): string {
    const root = operand.includes(' as ') ? operand.slice(0, operand.indexOf(' as ')) : operand;
    const shape = typeOf(this.func, op.results[0] as ValueId)
      .shape.filter((n) => n !== 1)
      .join();
    const from = typeOf(this.func, op.operands[0] as ValueId)
      .shape.filter((n) => n !== 1)
      .join();
    if (shape === from) return operand;
    return this.shapes.get(root) === shape ? root : this.remember(root, from, `${root} as ${shape}`);
  }

  private remember(root: string, shape: string, key: string): string {
    if (!this.shapes.has(root)) this.shapes.set(root, shape);
    return key;
  }

  private leaveLoop(op: Op): void {
    const body = op.regions[1];
    const returned = body?.ops.at(-1)?.operands;
    const makers = new Map(body?.ops.flatMap((o) => o.results.map((r) => [r, o] as const)));
    op.results.forEach((r, i) => {
      if (keepsCarry(op, i) || gathersAhead(op, i)) {
        this.numbers.set(r, this.of(op.operands[i] as ValueId));
        return;
      }
      this.fresh(r);
      const update = makers.get(returned?.[i] as ValueId);
      if (update?.kind === 'dynamic_update_slice' && update.operands[0] === body?.params[i])
        this.stacked.set(this.of(r), this.of(update.operands[1] as ValueId));
    });
  }

  private of(id: ValueId): string {
    return this.numbers.get(id) ?? this.fresh(id);
  }

  private fresh(id: ValueId): string {
    const name = `v${id}`;
    this.numbers.set(id, name);
    return name;
  }

  /** Long constants by identity of their data: equal ones that a pass copied share it. */
  private attrsText(op: Op): string {
    if (op.kind !== 'constant') return JSON.stringify(op.attrs);
    const { data } = op.attrs.value as Elements;
    if (data.length === 1) return String(data[0]);
    const known = this.constants.get(data) ?? this.constants.size;
    this.constants.set(data, known);
    return `#${known}`;
  }

  private intern(text: string): string {
    const known = this.interned.get(text) ?? `n${this.interned.size}`;
    this.interned.set(text, known);
    return known;
  }
}

/** A carry that schedule made: each trip gathers for the next what it gathered for itself before. */
function gathersAhead(loop: Op, carry: number): boolean {
  const body = loop.regions[1];
  const next = body?.ops.at(-1)?.operands[carry];
  const maker = body?.ops.find((o) => o.results.includes(next as ValueId));
  const gathers = maker?.kind === 'all_gather' || maker?.kind === 'collective_done';
  return gathers && maker.origin.pass === 'schedule';
}

const isReshape = (op: Op, func: Func): boolean =>
  op.kind === 'reshape' ||
  (op.kind === 'broadcast_in_dim' &&
    elementCount(typeOf(func, op.operands[0] as ValueId)) === elementCount(typeOf(func, op.results[0] as ValueId)));
