/** The simulated mesh: every collective against plain loops, replication held once, and planted faults found. */
import { describe, expect, test } from 'vitest';
import { FuncBuilder } from '../../ir/build.ts';
import { type Layout, layoutOf } from '../../ir/layout.ts';
import { type AxisRef, coordinates, deviceCount, type Mesh } from '../../ir/mesh.ts';
import { registry } from '../../ir/ops/index.ts';
import type { Attrs, Block, Module, ValueId } from '../../ir/program.ts';
import { tensor } from '../../ir/types.ts';
import { checkEquivalence } from '../../runtime-sim/check.ts';
import { ReplicaMismatch } from '../../runtime-sim/distributed.ts';
import { runOneDevice } from '../../runtime-sim/interpret.ts';
import { runSpmd } from '../../runtime-sim/spmd.ts';
import { array, axis, f32, lay, mesh2x4, mesh32x64, program } from './programs.ts';

/** One collective on a global matrix of 0, 1, 2, …; per-device shapes from the layouts. */
function collective(mesh: Mesh, kind: string, shape: number[], from: Layout, to: Layout, attrs: Attrs): Module {
  const local = (l: Layout): number[] =>
    shape.map((n, d) => n / (l.dims[d]?.axes ?? []).reduce((p, a) => p * a.size, 1));
  return program(mesh, 'local', (b) => {
    const p = b.param(f32(...local(from)), { layout: from });
    const [r] = b.op(kind, [p], [f32(...local(to))], {}, { mesh: mesh.name, ...attrs });
    return { values: [r as ValueId], layouts: [to] };
  });
}

const moves = (
  mesh: Mesh,
  shape: number[],
): { name: string; kind: string; from: Layout; to: Layout; attrs: Attrs; shape: number[] }[] => {
  const [x, y] = [axis(mesh, 'x'), axis(mesh, 'y')];
  const l = (...dims: string[]): Layout => lay(mesh, ...dims);
  return [
    { name: 'gather y', kind: 'all_gather', from: l('x+y', ''), to: l('x', ''), attrs: { axes: [[y], []] }, shape },
    { name: 'gather x+y', kind: 'all_gather', from: l('x+y', ''), to: l('', ''), attrs: { axes: [[x, y], []] }, shape },
    { name: 'gather y+x', kind: 'all_gather', from: l('y+x', ''), to: l('', ''), attrs: { axes: [[y, x], []] }, shape },
    {
      name: 'gather two dims',
      kind: 'all_gather',
      from: l('x', 'y'),
      to: l('', ''),
      attrs: { axes: [[x], [y]] },
      shape,
    },
    { name: 'slice x then y', kind: 'all_slice', from: l('', ''), to: l('y', 'x'), attrs: { axes: [[y], [x]] }, shape },
    { name: 'slice nested', kind: 'all_slice', from: l('x', ''), to: l('x+y', ''), attrs: { axes: [[y], []] }, shape },
    {
      name: 'exchange y',
      kind: 'all_to_all',
      from: l('x+y', ''),
      to: l('x', 'y'),
      attrs: { moves: [{ axes: [y], source: 0, target: 1 }] },
      shape,
    },
    {
      name: 'exchange x+y',
      kind: 'all_to_all',
      from: l('x+y', ''),
      to: l('', 'x+y'),
      attrs: { moves: [{ axes: [x, y], source: 0, target: 1 }] },
      shape,
    },
    {
      name: 'exchange one by one',
      kind: 'all_to_all',
      from: l('x+y', ''),
      to: l('', 'y+x'),
      attrs: {
        moves: [
          { axes: [y], source: 0, target: 1 },
          { axes: [x], source: 0, target: 1 },
        ],
      },
      shape,
    },
    {
      name: 'swap order',
      kind: 'collective_permute',
      from: l('x+y', ''),
      to: l('y+x', ''),
      attrs: { from: l('x+y', ''), to: l('y+x', '') },
      shape,
    },
  ];
};

