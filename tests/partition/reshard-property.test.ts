/** Random layout changes: right on numbers, and never dearer than gathering, nor than the best of all plans. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type Layout, localShape } from '../../ir/layout.ts';
import { axesSize, type Mesh } from '../../ir/mesh.ts';
import { registry } from '../../ir/ops/index.ts';
import type { ValueId } from '../../ir/program.ts';
import { stepAttrs } from '../../passes/partition/lower-reshards.ts';
import { type Plan, planReshard } from '../../passes/partition/reshard-plan.ts';
import { runSpmd } from '../../runtime-sim/spmd.ts';
import { array, f32, program } from '../run/programs.ts';
import { type Change, changes, leastBytes } from './random-reshards.ts';

const SIZES = [1, 2, 3, 4, 5, 6, 7];
const combine = { sum: (a: number, b: number) => a + b, max: Math.max, min: Math.min };

function planOf({ mesh, shape, from, to }: Change, target: Mesh = mesh): Plan {
  const plan = planReshard([mesh, target], shape, 1, from, { ...to, mesh: target.name });
  if (plan === null) throw new Error('no plan');
  return plan;
}

/** What the plan makes of numbers: partial results come as one more dim, sharded over the axes owed. */
function carriedOut({ mesh, shape, from }: Change, plan: Plan, meshes: readonly Mesh[]): [number[], number[]] {
  const parts = axesSize(from.unreduced);
  const entered: Layout = {
    ...from,
    unreduced: [],
    dims: [{ axes: from.unreduced, open: false, priority: 0 }, ...from.dims],
  };
  const module = program(mesh, 'local', (b) => {
    const local = localShape(shape, from);
    const p = b.param(f32(1, ...local), { layout: entered });
    let [value] = b.op('reshape', [p], [f32(...local)], {}, { shape: local }) as [ValueId];
    for (const step of plan.steps) {
      const type = f32(...localShape(shape, step.to));
      [value] = b.op(step.kind, [value], [type], {}, stepAttrs(step)) as [ValueId];
      b.setLayout(value, step.to);
    }
    return { values: [value], layouts: [plan.steps.at(-1)?.to ?? from] };
  });
  const count = shape.reduce((n, d) => n * d, 1);
  const input = array([parts, ...shape], (i) => ((i * 7919) % 101) - 50);
  const { results } = runSpmd({ ...module, meshes }, registry, [input], 'wide');
  const expected = Array.from({ length: count }, (_, i) => {
    const all = Array.from({ length: parts }, (_, p) => Number(input.data[p * count + i]));
    return all.reduce((a, b) => combine[(from.monoid ?? 'sum') as 'sum'](a, b));
  });
  return [Array.from(results[0]?.data as Float64Array), expected];
}

/** all_reduce what is owed, all_gather all that is sharded, slice. */
function gatherThenSlice({ shape, from, to }: Change): number {
  const held = shape.reduce((n, d) => n * d, 1) / axesSize(from.dims.flatMap((d) => [...d.axes]));
  const same = from.dims.map((d, i) => JSON.stringify(d.axes) === JSON.stringify(to.dims[i]?.axes));
  const gathered = from.dims.reduce((g, d, i) => (same[i] === true ? g : g * axesSize(d.axes)), 1);
  const owed = axesSize(from.unreduced);
  return (2 * held * (owed - 1)) / owed + held * (gathered - 1);
}

describe('random layout changes', () => {
  it('are right on numbers and never dearer than gather, then slice: meshes of up to 4 axes of size 1 to 7', () => {
    fc.assert(
      fc.property(changes(SIZES, 4, true), (change) => {
        const plan = planOf(change);
        expect(plan.bytes).toBeLessThanOrEqual(gatherThenSlice(change) + 1e-6);
        const [got, expected] = carriedOut(change, plan, [change.mesh]);
        expect(got).toEqual(expected);
      }),
      { numRuns: 250, seed: 1 },
    );
  });

  it('reach a mesh with another order of devices', () => {
    fc.assert(
      fc.property(changes([1, 2, 3, 4], 3, true), fc.nat(1e6), (change, seed) => {
        const count = change.mesh.axes.reduce((n, a) => n * a.size, 1);
        const deviceIds = Array.from({ length: count }, (_, i) => i).sort(
          (a, b) => (((a + 1) * (seed + 7)) % 101) - (((b + 1) * (seed + 7)) % 101) || a - b,
        );
        const other: Mesh = { ...change.mesh, name: 'other', deviceIds };
        const plan = planOf(change, other);
        const [got, expected] = carriedOut(change, plan, [change.mesh, other]);
        expect(got).toEqual(expected);
        expect(plan.steps.filter((s) => s.kind === 'collective_permute').length).toBeLessThanOrEqual(2);
      }),
      { numRuns: 60, seed: 1 },
    );
  });

  it('take no more than the best plan that an exhaustive search finds', () => {
    const small = fc.oneof(
      changes([2, 3, 4], 2, true).filter((c) => c.mesh.axes.reduce((n, a) => n + (a.size === 4 ? 2 : 1), 0) <= 3),
      changes([2, 3], 3, true),
    );
    fc.assert(
      fc.property(small, (change) => {
        expect(planOf(change).bytes).toBeLessThanOrEqual(leastBytes(change) + 1e-6);
      }),
      { numRuns: 120, seed: 3 },
    );
  });
});
