/**
 * The gradient of a branch is the branch of its gradients; what each needs of its way forward leaves the first case as
 * a result, zeros where another branch ran.
 */
import { type Block, type Op, readFromOutside, type ValueId } from '../../../ir/program.ts';
import type { TypedBuilder } from '../../../ir/typed-build.ts';
import { copyOp, copyRegion, Environment, replaceReads } from '../blocks.ts';
import { returned } from '../live-values.ts';
import { sameAxes, shareOf } from './cotangents.ts';
import { residualsOf, writeAgain } from './residuals.ts';
import { type Back, orZeros, type Tape } from './tape.ts';
import { type Axes, NONE, union, without } from './variation.ts';

interface Branch {
  readonly ends: readonly ValueId[];
  readonly kept: readonly ValueId[];
  readonly backward: Block;
  /** Of what each captured value gets. */
  readonly owed: readonly (Axes | undefined)[];
}

export function recordBranches(tape: Tape, op: Op): Back {
  const { b, env } = tape;
  const captured = readFromOutside(op.regions).filter(tape.isActive);
  // Stand for the results' cotangents until these are known.
  const holders = op.results.map((r) => b.value(b.typeOf(r)));
  const branches: Branch[] = [];
  const open = op.regions.map((region) =>
    b.region(() => {
      const own = tape.inner(new Environment(env), []);
      const owed: (Axes | undefined)[] = [];
      const ends = own.record(region);
      const draft = b.region(() => {
        const found = own.pull(
          returned(region).map((id, k) => [id, holders[k], tape.owed(op.results[k] as ValueId, id)] as const),
        );
        const gradients = captured.map((id) => {
          const g = found.owing(id);
          owed.push(g?.owed);
          return orZeros(b, g?.value, id);
        });
        b.op('return', gradients, [], b.origin);
      });
      const { ops } = b.openBlocks().at(-1) as Block;
      const { kept, again } = residualsOf({ params: [], ops: [...ops] }, draft);
      const backward = b.region(() => {
        const now = writeAgain(b, again);
        for (const inner of replaceReads(draft, now).ops) b.push(inner);
      });
      branches.push({ ends, kept, backward, owed });
    }),
  );
  const residuals = branches.flatMap((branch) => branch.kept);
  const forward = open.map((block, i): Block => {
    const { ends, kept } = branches[i] as Branch;
    return b.region(() => {
      for (const inner of block.ops) b.push(inner);
      const handed = residuals.map((id) => (kept.includes(id) ? id : b.splat(0, b.typeOf(id))));
      b.op('return', [...ends, ...handed], [], op.origin);
    });
  });
  const types = [...op.results, ...residuals].map((id) => b.typeOf(id));
  const selector = env.read(op.operands);
  const results = b.op('case', selector, types, op.origin, op.attrs, forward);
  env.setAll(op.results, results);
  const now = new Map(residuals.map((id, i) => [id, results[op.results.length + i] as ValueId]));
  const backward = branches.map((branch) => ({ ...branch, backward: replaceReads(branch.backward, now) }));
  const owed = captured.map((_, i) => branches.reduce<Axes>((all, branch) => union(all, branch.owed[i] ?? NONE), NONE));
  return (cotangents, add) => {
    const given = new Environment();
    holders.forEach((h, k) => given.set(h, orZeros(b, cotangents[k], h)));
    const regions = backward.map((branch) => owingAlike(b, branch, given, owed));
    const types = captured.map((id) => b.typeOf(id));
    const made = b.op('case', selector, types, b.origin, op.attrs, regions);
    captured.forEach((id, i) => add(id, made[i] as ValueId, owed[i]));
  };
}

/** A branch that owes less than another gives each device its share: the sum is taken once, after the branches. */
function owingAlike(b: TypedBuilder, { backward, owed }: Branch, given: Environment, all: readonly Axes[]): Block {
  if (all.every((axes, i) => owed[i] === undefined || sameAxes(axes, owed[i]))) return copyRegion(b, backward, given);
  return b.region(() => {
    const env = new Environment(given);
    for (const op of backward.ops) if (op.kind !== 'return') copyOp(b, op, env);
    const ends = env.read(returned(backward));
    const shares = ends.map((g, i) => {
      const own = owed[i];
      return own === undefined ? g : shareOf(b, g, without(all[i] as Axes, own));
    });
    b.op('return', shares, [], b.origin);
  });
}
