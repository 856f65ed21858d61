/**
 * When a value is needed for the last time. Running a program frees values by this plan, and the memory model reads
 * peak live bytes off it. A value used inside a region lives until the op that holds the region is done.
 */
import type { Block, Func, Op, ValueId } from '../ir/program.ts';

export interface BlockPlan {
  /** Per op: values that nothing reads once the op has read its operands. */
  readonly onRead: readonly (readonly ValueId[])[];
  /** Per op: values that nothing reads once the op is done (used in its regions, or results nobody wants). */
  readonly onDone: readonly (readonly ValueId[])[];
  /** Parameters that nothing reads. */
  readonly unusedParams: readonly ValueId[];
}

interface Place {
  readonly block: Block;
  readonly index: number;
}

/** One plan per block of the function, regions included. O(ops × nesting depth of captures). */
export function planLiveness(func: Func): ReadonlyMap<Block, BlockPlan> {
  const parents = parentsOf(func);
  const uses = new LastUses(func.values.length, parents);
  for (const block of parents.keys()) {
    block.ops.forEach((op, index) => {
      for (const value of op.operands) uses.note(value, block, index);
    });
  }
  const plans = new Map<Block, BlockPlan>();
  for (const block of parents.keys()) plans.set(block, planBlock(block, uses));
  return plans;
}

/** Every block with the place of the op that holds it (undefined for the function's body). */
function parentsOf(func: Func): Map<Block, Place | undefined> {
  const parents = new Map<Block, Place | undefined>([[func.body, undefined]]);
  for (const block of parents.keys()) {
    block.ops.forEach((op, index) => {
      for (const region of op.regions) parents.set(region, { block, index });
    });
  }
  return parents;
}

/** Per value: the block that makes it, and the op of that block that reads it last, itself or in its regions. */
class LastUses {
  private readonly parents: ReadonlyMap<Block, Place | undefined>;
  private readonly madeIn: (Block | undefined)[];
  private readonly last: Int32Array;
  private readonly inRegion: Uint8Array;

  constructor(values: number, parents: ReadonlyMap<Block, Place | undefined>) {
    this.parents = parents;
    this.madeIn = new Array<Block | undefined>(values);
    this.last = new Int32Array(values).fill(UNUSED);
    this.inRegion = new Uint8Array(values);
    for (const block of parents.keys()) {
      for (const p of block.params) this.madeIn[p] = block;
      for (const op of block.ops) for (const r of op.results) this.madeIn[r] = block;
    }
  }

  note(value: ValueId, block: Block, index: number): void {
    const home = this.madeIn[value];
    if (home === undefined) return;
    let [at, place]: [Block, number] = [block, index];
    while (at !== home) {
      const parent = this.parents.get(at);
      if (parent === undefined) return;
      [at, place] = [parent.block, parent.index];
    }
    const inRegion = at === block ? 0 : 1;
    const last = this.last[value] as number;
    if (place < last) return;
    this.inRegion[value] = place > last ? inRegion : (this.inRegion[value] as number) | inRegion;
    this.last[value] = place;
  }

  /** UNUSED where nothing reads the value. */
  lastOf(value: ValueId): number {
    return this.last[value] ?? UNUSED;
  }

  isInRegion(value: ValueId): boolean {
    return this.inRegion[value] === 1;
  }
}

const UNUSED = -1;
const NOTHING: ValueId[] = [];

function planBlock(block: Block, uses: LastUses): BlockPlan {
  // Most ops end the life of a value or none: a list is made for those that do.
  const onRead = new Array<ValueId[]>(block.ops.length).fill(NOTHING);
  const onDone = new Array<ValueId[]>(block.ops.length).fill(NOTHING);
  const unusedParams: ValueId[] = [];
  const add = (lists: ValueId[][], index: number, value: ValueId): void => {
    const list = lists[index];
    if (list === NOTHING) lists[index] = [value];
    else list?.push(value);
  };
  const place = (value: ValueId, last: number): void => add(uses.isInRegion(value) ? onDone : onRead, last, value);
  for (const p of block.params) {
    const last = uses.lastOf(p);
    if (last === UNUSED) unusedParams.push(p);
    else place(p, last);
  }
  block.ops.forEach((op: Op, i) => {
    for (const r of op.results) {
      const last = uses.lastOf(r);
      if (last === UNUSED) add(onDone, i, r);
      else place(r, last);
    }
  });
  return { onRead, onDone, unusedParams };
}
