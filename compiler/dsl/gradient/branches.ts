/**
 * The gradient of a branch is the branch of its gradients; what each needs of its way forward leaves the first case as
 * a result, zeros where another branch ran.
 */
import type { Block, Op, ValueId } from '../../../ir/program.ts';
import { copyRegion, Environment, readFromOutside, replaceReads } from '../blocks.ts';
import { returned } from '../live-values.ts';
import { residualsOf, writeAgain } from './residuals.ts';
import { orZeros, Tape } from './tape.ts';

type Back = (cotangents: readonly (ValueId | undefined)[], add: (of: ValueId, g: ValueId) => void) => void;

interface Branch {
  readonly ends: readonly ValueId[];
  readonly kept: readonly ValueId[];
  readonly backward: Block;
}

export function recordBranches(tape: Tape, op: Op): Back {
  const { b, env } = tape;
  const captured = readFromOutside(op.regions).filter(tape.isActive);
  // Stand for the results' cotangents until these are known.
  const holders = op.results.map((r) => b.value(b.typeOf(r)));
  const branches: Branch[] = [];
  const open = op.regions.map((region) =>
    b.region(() => {
      const own = new Tape(b, new Environment(env), [], tape.isActive);
      const ends = own.record(region);
      const draft = b.region(() => {
        const found = own.pull(returned(region).map((id, k) => [id, holders[k]] as const));
        b.op(
          'return',
          captured.map((id) => orZeros(b, found.get(id), id)),
          [],
          b.origin,
        );
      });
      const { ops } = b.openBlocks().at(-1) as Block;
      const { kept, again } = residualsOf({ params: [], ops: [...ops] }, draft);
      const backward = b.region(() => {
        const now = writeAgain(b, again);
        for (const inner of replaceReads(draft, now).ops) b.push(inner);
      });
      branches.push({ ends, kept, backward });
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
  const backward = branches.map((branch) => replaceReads(branch.backward, now));
  return (cotangents, add) => {
    const given = new Environment();
    holders.forEach((h, k) => given.set(h, orZeros(b, cotangents[k], h)));
    const regions = backward.map((block) => copyRegion(b, block, given));
    const made = b.op(
      'case',
      selector,
      captured.map((id) => b.typeOf(id)),
      b.origin,
      op.attrs,
      regions,
    );
    captured.forEach((id, i) => add(id, made[i] as ValueId));
  };
}
