/** Wire bytes against the formulas, seconds against published measurements, memory against hand counts. */
import { describe, expect, test } from 'vitest';
import type { FuncBuilder } from '../../ir/build.ts';
import { DiagnosticError } from '../../ir/diagnostics.ts';
import type { Layout } from '../../ir/layout.ts';
import type { Mesh } from '../../ir/mesh.ts';
import { registry } from '../../ir/ops/index.ts';
import { type Attrs, type Block, mainFunction, type Module, type ValueId } from '../../ir/program.ts';
import { tensor, type TensorType } from '../../ir/types.ts';
import { collectiveBytes } from '../../runtime-sim/cost/collective-bytes.ts';
import { CostModel } from '../../runtime-sim/cost/cost-model.ts';
import { machine, machineNames, machineSchema, parseMachine } from '../../runtime-sim/machine/machine.ts';
import { costOf } from '../../runtime-sim/cost/report.ts';
import { axis, f32, lay, mesh2x4, mesh32x64, program } from './programs.ts';

function one(mesh: Mesh, kind: string, from: TensorType, to: TensorType, attrs: Attrs): Module {
  return program(mesh, 'local', (b) => {
    const p = b.param(from);
    const values = b.op(kind, [p], [to], {}, { mesh: mesh.name, ...attrs });
    return { values, layouts: [undefined] };
  });
}

const bytesOf = (module: Module): number => {
  const func = mainFunction(module);
  return collectiveBytes(func.body.ops[0] as never, func, module.meshes).bytes;
};
const secondsOf = (module: Module, name: string): number => {
  const model = new CostModel(module, registry, machine(name));
  return model.collective(mainFunction(module).body.ops[0] as never).seconds;
};

describe.each([mesh2x4, mesh32x64])('wire bytes', (mesh) => {
  const [x, y] = [axis(mesh, 'x'), axis(mesh, 'y')];
  const g = x.size * y.size;
  const n = 4 * 8 * g * g;
  const big = f32(8 * g, g);
  const cases: [string, TensorType, TensorType, Attrs, number][] = [
    ['all_gather', f32(8 * g, 1), big, { axes: [[], [x, y]] }, (n * (g - 1)) / g],
    ['reduce_scatter', big, f32(8 * g, 1), { axes: [[], [x, y]], monoid: 'sum' }, (n * (g - 1)) / g],
    ['all_reduce', big, big, { axes: [y], monoid: 'sum' }, (2 * n * (y.size - 1)) / y.size],
    [
      'all_to_all',
      big,
      f32(8 * g * y.size, g / y.size),
      { moves: [{ axes: [y], source: 0, target: 1 }] },
      (n * (y.size - 1)) / y.size,
    ],
    ['all_slice', big, f32(8, g), { axes: [[x, y], []] }, 0],
  ];
  test.each(cases)('%s', (kind, from, to, attrs, expected) => {
    expect(bytesOf(one(mesh, kind, from, to, attrs))).toBe(expected);
  });

  test('a permute moves everything, or nothing when each device keeps its own', () => {
    const permute = (from: Layout, to: Layout): Module =>
      one(mesh, 'collective_permute', f32(8, 8), f32(8, 8), { from, to });
    expect(bytesOf(permute(lay(mesh, 'x+y', ''), lay(mesh, 'y+x', '')))).toBe(256);
    expect(bytesOf(permute(lay(mesh, 'x+y', ''), lay(mesh, 'x+y', '')))).toBe(0);
  });
});

describe('seconds', () => {
  const ring16: Mesh = {
    name: 'm',
    axes: [
      { name: 'x', size: 8 },
      { name: 'y', size: 16 },
    ],
  };
  const gather = (mesh: Mesh, name: string, bytes: number): Module =>
    one(mesh, 'all_gather', tensor('i8', [bytes / axis(mesh, name).size]), tensor('i8', [bytes]), {
      axes: [[axis(mesh, name)]],
    });

  // jax-ml/scaling-book, measured: size / time on a wrapped ring of 16 v5e chips.
  test.each([
    [4.2e6, 7.2e10],
    [17e6, 8.65e10],
    [134e6, 8.95e10],
    [1e9, 9.0e10],
  ])('all_gather of %d bytes on a v5e ring of 16', (size, bandwidth) => {
    const bytes = Math.round(size / 16) * 16;
    const ratio = secondsOf(gather(ring16, 'y', bytes), 'tpu-v5e') / (bytes / bandwidth);
    expect(ratio).toBeGreaterThan(0.8);
    expect(ratio).toBeLessThan(1.2);
  });

  // NCCL on 8 A100 (VIA-Research/vTrain): bus bandwidth at 16, 64, 256 and 1024 MiB.
  test.each([
    [16, 126],
    [64, 203],
    [256, 217],
    [1024, 229],
  ])('all_reduce of %d MiB on 8 A100', (mib, bus) => {
    const mesh: Mesh = { name: 'm', axes: [{ name: 'x', size: 8 }] };
    const type = tensor('i8', [mib * 2 ** 20]);
    const measured = (2 * mib * 2 ** 20 * 7) / 8 / (bus * 1e9);
    const ratio =
      secondsOf(one(mesh, 'all_reduce', type, type, { axes: [axis(mesh, 'x')], monoid: 'sum' }), 'a100') / measured;
    expect(ratio).toBeGreaterThan(0.8);
    expect(ratio).toBeLessThan(1.2);
  });

  test('groups that leave the node take the network between nodes', () => {
    const mesh: Mesh = {
      name: 'm',
      axes: [
        { name: 'data', size: 4 },
        { name: 'model', size: 8 },
      ],
    };
    const type = tensor('i8', [2 ** 28]);
    const over = (name: string): number =>
      secondsOf(one(mesh, 'all_reduce', type, type, { axes: [axis(mesh, name)], monoid: 'sum' }), 'h100');
    expect(over('data')).toBeGreaterThan(5 * over('model'));
  });
});