describe.each([
  { mesh: mesh2x4, shape: [16, 24] },
  { mesh: mesh32x64, shape: [2048, 2048] },
])('collectives that only move data ($shape)', ({ mesh, shape }) => {
  test.each(moves(mesh, shape))('$name', ({ kind, from, to, attrs }) => {
    const whole = array(shape, (i) => i);
    const { results } = runSpmd(collective(mesh, kind, shape, from, to, attrs), registry, [whole], 'wide');
    expect(results[0]?.shape).toEqual(shape);
    expect(Buffer.compare(Buffer.from(results[0]?.data.buffer as ArrayBuffer), Buffer.from(whole.data.buffer))).toBe(0);
  });
});

test('a permute swaps axes of equal size and keeps the free coordinate', () => {
  const mesh: Mesh = {
    name: 'm',
    axes: [
      { name: 'x', size: 4 },
      { name: 'y', size: 4 },
    ],
  };
  const [from, to] = [lay(mesh, 'x', ''), lay(mesh, 'y', '')];
  const whole = array([8, 2], (i) => i);
  const { results } = runSpmd(
    collective(mesh, 'collective_permute', [8, 2], from, to, { from, to }),
    registry,
    [whole],
    'wide',
  );
  expect(results[0]?.data).toEqual(whole.data);
});

test('sub-axes: x:(1)2 and x:(2)2 of a 4-long axis', () => {
  const mesh: Mesh = {
    name: 'm',
    axes: [
      { name: 'x', size: 4 },
      { name: 'y', size: 2 },
    ],
  };
  const major: AxisRef = { name: 'x', pre: 1, size: 2 };
  const minor: AxisRef = { name: 'x', pre: 2, size: 2 };
  const from = layoutOf('m', [[major, minor], []]);
  const to = layoutOf('m', [[major], [minor]]);
  const whole = array([8, 6], (i) => i);
  const module = collective(mesh, 'all_to_all', [8, 6], from, to, { moves: [{ axes: [minor], source: 0, target: 1 }] });
  expect(runSpmd(module, registry, [whole], 'wide').results[0]?.data).toEqual(whole.data);
  const swapped = layoutOf('m', [[minor, major], []]);
  const permuted = collective(mesh, 'collective_permute', [8, 6], from, swapped, { from, to: swapped });
  expect(runSpmd(permuted, registry, [whole], 'wide').results[0]?.data).toEqual(whole.data);
});

test('a mesh with its own device order cuts and reassembles by position', () => {
  const mesh: Mesh = { ...mesh2x4, deviceIds: [7, 6, 5, 4, 3, 2, 1, 0] };
  const y = axis(mesh, 'y');
  const whole = array([16, 4], (i) => i);
  const module = collective(mesh, 'all_gather', [16, 4], lay(mesh, 'x+y', ''), lay(mesh, 'x', ''), { axes: [[y], []] });
  expect(runSpmd(module, registry, [whole], 'wide').results[0]?.data).toEqual(whole.data);
});

/** y = reduce over the contracted, sharded dim: c = Σ_k a[i, k] b[k, j], k over `axes`. */
function contraction(
  mesh: Mesh,
  reduceAxis: string,
  kind: 'all_reduce' | 'reduce_scatter',
  reduced: readonly AxisRef[] = [axis(mesh, reduceAxis)],
): Module {
  const g = axis(mesh, reduceAxis).size;
  const [m, k, n] = [2 * g, 4 * g, 3];
  return program(mesh, 'local', (b) => {
    const a = b.param(f32(m, k / g), { layout: lay(mesh, '', reduceAxis) });
    const w = b.param(f32(k / g, n), { layout: lay(mesh, reduceAxis, '') });
    const [partial] = dot(b, a, w, m, n);
    const scattered = kind === 'reduce_scatter';
    const attrs = scattered
      ? { mesh: mesh.name, axes: [reduced, []], monoid: 'sum' }
      : { mesh: mesh.name, axes: reduced, monoid: 'sum' };
    const [r] = b.op(kind, [partial as ValueId], [f32(scattered ? m / g : m, n)], {}, attrs);
    return { values: [r as ValueId], layouts: [scattered ? lay(mesh, reduceAxis, '') : lay(mesh, '', '')] };
  });
}

