/** Blocks of a traced function written again elsewhere: with other values for their own, or for what they read. */
import type { FuncBuilder } from '../../ir/build.ts';
import type { Block, Op, ValueId } from '../../ir/program.ts';

/** What stands for a value of the block being read. Values of enclosing blocks stand for themselves unless said otherwise. */
export class Environment {
  private readonly own = new Map<ValueId, ValueId>();
  private readonly outer: Environment | undefined;

  constructor(outer?: Environment) {
    this.outer = outer;
  }

  get(id: ValueId): ValueId {
    for (let env: Environment | undefined = this; env !== undefined; env = env.outer) {
      const found = env.own.get(id);
      if (found !== undefined) return found;
    }
    return id;
  }

  set(id: ValueId, now: ValueId): void {
    this.own.set(id, now);
  }

  setAll(ids: readonly ValueId[], now: readonly ValueId[]): void {
    ids.forEach((id, i) => this.own.set(id, now[i] as ValueId));
  }

  read = (ids: readonly ValueId[]): ValueId[] => ids.map((id) => this.get(id));
}

/** Appends a copy of the op, with fresh results that the environment then knows. */
export function copyOp(b: FuncBuilder, op: Op, env: Environment): void {
  const regions = op.regions.map((r) => copyRegion(b, r, env));
  const results = op.results.map((r) => copyValue(b, r));
  b.push({ ...op, operands: env.read(op.operands), results, regions });
  env.setAll(op.results, results);
}

/** A region with fresh values throughout. */
export function copyRegion(b: FuncBuilder, region: Block, outer: Environment): Block {
  const env = new Environment(outer);
  return b.region(() => {
    for (const p of region.params) env.set(p, b.param(b.typeOf(p)));
    for (const op of region.ops) copyOp(b, op, env);
  });
}

const copyValue = (b: FuncBuilder, id: ValueId): ValueId => {
  const { type, ...info } = b.values[id] as FuncBuilder['values'][number];
  return b.value(type, info);
};

/** The block with some of the values that it reads replaced; its own stay as they are. */
export function replaceReads(block: Block, now: ReadonlyMap<ValueId, ValueId>): Block {
  if (now.size === 0) return block;
  return {
    params: block.params,
    ops: block.ops.map((op) => ({
      ...op,
      operands: op.operands.map((id) => now.get(id) ?? id),
      regions: op.regions.map((r) => replaceReads(r, now)),
    })),
  };
}
