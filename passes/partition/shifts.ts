/**
 * Programs shift a tensor by cutting it and joining the pieces again. Cut and joined on a sharded dim, every piece would
 * be gathered; as shifts, shards get what crosses their border from a neighbour.
 *
 *   %a = slice %x [1:8];  %b = slice %x [0:1];  %y = concatenate %a, %b        // jnp.roll(x, -1)
 *   →  %y = rotate %x by=-1
 *
 *   %a = slice %x [0:3];  %y = concatenate %new, %a                            // a pipeline's stages move on
 *   →  %y = select (iota < 1), pad %new [0, 3], pad %x [1, -1]
 *
 * Also: equal parts of a dim get a dim of their own; pad of a slice → one pad; the sum of two pads that make a rotation (the
 * gradient of one) → rotate; a small slice that does not divide → dynamic_slice, which its owner answers; a slice of joined
 * values that lies in one of them → a slice of that.
 */
import { type Block, type Func, mainFunction, type Module, type Op, type ValueId, walkOps } from '../../ir/program.ts';
import { rebuild } from './rebuild.ts';
import { cutInside } from './shifts/cut-inside.ts';
import { equalParts } from './shifts/equal-parts.ts';
import { knownStarts } from './shifts/known-starts.ts';
import { joinedAgain } from './shifts/joined-again.ts';
import { ownedSlice } from './shifts/owned-slice.ts';
import { paddedSlice } from './shifts/padded-slice.ts';
import { type Cuts, cutOf, type Shift, type Sight } from './shifts/sight.ts';
import { summedPads } from './shifts/summed-pads.ts';

/** Tried in this order. */
const SHIFTS: readonly ((op: Op, sight: Sight) => Shift | undefined)[] = [
  joinedAgain,
  summedPads,
  paddedSlice,
  equalParts,
  ownedSlice,
  cutInside,
  knownStarts,
];

const CUTTING = new Set(['slice', 'pad', 'concatenate']);

/** Propagated → propagated. */
export function shifts(module: Module): Module {
  const func = mainFunction(module);
  const sight = sightOf(func);
  const found = new Map<Op, Shift>();
  for (const op of walkOps(func.body)) {
    for (const shift of SHIFTS) {
      const made = shift(op, sight);
      if (made === undefined) continue;
      found.set(op, made);
      break;
    }
  }
  if (found.size === 0) return module;
  const dead = cutForNothing(func, found, sight);
  const rebuilt = rebuild(func, (op, emit) => {
    if (dead.has(op)) return true;
    found.get(op)?.write(emit);
    return found.has(op);
  });
  return { ...module, functions: [rebuilt] };
}

function sightOf(func: Func): Sight {
  const makers = new Map<ValueId, Op>();
  for (const op of walkOps(func.body)) for (const r of op.results) makers.set(r, op);
  return { func, makers, cuts: cutsOf(func, makers) };
}

/** Cuts of a value in several blocks are left out: what is made in one is not there in the other. */
function cutsOf(func: Func, makers: Sight['makers']): Sight['cuts'] {
  const found = new Map<string, Cuts>();
  const apart = new Set<string>();
  const left: Block[] = [func.body];
  for (let block = left.pop(); block !== undefined; block = left.pop()) {
    for (const op of block.ops) {
      left.push(...op.regions);
      const cut = op.kind === 'slice' ? cutOf({ func, makers }, op.results[0] as ValueId) : undefined;
      if (cut === undefined) continue;
      const key = `${cut.value} ${cut.dim} ${cut.limit - cut.start}`;
      const known = found.get(key);
      if (known === undefined) found.set(key, { block, starts: new Set([cut.start]) });
      else if (known.block === block) known.starts.add(cut.start);
      else apart.add(key);
    }
  }
  for (const key of apart) found.delete(key);
  return found;
}

/** Slices, pads and concatenates that only what is rewritten has read. */
function cutForNothing(func: Func, found: ReadonlyMap<Op, Shift>, { makers }: Sight): ReadonlySet<Op> {
  const reads = new Uint32Array(func.values.length);
  const count = (values: readonly ValueId[], by: number): void => {
    for (const v of values) reads[v] = (reads[v] as number) + by;
  };
  for (const op of walkOps(func.body)) count(found.get(op)?.reads ?? op.operands, 1);
  const dead = new Set<Op>();
  const left = [...found.keys()].flatMap((op) => op.operands);
  for (let v = left.pop(); v !== undefined; v = left.pop()) {
    const op = makers.get(v);
    if (op === undefined || (reads[v] as number) > 0 || dead.has(op) || !CUTTING.has(op.kind)) continue;
    dead.add(op);
    count(found.get(op)?.reads ?? op.operands, -1);
    left.push(...op.operands);
  }
  return dead;
}
