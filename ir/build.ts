/** Builds a function: fresh values, ops appended to the block at hand. Passes rebuild with it rather than mutate. */
import type { Layout } from './layout.ts';
import type { Attrs, Block, Func, Op, Origin, ValueId, ValueInfo } from './program.ts';
import type { TensorType } from './types.ts';

export class FuncBuilder {
  readonly values: ValueInfo[] = [];
  private readonly blocks: { params: ValueId[]; ops: Op[] }[] = [{ params: [], ops: [] }];

  /** Starts from an existing value table (ids stay valid) or an empty one. */
  constructor(values: readonly ValueInfo[] = []) {
    this.values = [...values];
  }

  value(type: TensorType, info?: Omit<ValueInfo, 'type'>): ValueId {
    return (this.values.push(info === undefined ? { type } : { ...info, type }) - 1) as ValueId;
  }

  param(type: TensorType, info: Omit<ValueInfo, 'type'> = {}): ValueId {
    const id = this.value(type, info);
    this.top().params.push(id);
    return id;
  }

  /** A parameter of the function, whatever block is at hand. */
  argument(type: TensorType, info: Omit<ValueInfo, 'type'> = {}): ValueId {
    const id = this.value(type, info);
    this.blocks[0]?.params.push(id);
    return id;
  }

  /** Makes an existing value the next parameter of the block at hand. */
  paramAt(id: ValueId): void {
    this.top().params.push(id);
  }

  typeOf(id: ValueId): TensorType {
    const info = this.values[id];
    if (info === undefined) throw new Error(`value ${id} is not of this builder`);
    return info.type;
  }

  layoutOf(id: ValueId): Layout | undefined {
    return this.values[id]?.layout;
  }

  setLayout(id: ValueId, layout: Layout): void {
    const info = this.values[id];
    if (info !== undefined) this.values[id] = { ...info, layout };
  }

  setPadding(id: ValueId, padding: ValueInfo['padding']): void {
    const info = this.values[id];
    if (info !== undefined && padding !== undefined) this.values[id] = { ...info, padding };
  }

  forgetPadding(id: ValueId): void {
    const { padding: _, ...info } = this.values[id] as ValueInfo;
    this.values[id] = info;
  }

  /** Gives a value that has no name yet the name and place that another has in the source. */
  nameLike(id: ValueId, { name, origin }: ValueInfo): void {
    const info = this.values[id];
    if (info === undefined || info.name !== undefined || name === undefined) return;
    this.values[id] = { ...info, name, ...(origin === undefined ? {} : { origin }) };
  }

  push(op: Op): readonly ValueId[] {
    this.top().ops.push(op);
    return op.results;
  }

  /** Appends an op with fresh results of the given types. */
  op(
    kind: string,
    operands: readonly ValueId[],
    types: readonly TensorType[],
    origin: Origin,
    attrs: Attrs = {},
    regions: readonly Block[] = [],
  ): ValueId[] {
    const results = types.map((t) => this.value(t, { origin }));
    this.push({ kind, operands, results, attrs, regions, origin });
    return results;
  }

  /** Runs `fill` on a new block (a region) and returns it. */
  region(fill: () => void): Block {
    const block = { params: [], ops: [] };
    this.blocks.push(block);
    try {
      fill();
    } finally {
      this.blocks.pop();
    }
    return block;
  }

  finish(func: Omit<Func, 'body' | 'values'>): Func {
    return { ...func, body: this.top(), values: this.values };
  }

  /** The first parameter of the block at hand. */
  firstParam(): ValueId {
    const [param] = this.top().params;
    if (param === undefined) throw new Error('the block at hand takes nothing');
    return param;
  }

  /** The blocks being filled, outermost first. */
  openBlocks(): readonly Block[] {
    return this.blocks;
  }

  /** The block at hand. */
  private top(): { params: ValueId[]; ops: Op[] } {
    return this.blocks.at(-1) as { params: ValueId[]; ops: Op[] };
  }
}