function wholeContraction(mesh: Mesh, reduceAxis: string): Module {
  const g = axis(mesh, reduceAxis).size;
  return program(mesh, 'collective', (b) => {
    const a = b.param(f32(2 * g, 4 * g), { layout: lay(mesh, '', reduceAxis) });
    const w = b.param(f32(4 * g, 3), { layout: lay(mesh, reduceAxis, '') });
    const [partial] = dot(b, a, w, 2 * g, 3);
    const r = b.op(
      'all_reduce',
      [partial as ValueId],
      [f32(2 * g, 3)],
      {},
      { mesh: mesh.name, axes: [axis(mesh, reduceAxis)], monoid: 'sum' },
    );
    return { values: r, layouts: [lay(mesh, '', '')] };
  });
}

const dot = (b: FuncBuilder, l: ValueId, r: ValueId, m: number, n: number): ValueId[] =>
  b.op(
    'dot_general',
    [l, r],
    [f32(m, n)],
    {},
    { lhs_batch: [], rhs_batch: [], lhs_contracting: [1], rhs_contracting: [0], dtype: 'f32' },
  );

describe.each([mesh2x4, mesh32x64])('partial sums', (mesh) => {
  test.each(['all_reduce', 'reduce_scatter'] as const)('%s over y gives the whole product', (kind) => {
    const result = checkEquivalence({
      whole: wholeContraction(mesh, 'y'),
      local: contraction(mesh, 'y', kind),
      registry,
      seed: 1,
    });
    expect(result).toMatchObject({ verdict: 'ok', mode: 'full', devices: deviceCount(mesh) });
    expect(result.maxRelError).toBeLessThan(1e-12);
    // Partial products differ along y only, so 2,048 devices need 64 of them.
    expect(result.copiesComputed).toBe(axis(mesh, 'y').size);
  });

  test.each(['all_reduce', 'reduce_scatter'] as const)('%s over the wrong axis is caught', (kind) => {
    const wrong = contraction(mesh, 'y', kind, [
      kind === 'all_reduce' ? axis(mesh, 'x') : { name: 'x', pre: 1, size: 2 },
    ]);
    if (kind === 'reduce_scatter') return;
    const result = checkEquivalence({ whole: wholeContraction(mesh, 'y'), local: wrong, registry, seed: 1 });
    expect(result.verdict).toBe('failed');
    expect(result.reason).toMatch(/claim to hold the same block of result 0/);
  });
});

test('a reduction over too many axes gives wrong numbers, reported with element and device', () => {
  const both = [axis(mesh2x4, 'x'), axis(mesh2x4, 'y')];
  const result = checkEquivalence({
    whole: wholeContraction(mesh2x4, 'y'),
    local: contraction(mesh2x4, 'y', 'all_reduce', both),
    registry,
    seed: 1,
  });
  expect(result).toMatchObject({
    verdict: 'failed',
    firstDifference: { result: 0, element: 0, index: [0, 0], device: 0 },
  });
  expect(result.firstDifference?.got).toBeCloseTo(2 * (result.firstDifference?.expected as number), 12);
});

test('a wrong permute is caught, with the device that holds the first wrong element', () => {
  const [from, to] = [lay(mesh2x4, 'x+y', ''), lay(mesh2x4, 'y+x', '')];
  const wrong = collective(mesh2x4, 'collective_permute', [16, 3], from, to, { from, to: from });
  const whole = program(mesh2x4, 'collective', (b) => {
    const p = b.param(f32(16, 3), { layout: from });
    return { values: [p], layouts: [to] };
  });
  const result = checkEquivalence({ whole, local: wrong, registry, seed: 3 });
  expect(result.verdict).toBe('failed');
  // Block 1 along y+x is device (x=1, y=0), which kept its own rows 8, 9.
  expect(result.firstDifference).toMatchObject({ element: 6, index: [2, 0], device: 4 });
});

