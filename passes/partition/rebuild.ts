/** A function op by op into a new one: what a local rewrite needs. Values keep their ids; the rewrite adds its own. */
import { FuncBuilder } from '../../ir/build.ts';
import { isWide, splatElements } from '../../ir/elements.ts';
import type { Layout } from '../../ir/layout.ts';
import type { Attrs, Block, Func, Op, Origin, ValueId } from '../../ir/program.ts';
import type { TensorType } from '../../ir/types.ts';

/** Pushes what stands for the op, its last one with the op's own results; false = the op stays. */
export type Rewrite = (op: Op, emit: LaidOutBuilder) => boolean;

const NESTS: ReadonlySet<string> = new Set(['while', 'case', 'manual_computation']);

/** Loops and branches are entered, reducers are not. `renamed`: values read instead of others, as the rewrite finds. O(ops). */
export function rebuild(func: Func, rewrite: Rewrite, renamed: ReadonlyMap<ValueId, ValueId> = new Map()): Func {
  const builder = new LaidOutBuilder(func.values);
  const block = (b: Block): Block =>
    builder.region(() => {
      for (const p of b.params) builder.paramAt(p);
      for (const old of b.ops) {
        if (rewrite(old, builder)) continue;
        const op = renamed.size === 0 ? old : { ...old, operands: old.operands.map((v) => renamed.get(v) ?? v) };
        builder.push(NESTS.has(op.kind) ? { ...op, regions: op.regions.map(block) } : op);
      }
    });
  const body = block(func.body);
  return { ...func, body, values: builder.values };
}

/** Of ops whose results have layouts. */
export class LaidOutBuilder extends FuncBuilder {
  /** The one result of a new op. */
  made(
    kind: string,
    operands: readonly ValueId[],
    type: TensorType,
    layout: Layout,
    origin: Origin,
    attrs: Attrs = {},
  ): ValueId {
    const [result] = this.op(kind, operands, [type], origin, attrs) as [ValueId];
    this.setLayout(result, layout);
    return result;
  }

  /** All elements one number. */
  splat(value: number | bigint, type: TensorType, layout: Layout, origin: Origin): ValueId {
    const { dtype, shape } = type;
    const data = splatElements(dtype, isWide(dtype) ? BigInt(value) : Number(value));
    return this.made('constant', [], type, layout, origin, { value: { data }, dtype, shape });
  }
}
