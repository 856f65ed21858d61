/**
 * What a loop carries but never changes is no state of it: the body reads the value from outside. JAX's scan carries the
 * weights so; read from outside, they are gathered once before the loop, and two loops share the gathered copy.
 *
 *   %r:2 = while (%i = %zero, %w = %0) … { …; return %j, %w }
 *   →  %r = while (%i = %zero) … { …; return %j }      // %w inside, and %r#1 after it, are %0
 */
import { FuncBuilder } from '../../ir/build.ts';
import { type Block, type Func, type Module, type Op, type ValueId, walkOps } from '../../ir/program.ts';

/** Parsed → parsed. */
export const loopInvariants = (module: Module): Module => ({
  ...module,
  functions: module.functions.map((f) => (carriesInvariants(f) ? new Freeing(f).run() : f)),
});

const carriesInvariants = (func: Func): boolean =>
  [...walkOps(func.body)].some((op) => op.kind === 'while' && changing(op).length < op.results.length);

/** Indices of what the body gives back changed. */
function changing(op: Op): number[] {
  const [, body] = op.regions;
  const returned = body?.ops.at(-1)?.operands ?? [];
  return op.results.map((_, i) => i).filter((i) => returned[i] !== body?.params[i]);
}

class Freeing {
  private readonly func: Func;
  private readonly builder: FuncBuilder;
  private readonly renamed = new Map<ValueId, ValueId>();

  constructor(func: Func) {
    this.func = func;
    this.builder = new FuncBuilder(func.values);
  }

  run(): Func {
    const body = this.block(this.func.body);
    return { ...this.func, body, values: this.builder.values };
  }

  private block(block: Block, kept?: readonly number[]): Block {
    return this.builder.region(() => {
      block.params.forEach((p, i) => {
        if (kept === undefined || kept.includes(i)) this.builder.paramAt(p);
      });
      for (const op of block.ops) this.op(op, op.kind === 'return' ? kept : undefined);
    });
  }

  private op(op: Op, kept: readonly number[] | undefined): void {
    const operands = op.operands.map((v) => this.renamed.get(v) ?? v);
    if (kept !== undefined) this.builder.push({ ...op, operands: kept.map((i) => operands[i] as ValueId) });
    else if (op.kind === 'while') this.loop({ ...op, operands });
    else this.builder.push({ ...op, operands, regions: op.regions.map((r) => this.block(r)) });
  }

  private loop(op: Op): void {
    const [cond, body] = op.regions as readonly [Block, Block];
    const kept = changing(op);
    op.operands.forEach((v, i) => {
      if (kept.includes(i)) return;
      for (const inside of [cond.params[i], body.params[i], op.results[i]])
        if (inside !== undefined) this.renamed.set(inside, v);
    });
    const pick = <T>(list: readonly T[]): T[] => kept.map((i) => list[i] as T);
    const condition = this.block({ ...cond, params: pick(cond.params) });
    this.builder.push({
      ...op,
      operands: pick(op.operands),
      results: pick(op.results),
      regions: [condition, this.block(body, kept)],
    });
  }
}