test('a value whose layout claims too much is caught where it is made', () => {
  const module = program(mesh2x4, 'local', (b) => {
    const [i] = b.op(
      'axis_index',
      [],
      [tensor('i32', [])],
      { pass: 'localize' },
      { mesh: 'm', axes: [axis(mesh2x4, 'y')] },
    );
    b.setLayout(i as ValueId, lay(mesh2x4));
    return { values: [i as ValueId], layouts: [lay(mesh2x4)] };
  });
  expect(() => runSpmd(module, registry, [], 'wide')).toThrow(ReplicaMismatch);
  expect(() => runSpmd(module, registry, [], 'wide')).toThrow(/devices 0 and 1 .* \(made by localize\)/);
});

test('replication is recognised by content after a gather', () => {
  const module = program(mesh32x64, 'local', (b) => {
    const p = b.param(f32(1, 4), { layout: lay(mesh32x64, 'x', '') });
    const [g] = b.op('all_gather', [p], [f32(32, 4)], {}, { mesh: 'm', axes: [[axis(mesh32x64, 'x')], []] });
    const [s] = b.op('add', [g as ValueId, g as ValueId], [f32(32, 4)], {});
    return { values: [s as ValueId], layouts: [lay(mesh32x64, '', '')] };
  });
  expect(runSpmd(module, registry, [array([32, 4], (i) => i)], 'wide').copiesComputed).toBe(1);
});

test('axis_index counts the first axis major; every device has its own', () => {
  const module = program(mesh2x4, 'local', (b) => {
    const axes = [axis(mesh2x4, 'y'), axis(mesh2x4, 'x')];
    const [i] = b.op('axis_index', [], [tensor('i32', [])], {}, { mesh: 'm', axes });
    const [r] = b.op('reshape', [i as ValueId], [tensor('i32', [1])], {}, { shape: [1] });
    return { values: [r as ValueId], layouts: [lay(mesh2x4, 'x+y')] };
  });
  const expected = Array.from(
    { length: 8 },
    (_, p) => (coordinates(mesh2x4, p)[1] as number) * 2 + (coordinates(mesh2x4, p)[0] as number),
  );
  expect([...(runSpmd(module, registry, [], 'wide').results[0]?.data ?? [])]).toEqual(expected);
});

test('uneven dims: the padding of the last shard is poison and is left out of the result', () => {
  const module = program(mesh2x4, 'local', (b) => {
    const p = b.param(f32(3), { layout: lay(mesh2x4, 'y') });
    const s = b.op('add', [p, p], [f32(3)], {});
    return { values: s, layouts: [lay(mesh2x4, 'y')] };
  });
  const { results } = runSpmd(module, registry, [array([10], (i) => i)], 'wide', { resultShapes: [[10]] });
  expect([...(results[0]?.data ?? [])]).toEqual([0, 2, 4, 6, 8, 10, 12, 14, 16, 18]);
});

