import { describe, expect, it } from 'vitest';
import { layoutOf } from '../../ir/layout.ts';
import { type AxisRef, fullAxis, type Mesh } from '../../ir/mesh.ts';
import { planReshard } from '../../passes/partition/reshard-plan.ts';

const mesh: Mesh = {
  name: 'm',
  axes: [
    { name: 'x', size: 2 },
    { name: 'y', size: 4 },
    { name: 'z', size: 2 },
  ],
};
const x = fullAxis(mesh, 'x');
const y = fullAxis(mesh, 'y');
const z = fullAxis(mesh, 'z');
const shape = [16, 32];
const total = 16 * 32 * 4;

function plan(from: AxisRef[][], to: AxisRef[][], owed: AxisRef[] = []): { kinds: string[]; bytes: number } {
  const found = planReshard([mesh, mesh], shape, 4, layoutOf('m', from, owed), layoutOf('m', to));
  if (found === null) throw new Error('no plan');
  return { kinds: found.steps.map((s) => s.kind), bytes: found.bytes };
}

describe('planReshard finds the cheapest way', () => {
  it('slices for nothing', () => expect(plan([[], []], [[x], [y]])).toEqual({ kinds: ['all_slice'], bytes: 0 }));
  it('gathers several dims in one collective', () =>
    expect(plan([[x], [y]], [[], []])).toEqual({ kinds: ['all_gather'], bytes: (total / 8) * 7 }));
  it('moves an axis between dims by all_to_all', () => {
    const { kinds, bytes } = plan([[y], []], [[], [y]]);
    expect(kinds).toEqual(['all_to_all']);
    expect(bytes).toBeCloseTo(((total / 4) * 3) / 4);
  });
  it('turns an owed sum into a reduce_scatter where the target is sharded', () => {
    const { kinds, bytes } = plan([[x], [z]], [[x, y], [z]], [y]);
    expect(kinds).toEqual(['reduce_scatter']);
    expect(bytes).toBeCloseTo(((total / 4) * 3) / 4);
  });
  it('reduces jointly over two axes', () => {
    const { kinds, bytes } = plan([[z], []], [[z], []], [x, y]);
    expect(kinds).toEqual(['all_reduce']);
    expect(bytes).toBeCloseTo((2 * (total / 2) * 7) / 8);
  });
  it('pays what is owed as what it is: a sum does not become a maximum', () => {
    const owing = (monoid: 'sum' | 'max', by: AxisRef[] = [x]) => layoutOf('m', [[y], []], by, monoid);
    expect(planReshard([mesh, mesh], shape, 4, owing('sum'), owing('max'))).toBeNull();
    expect(planReshard([mesh, mesh], shape, 4, owing('sum', [x, z]), owing('sum'))?.steps).toHaveLength(1);
    expect(planReshard([mesh, mesh], shape, 4, owing('max'), layoutOf('m', [[y], []]))?.steps).not.toHaveLength(0);
  });
  it('lets devices that hold the same share a reduction', () => {
    const { kinds, bytes } = plan([[], []], [[], []], [y]);
    expect(kinds).toEqual(['all_slice', 'all_reduce', 'all_gather']);
    expect(bytes).toBeCloseTo((2 * (total / 4) * 3) / 4 + (total / 4) * 3);
  });
  it('but not along axes of a manual computation, where nothing is known to be the same', () => {
    const manual = new Set(['x', 'z']);
    const [from, to] = [layoutOf('m', [[], []], [y]), layoutOf('m', [[], []])];
    const found = planReshard([mesh, mesh], shape, 4, from, to, undefined, manual);
    expect(found?.steps.map((s) => s.kind)).toEqual(['all_reduce']);
  });
  it('moves axes of two dims at once: one all_to_all for less than two', () => {
    const found = planReshard(
      [mesh, mesh],
      [8, 8, 8, 8],
      4,
      layoutOf('m', [[x], [y], [], []]),
      layoutOf('m', [[], [], [x], [y]]),
    );
    expect(found?.steps.map((s) => s.kind)).toEqual(['all_to_all']);
    expect(found?.bytes).toBeCloseTo(((8 ** 4 * 4) / 8) * (7 / 8));
  });
  it('changes the device order by one permute', () => {
    const { kinds, bytes } = plan([[x, z], []], [[z, x], []]);
    expect(kinds).toEqual(['collective_permute']);
    expect(bytes).toBeCloseTo(total / 4);
  });
  it('replaces one axis by a free one of the same size by a permute, not a gather', () =>
    expect(plan([[x], []], [[z], []]).bytes).toBeLessThanOrEqual(total / 2));
  it('never pays more than gather then slice on the move that XLA rematerialises: (y,·,x) → (·,(x,y),·)', () => {
    const found = planReshard(
      [mesh, mesh],
      [8, 16, 8],
      4,
      layoutOf('m', [[y], [], [x]]),
      layoutOf('m', [[], [x, y], []]),
    );
    expect(found?.bytes).toBeLessThan(8 * 16 * 8 * 4 * (7 / 8));
    expect(found?.steps.some((s) => s.kind === 'all_gather')).toBe(false);
  });
});
