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
  const definedIn = definitionsOf(parents.keys());
  const lastUse = new Map<ValueId, { index: number; inRegion: boolean }>();
  for (const block of parents.keys()) {
    block.ops.forEach((op, index) => {
      for (const value of op.operands) noteUse(value, { block, index }, parents, definedIn, lastUse);
    });
  }
  const plans = new Map<Block, BlockPlan>();
  for (const block of parents.keys()) plans.set(block, planBlock(block, lastUse));
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

function definitionsOf(blocks: Iterable<Block>): Map<ValueId, Block> {
  const definedIn = new Map<ValueId, Block>();
  for (const block of blocks) {
    for (const p of block.params) definedIn.set(p, block);
    for (const op of block.ops) for (const r of op.results) definedIn.set(r, block);
  }
  return definedIn;
}

function noteUse(
  value: ValueId,
  place: Place,
  parents: ReadonlyMap<Block, Place | undefined>,
  definedIn: ReadonlyMap<ValueId, Block>,
  lastUse: Map<ValueId, { index: number; inRegion: boolean }>,
): void {
  const home = definedIn.get(value);
  let at: Place | undefined = place;
  while (at !== undefined && at.block !== home) at = parents.get(at.block);
  if (at === undefined) return;
  const inRegion = at.block !== place.block;
  const last = lastUse.get(value);
  if (last === undefined || at.index > last.index) lastUse.set(value, { index: at.index, inRegion });
  else if (at.index === last.index && inRegion) last.inRegion = true;
}

function planBlock(block: Block, lastUse: ReadonlyMap<ValueId, { index: number; inRegion: boolean }>): BlockPlan {
  const onRead: ValueId[][] = block.ops.map(() => []);
  const onDone: ValueId[][] = block.ops.map(() => []);
  const unusedParams: ValueId[] = [];
  const place = (value: ValueId, unused: () => void): void => {
    const last = lastUse.get(value);
    if (last === undefined) unused();
    else (last.inRegion ? onDone : onRead)[last.index]?.push(value);
  };
  for (const p of block.params) place(p, () => unusedParams.push(p));
  block.ops.forEach((op: Op, i) => {
    for (const r of op.results) place(r, () => onDone[i]?.push(r));
  });
  return { onRead, onDone, unusedParams };
}
