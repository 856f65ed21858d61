/**
 * What a loop carries but never changes is no state of it: the body reads the value from outside. JAX's scan carries the
 * weights so; read from outside, they are gathered once before the loop, and two loops share the gathered copy.
 *
 *   %r:2 = while (%i = %zero, %w = %0) … { …; return %j, %w }
 *   →  %r = while (%i = %zero) … { …; return %j }      // %w inside, and %r#1 after it, are %0
 *
 * Where %0 is annotated, the loop reads it through an open constraint, as in XLA: what it computes may suggest another layout
 * for it inside.
 */
import { openLayout } from '../../ir/layout.ts';
import { FuncBuilder } from '../../ir/build.ts';
import {
  type Block,
  type Func,
  keepsCarry,
  type Module,
  type Op,
  type Origin,
  typeOf,
  type ValueId,
  walkOps,
} from '../../ir/program.ts';

/** Parsed → parsed. What is annotated, itself or by an edge, stays carried: it says how the loop is laid out. */
export const loopInvariants = (module: Module): Module => ({
  ...module,
  functions: module.functions.map((func) => {
    const freeing = new Freeing(func, module.meshes[0]?.name);
    return freeing.any() ? freeing.run() : func;
  }),
});

class Freeing {
  private readonly func: Func;
  private readonly builder: FuncBuilder;
  private readonly renamed = new Map<ValueId, ValueId>();
  /** Read by an edge of the file. */
  private readonly edged = new Set<ValueId>();
  private readonly mesh: string | undefined;
  /** What a constraint gives. */
  private readonly constrained = new Set<ValueId>();

  constructor(func: Func, mesh: string | undefined) {
    this.func = func;
    this.mesh = mesh;
    this.builder = new FuncBuilder(func.values);
    for (const op of walkOps(func.body))
      if (op.kind === 'data_flow_edge') op.operands.forEach((v) => this.edged.add(v));
      else if (op.kind === 'sharding_constraint') op.results.forEach((v) => this.constrained.add(v));
  }

  any(): boolean {
    return [...walkOps(this.func.body)].some((op) => op.kind === 'while' && this.kept(op).size < op.results.length);
  }

  /** Indices of what stays state: what the body gives back changed, or is annotated. */
  private kept(loop: Op): ReadonlySet<number> {
    const [cond, body] = loop.regions;
    const isSaid = (v: ValueId | undefined): boolean =>
      v !== undefined && (this.func.values[v]?.layout !== undefined || this.edged.has(v));
    const stays = (i: number): boolean =>
      !keepsCarry(loop, i) || [loop.results[i], cond?.params[i], body?.params[i]].some(isSaid);
    return new Set(loop.results.map((_, i) => i).filter(stays));
  }

  run(): Func {
    const body = this.block(this.func.body);
    return { ...this.func, body, values: this.builder.values };
  }

  private block(block: Block, kept?: ReadonlySet<number>): Block {
    return this.builder.region(() => {
      block.params.forEach((p, i) => {
        if (kept === undefined || kept.has(i)) this.builder.paramAt(p);
      });
      for (const op of block.ops) this.op(op, op.kind === 'return' ? kept : undefined);
    });
  }

  private op(op: Op, kept: ReadonlySet<number> | undefined): void {
    const operands = op.operands.map((v) => this.renamed.get(v) ?? v);
    if (kept !== undefined) this.builder.push({ ...op, operands: operands.filter((_, i) => kept.has(i)) });
    else if (op.kind === 'while') this.loop({ ...op, operands });
    else this.builder.push({ ...op, operands, regions: op.regions.map((r) => this.block(r)) });
  }

  private loop(op: Op): void {
    const [cond, body] = op.regions as readonly [Block, Block];
    const kept = this.kept(op);
    op.operands.forEach((v, i) => {
      if (kept.has(i)) return;
      this.renamed.set(op.results[i] as ValueId, v);
      const read = this.readOf(v, op);
      for (const inside of [cond.params[i], body.params[i]]) if (inside !== undefined) this.renamed.set(inside, read);
    });
    const pick = <T>(list: readonly T[]): T[] => list.filter((_, i) => kept.has(i));
    const condition = this.block({ ...cond, params: pick(cond.params) });
    this.builder.push({
      ...op,
      operands: pick(op.operands),
      results: pick(op.results),
      regions: [condition, this.block(body, kept)],
    });
  }

  /** As the loop reads it. */
  private readOf(v: ValueId, loop: Op): ValueId {
    if (this.mesh === undefined || (this.func.values[v]?.layout === undefined && !this.constrained.has(v))) return v;
    const type = typeOf(this.func, v);
    const attrs = { layout: openLayout(this.mesh, type.shape.length), of_op: true };
    const origin: Origin = { pass: 'loop-invariants', from: [loop.origin], reason: 'read by a loop' };
    return (this.builder.op('sharding_constraint', [v], [type], origin, attrs) as [ValueId])[0];
  }
}