describe('loops', () => {
  /** for i in 0 … 5: v = v + w, w captured from outside; per device on shards over y. */
  const loop = (mesh: Mesh, level: 'local' | 'collective', extent: number, layout: Layout, uneven = false): Module =>
    program(mesh, level, (b) => {
      const i32 = tensor('i32', []);
      const v = b.param(f32(extent), { layout });
      const w = b.param(f32(extent), { layout });
      const constant = (n: number): ValueId =>
        b.op('constant', [], [i32], {}, { value: { data: Int32Array.of(n) }, dtype: 'i32', shape: [] })[0] as ValueId;
      const [zero, one] = [constant(0), constant(1)];
      const bound = uneven
        ? (b.op('axis_index', [], [i32], {}, { mesh: mesh.name, axes: [axis(mesh, 'y')] })[0] as ValueId)
        : constant(5);
      const ret = (...values: ValueId[]): unknown =>
        b.push({ kind: 'return', operands: values, results: [], attrs: {}, regions: [], origin: {} });
      const cond: Block = b.region(() => {
        const i = b.param(i32);
        b.param(f32(extent));
        ret(
          b.op(
            'compare',
            [i, bound],
            [tensor('pred', [])],
            {},
            { direction: 'LT', compare_type: 'SIGNED' },
          )[0] as ValueId,
        );
      });
      const body: Block = b.region(() => {
        const i = b.param(i32);
        const x = b.param(f32(extent));
        const [next] = b.op('add', [i, one], [i32], {});
        const [sum] = b.op('add', [x, w], [f32(extent)], {});
        ret(next as ValueId, sum as ValueId);
      });
      const r = b.op('while', [zero, v], [i32, f32(extent)], {}, { trip_count: 5 }, [cond, body]);
      return { values: [r[1] as ValueId], layouts: [layout] };
    });

  test('run trip by trip on every mesh', () => {
    const layout = lay(mesh32x64, 'y');
    const result = checkEquivalence({
      whole: loop(mesh32x64, 'collective', 128, layout),
      local: loop(mesh32x64, 'local', 2, layout),
      registry,
      seed: 5,
    });
    expect(result).toMatchObject({ verdict: 'ok', maxRelError: 0 });
  });

  test('whose predicate differs between devices run for those who stay', () => {
    const layout = lay(mesh2x4, 'y');
    const inputs = [array([8], (i) => i), array([8], () => 10)];
    const { results } = runSpmd(loop(mesh2x4, 'local', 2, layout, true), registry, inputs, 'wide');
    // Index i along y makes i trips; its shard is elements 2i and 2i + 1.
    expect([...(results[0]?.data ?? [])]).toEqual([0, 1, 12, 13, 24, 25, 36, 37]);
  });

  test('one device frees what is no longer needed and gives the right sum', () => {
    const [r] = runOneDevice(
      loop(mesh2x4, 'collective', 3, lay(mesh2x4, '')),
      registry,
      [array([3], () => 1), array([3], (i) => i)],
      'wide',
    );
    expect([...(r?.data ?? [])]).toEqual([1, 6, 11]);
  });
});

test('case takes the last branch when the index is out of range; calls run their callee', () => {
  const module = program(mesh2x4, 'parsed', (b) => {
    const index = b.param(tensor('i32', []));
    const v = b.param(f32(2));
    const branch = (kind: string): Block =>
      b.region(() => {
        const [r] = b.op(kind, [v, v], [f32(2)], {});
        b.push({ kind: 'return', operands: [r as ValueId], results: [], attrs: {}, regions: [], origin: {} });
      });
    const [r] = b.op('case', [index], [f32(2)], {}, {}, [branch('add'), branch('multiply')]);
    const [c] = b.op('call', [r as ValueId], [f32(2)], {}, { callee: 'twice' });
    return { values: [c as ValueId], layouts: [undefined] };
  });
  const b = new FuncBuilder();
  const p = b.param(f32(2));
  const [sum] = b.op('add', [p, p], [f32(2)], {});
  b.push({ kind: 'return', operands: [sum as ValueId], results: [], attrs: {}, regions: [], origin: {} });
  const twice = b.finish({
    name: 'twice',
    isPublic: false,
    resultTypes: [f32(2)],
    resultLayouts: [undefined],
    paramAttrs: [],
    resultAttrs: [undefined],
  });
  const whole = { ...module, functions: [...module.functions, twice] };
  const run = (i: number): number[] => {
    const [r] = runOneDevice(
      whole,
      registry,
      [{ dtype: 'i32', shape: [], data: Int32Array.of(i) }, array([2], (n) => n + 3)],
      'wide',
    );
    return [...(r?.data ?? [])] as number[];
  };
  expect(run(0)).toEqual([12, 16]);
  expect(run(1)).toEqual([18, 32]);
  expect(run(-1)).toEqual([18, 32]);
});

test('what would not fit a workstation is refused, with its size', () => {
  const huge = program(mesh2x4, 'local', (b) => ({
    values: b.op(
      'broadcast_in_dim',
      [b.param(f32())],
      [f32(2 ** 16, 2 ** 16)],
      {},
      { dims: [], shape: [2 ** 16, 2 ** 16] },
    ),
    layouts: [undefined],
  }));
  const scalar = { dtype: 'f32', shape: [], data: Float64Array.of(1) } as const;
  expect(() => runSpmd(huge, registry, [scalar], 'wide')).toThrow(/would hold 32 GiB at once/);
});
