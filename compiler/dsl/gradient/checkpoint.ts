/**
 * The gradient of a checkpoint computes its region again from what it read, on the way back; a policy names values to
 * keep instead. The barrier keeps compilers from merging the second computation with the first (JAX, prevent_cse).
 */
import { type Block, type Op, readFromOutside, type ValueId } from '../../../ir/program.ts';
import { Environment } from '../blocks.ts';
import { returned } from '../live-values.ts';
import type { Saveable } from '../primitives.ts';
import { type Back, Tape } from './tape.ts';
import { NONE } from './variation.ts';

export function recordCheckpoint(tape: Tape, op: Op): Back {
  const { b, env } = tape;
  const [region] = op.regions as [Block];
  const first = new Environment(env);
  first.setAll(region.params, env.read(op.operands));
  const results = new Tape(b, first, []).record(region);
  env.setAll(op.results, results);
  const saved = savedValues(region, op.attrs.saveable as Saveable, first);
  const captured = readFromOutside([region]);
  const inputs = [...region.params, ...captured];
  return (cotangents, add) => {
    const ends = returned(region);
    const given = cotangents.flatMap((g, k) => (g === undefined ? [] : [{ end: ends[k] as ValueId, g }]));
    const kept = [...saved.values()];
    const behind = barrier(tape, [...first.read(inputs), ...given.map(({ g }) => g), ...kept]);
    const keptBehind = behind.slice(inputs.length + given.length);
    const second = new Environment(env);
    second.setAll(inputs, behind);
    const activeParams = region.params.filter((_, i) => tape.isActive(op.operands[i] as ValueId));
    const again = tape.inner(second, activeParams);
    const made = again.record(region, {
      saved: new Map([...saved.keys()].map((v, i) => [v, keptBehind[i] as ValueId])),
    });
    const begun = behind.slice(inputs.length, inputs.length + given.length);
    // Behind a second barrier, which takes the results too, nothing of the second computation is idle.
    const begin = op.attrs.whole === true ? barrier(tape, [...begun, ...made]) : begun;
    const found = again.pull(given.map(({ end }, i) => [end, begin[i]] as const));
    region.params.forEach((p, i) => {
      const g = found.get(p);
      if (g !== undefined) add(op.operands[i] as ValueId, g, NONE);
    });
    for (const id of captured) {
      const g = found.owing(id);
      if (g !== undefined) add(id, g.value, g.owed);
    }
  };
}

/** What the policy keeps, as values of the first computation. */
function savedValues(region: Block, saveable: Saveable, first: Environment): Map<ValueId, ValueId> {
  const saved = new Map<ValueId, ValueId>();
  for (const op of region.ops) {
    const name = op.kind === 'name' ? String(op.attrs.name) : undefined;
    if (op.kind !== 'return' && saveable(op, name)) for (const r of op.results) saved.set(r, first.get(r));
  }
  return saved;
}

function barrier({ b }: Tape, ids: readonly ValueId[]): readonly ValueId[] {
  return b.op(
    'optimization_barrier',
    ids,
    ids.map((id) => b.typeOf(id)),
    b.origin,
  );
}