test('all presets are machines; mistakes in a machine file are reported together', () => {
  for (const name of machineNames()) expect(machineSchema.parse(machine(name)).name).toBe(name);
  expect(() => machine('abacus')).toThrow(DiagnosticError);
  const wrong = { ...machine('h100'), source: -1, colour: 'red' };
  expect(() => parseMachine(wrong, 'my.json')).toThrow(/source.*colour|colour.*source/s);
});

/** A counted loop whose body multiplies [m, m] by a captured [m, m] and all_reduces over y. */
function loop(m: number, trips: number | undefined): Module {
  return program(mesh2x4, 'local', (b) => {
    const v = b.param(f32(m, m));
    const w = b.param(f32(m, m));
    const i32 = tensor('i32', []);
    const constant = (n: number): ValueId =>
      b.op('constant', [], [i32], {}, { value: { data: Int32Array.of(n) }, dtype: 'i32', shape: [] })[0] as ValueId;
    const [zero, one, end] = [constant(0), constant(1), constant(trips ?? 7)];
    const cond: Block = b.region(() => {
      const i = b.param(i32);
      b.param(f32(m, m));
      ret(b, ...b.op('compare', [i, end], [tensor('pred', [])], {}, { direction: 'LT' }));
    });
    const body: Block = b.region(() => {
      const i = b.param(i32);
      const x = b.param(f32(m, m));
      const next = b.op('add', [i, one], [i32], {});
      const dot = b.op(
        'dot_general',
        [x, w],
        [f32(m, m)],
        {},
        { lhs_batch: [], rhs_batch: [], lhs_contracting: [1], rhs_contracting: [0], dtype: 'f32' },
      );
      ret(
        b,
        ...next,
        ...b.op('all_reduce', dot, [f32(m, m)], {}, { mesh: 'm', axes: [axis(mesh2x4, 'y')], monoid: 'sum' }),
      );
    });
    const r = b.op('while', [zero, v], [i32, f32(m, m)], {}, trips === undefined ? {} : { trip_count: trips }, [
      cond,
      body,
    ]);
    return { values: [r[1] as ValueId], layouts: [undefined] };
  });
}

const ret = (b: FuncBuilder, ...values: ValueId[]): unknown =>
  b.push({ kind: 'return', operands: values, results: [], attrs: {}, regions: [], origin: {} });

describe('the report', () => {
  test('counts loops by their trips', () => {
    const report = costOf(loop(256, 12), registry, machine('tpu-v4'));
    const n = 256 * 256 * 4;
    expect(report.collectives.all_reduce).toMatchObject({ count: 12, bytes: 12 * 2 * n * 0.75 });
    expect(report.wireBytes).toBe(18 * n);
    expect(report.matrixFlops).toBe(12 * 2 * 256 ** 3);
    expect(report).toMatchObject({ loopsOfUnknownLength: 0, argumentBytes: 2 * n, fitsMemory: true });
    // Two arguments, the carry's copy, the product and its sum, and the scalars around them.
    expect(report.peakMemoryBytes).toBeGreaterThanOrEqual(5 * n);
    expect(report.peakMemoryBytes).toBeLessThan(5 * n + 64);
    expect(report.stepSeconds).toBeCloseTo(report.computeSeconds + report.exposedSeconds, 12);
    expect(report.utilization).toBeGreaterThan(0);
    expect(report.utilization).toBeLessThan(1);
  });

  test('flags loops of unknown length and counts them once', () => {
    const report = costOf(loop(256, undefined), registry, machine('tpu-v4'));
    expect(report.loopsOfUnknownLength).toBe(1);
    expect(report.collectives.all_reduce?.count).toBe(1);
  });

  test('large products run near peak, fused elementwise chains touch memory once', () => {
    const module = program(mesh2x4, 'local', (b) => {
      const [a, w] = [b.param(tensor('bf16', [8192, 8192])), b.param(tensor('bf16', [8192, 8192]))];
      const type = tensor('bf16', [8192, 8192]);
      const [c] = b.op(
        'dot_general',
        [a, w],
        [type],
        {},
        { lhs_batch: [], rhs_batch: [], lhs_contracting: [1], rhs_contracting: [0], dtype: 'bf16' },
      );
      const [s] = b.op('add', [c as ValueId, a], [type], {});
      return { values: b.op('multiply', [s as ValueId, w], [type], {}), layouts: [undefined] };
    });
    const report = costOf(module, registry, machine('tpu-v6e'));
    // The product's buffer takes the result.
    expect(report.peakMemoryBytes).toBe(3 * 8192 * 8192 * 2);
    // Matrix product 1.33 ms (TPU recipes measure 1.329), then four passes over 128 MiB.
    expect(report.computeSeconds).toBeGreaterThan(1.33e-3);
    expect(report.computeSeconds).toBeLessThan(1.33e-3 + 5 * ((2 * 8192 ** 2) / 1.36e12));
  });
});
