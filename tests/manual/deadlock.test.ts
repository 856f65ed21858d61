/** The static checker: what is fine passes, every fault that is planted is found. */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { compile, exportStablehlo, importStablehlo, parseTir, registry } from '../../compiler/index.ts';
import { FuncBuilder } from '../../ir/build.ts';
import { type AxisRef, fullAxis, type Mesh, overlaps } from '../../ir/mesh.ts';
import { joinedAxes } from '../../ir/ops/collectives.ts';
import {
  type Block,
  isCollective,
  mainFunction,
  type Module,
  type Op,
  type ValueId,
  valueInfo,
  walkOps,
} from '../../ir/program.ts';
import { perDevice } from '../../ir/stablehlo/per-device.ts';
import { tensor } from '../../ir/types.ts';
import { findDeadlocks } from '../../runtime-sim/deadlock.ts';

const local = (body: string, functions = ''): Module =>
  parseTir(
    {
      file: 'm.tir',
      text: `module @m local
mesh @mesh {x=2, y=3}
func @main(%a: f32[4]@{x+y}, %n: i32[]@{}, %f: f32[]@{}) -> (f32[4]@{x+y}) {
${body}
}
${functions}`,
    },
    registry,
  );
const messages = (module: Module): string[] => findDeadlocks(module, registry).diagnostics.map((d) => d.message);

describe('written by hand', () => {
  it.each([
    [
      'a loop as long as an argument says, the same everywhere',
      `  %z = constant 0 : i32[]
  %i, %s = while %z, %a cond (%i1: i32[], %s1: f32[4]) { %go = compare %i1, %n direction=LT
    return %go } do (%i2: i32[], %s2: f32[4]) { %r = all_reduce %s2 axes={x} : f32[4]
    %o = constant 1 : i32[]
    %up = add %i2, %o
    return %up, %r }
  return %s`,
    ],
    [
      'until the largest of all is small',
      `  %r = while %a cond (%c: f32[4]) { %z = constant 0.0 : f32[]
    %m = reduce %c, %z dims=[0] (%p: f32[], %q: f32[]) -> maximum %p, %q
    %all = all_reduce %m axes={x, y} monoid=max : f32[]
    %go = compare %all, %f direction=GT
    return %go } do (%d: f32[4]) { %s = all_reduce %d axes={y} : f32[4]
    return %s }
  return %r`,
    ],
    [
      'an index found by division',
      `  %i = axis_index axes={x, y} : i32[]
  %three = constant 3 : i32[]
  %x = divide %i, %three
  %r = case %x { %s = all_reduce %a axes={y} : f32[4]
    return %s } { return %a }
  return %r`,
    ],
    [
      'a loop as long as a place along x, a sum over y in it',
      `  %n1 = axis_index axes={x} : i32[]
  %z = constant 0 : i32[]
  %i, %s = while %z, %a cond (%i1: i32[], %s1: f32[4]) { %go = compare %i1, %n1 direction=LT
    return %go } do (%i2: i32[], %s2: f32[4]) { %r = all_reduce %s2 axes={y} : f32[4]
    %o = constant 1 : i32[]
    %up = add %i2, %o
    return %up, %r }
  return %s`,
    ],
    [
      'a permute that crosses no branch: of those in it, each sends to itself or to none',
      `  %i = axis_index axes={x} : i32[]
  %r = case %i { %s = device_permute %a axes={x} sources=[0, -1] : f32[4]
    return %s } { return %a }
  return %r`,
    ],
    [
      'groups that keep the branches apart',
      `  %i = axis_index axes={x} : i32[]
  %r = case %i { %s = all_reduce %a axes={x, y} groups=[[0, 1, 2], [3, 4, 5]] : f32[4]
    return %s } { return %a }
  return %r`,
    ],
  ])('%s is fine', (_, body) => expect(messages(local(body))).toEqual([]));

  it.each([
    [
      'until the largest of some is small',
      `  %r = while %a cond (%c: f32[4]) { %z = constant 0.0 : f32[]
    %m = reduce %c, %z dims=[0] (%p: f32[], %q: f32[]) -> maximum %p, %q
    %some = all_reduce %m axes={x} monoid=max : f32[]
    %go = compare %some, %f direction=GT
    return %go } do (%d: f32[4]) { %s = all_reduce %d axes={x} : f32[4]
    %t = all_reduce %s axes={y} : f32[4]
    return %t }
  return %r`,
      // The condition's own sum over x is wrong too: the body mixes what differs along y.
      ['all_reduce joins devices 0 and 1, which may leave the loop around it at different times'],
    ],
    [
      'a branch by what a device holds',
      `  %e = slice %a start=[0] limit=[1]
  %v = reshape %e : f32[]
  %p = compare %v, %f direction=GT
  %r = if %p then { %s = collective_shift %a axes={y} by=1 wrap=true : f32[4]
    return %s } else { return %a }
  return %r`,
      ['collective_shift joins devices 1 and 0, which may take different branches around it'],
    ],
    [
      'after a loop that some left earlier',
      `  %i = axis_index axes={x} : i32[]
  %z = constant 0 : i32[]
  %j = while %z cond (%j1: i32[]) { %go = compare %j1, %i direction=LT
    return %go } do (%j2: i32[]) { %o = constant 1 : i32[]
    %up = add %j2, %o
    return %up }
  %r = case %j { %s = all_reduce %a axes={x} : f32[4]
    return %s } { return %a }
  return %r`,
      ['all_reduce joins devices 0 and 3, which may take different branches around it'],
    ],
    [
      'a permute of one pair that crosses a branch',
      `  %i = axis_index axes={x} : i32[]
  %r = case %i { %s = device_permute %a axes={x} sources=[1, -1] : f32[4]
    return %s } { return %a }
  return %r`,
      ['device_permute joins devices 3 and 0, which may take different branches around it'],
    ],
    [
      'a predicate that the other carry becomes after one turn',
      `  %i = axis_index axes={x} : i32[]
  %z = constant 0 : i32[]
  %p, %q, %s = while %n, %i, %a cond (%p1: i32[], %q1: i32[], %s1: f32[4]) { %go = compare %p1, %z direction=GT
    return %go } do (%p2: i32[], %q2: i32[], %s2: f32[4]) { %r = all_reduce %s2 axes={x} : f32[4]
    return %q2, %p2, %r }
  return %s`,
      ['all_reduce joins devices 0 and 3, which may leave the loop around it at different times'],
    ],
    [
      'an axis named twice',
      '  %s = all_reduce %a axes={x, x} : f32[4]\n  return %s',
      ['all_reduce names axis x twice'],
    ],
    [
      'groups that leave one out',
      '  %s = all_reduce %a axes={y} groups=[[0, 2]] : f32[4]\n  return %s',
      ['all_reduce has groups of 2 places, its axes have 3'],
    ],
    [
      'one source for two',
      '  %s = device_permute %a axes={y} sources=[1, 1, 0] : f32[4]\n  return %s',
      ['device_permute takes each of its 3 devices as source once at most'],
    ],
    [
      'a shape that its group does not give',
      '  %s = all_gather %a axes=[{y}] : f32[8]\n  %h = slice %s start=[0] limit=[4]\n  return %h',
      ['all_gather gives another type than is written'],
    ],
  ])('%s is found', (_, body, expected) => expect(messages(local(body))).toEqual(expected));

  it('a function is looked at in every place that calls it', () => {
    const sum = 'private func @g(%a: f32[4]) -> (f32[4]) {\n  %s = all_reduce %a axes={x} : f32[4]\n  return %s\n}';
    const body = `  %u = call @g(%a)
  %i = axis_index axes={x} : i32[]
  %r = case %i { %s = call @g(%u)
    return %s } { return %u }
  return %r`;
    expect(messages(local(body, sum))).toEqual([
      'all_reduce joins devices 0 and 3, which may take different branches around it',
    ]);
  });

  it('functions that call the next one twice, 40 deep, are looked at once', () => {
    const next = (i: number): string =>
      `private func @g${i}(%a: f32[4]) -> (f32[4]) {\n  %s = call @g${i + 1}(%a)\n  %t = call @g${i + 1}(%s)\n  return %t\n}\n`;
    const last = `private func @g40(%a: f32[4]) -> (f32[4]) {\n  %i = axis_index axes={y} : i32[]
  %r = case %i { return %a } { return %a }\n  return %r\n}`;
    const functions = Array.from({ length: 40 }, (_, i) => next(i)).join('') + last;
    expect(messages(local('  %u = call @g0(%a)\n  return %u', functions))).toEqual([]);
  });
});

/** The n-th collective of main moved into a branch that device 0 of each line along the axis takes. */
function inBranch(module: Module, nth: number, axis: AxisRef, mesh: Mesh): Module {
  const main = mainFunction(module);
  const builder = new FuncBuilder(main.values);
  let seen = -1;
  const block = (b: Block): Block =>
    builder.region(() => {
      for (const p of b.params) builder.paramAt(p);
      for (const op of b.ops) {
        if (isCollective(op) && op.kind !== 'all_slice') seen++;
        if (!isCollective(op) || op.kind === 'all_slice' || seen !== nth)
          builder.push({ ...op, regions: op.regions.map(block) });
        else wrapped(op);
      }
    });
  const wrapped = (op: Op): void => {
    const { origin } = op;
    const types = op.results.map((r) => valueInfo(main, r).type);
    const index = builder.op('axis_index', [], [tensor('i32', [])], origin, { mesh: mesh.name, axes: [axis] });
    const inside = (fill: () => readonly ValueId[]): Block =>
      builder.region(() => {
        builder.op('return', fill(), [], origin);
      });
    const first = inside(() => builder.op(op.kind, op.operands, types, origin, op.attrs));
    const zeros = inside(() =>
      types.map((t) => builder.op('constant', [], [t], origin, { value: { data: Float64Array.of(0) } })[0] as ValueId),
    );
    builder.push({ kind: 'case', operands: index, results: op.results, attrs: {}, regions: [first, zeros], origin });
  };
  const body = block(main.body);
  return { ...module, functions: [{ ...main, body, values: builder.values }] };
}

describe('planted in compiled programs', () => {
  const folder = join(import.meta.dirname, 'programs');
  it.each(readdirSync(folder))('%s', (file) => {
    const { module } = compile(parseTir({ file, text: readFileSync(join(folder, file), 'utf8') }, registry));
    expect(messages(module)).toEqual([]);
    const [mesh] = module.meshes as readonly [Mesh];
    const all = [...walkOps(mainFunction(module).body)].filter((op) => isCollective(op) && op.kind !== 'all_slice');
    all.forEach((op, n) => {
      for (const { name } of mesh.axes) {
        const axis = fullAxis(mesh, name);
        const { diagnostics } = findDeadlocks(inBranch(module, n, axis, mesh), registry);
        // Of these it depends on the lists whether they cross the axis.
        const parts =
          op.attrs.groups !== undefined ||
          op.attrs.sources !== undefined ||
          (op.attrs.by !== undefined && joinedAxes(op).length > 1);
        if (joinedAxes(op).some((a) => overlaps(a, axis)) && !parts)
          expect(diagnostics.map((d) => d.code)).toContain('SH0235');
        if (!joinedAxes(op).some((a) => overlaps(a, axis)) && op.kind !== 'collective_permute')
          expect(diagnostics.map((d) => d.code)).toEqual([]);
      }
    });
  });
});

describe('an emitted program', () => {
  const text = readFileSync(join(import.meta.dirname, 'programs/branches.tir'), 'utf8');
  const compiled = compile(parseTir({ file: 'branches.tir', text }, registry));
  const emitted = exportStablehlo(compiled.source, compiled.module);
  const read = (stablehlo: string): Module | undefined =>
    perDevice(importStablehlo({ file: 'out.mlir', text: stablehlo }));

  it('is read back as it was', () => {
    const again = read(emitted) as Module;
    expect(again.level).toBe('local');
    expect(findDeadlocks(again, registry)).toMatchObject({ diagnostics: [], collectives: 3, devices: 6 });
  });

  it('with its groups changed is refused', () => {
    const wrong = emitted.replaceAll('[[0, 1], [2, 3], [4, 5]]', '[[0, 2], [1, 3], [4, 5]]');
    expect(messages(read(wrong) as Module)[0]).toMatch(/joins devices 0 and 2, which may take different branches/);
  });

  it('as XLA’s partitioner leaves one: collectives in @main', () => {
    const plain = `module attributes {mhlo.num_partitions = 4 : i32, mhlo.num_replicas = 1 : i32} {
  func.func public @main(%arg0: tensor<2x4xf32>, %arg1: tensor<i1>) -> tensor<2x4xf32> {
    %0 = "stablehlo.if"(%arg1) ({
      %1 = "stablehlo.all_reduce"(%arg0) <{channel_handle = #stablehlo.channel_handle<handle = 1, type = 1>, replica_groups = dense<[[0, 1], [2, 3]]> : tensor<2x2xi64>, use_global_device_ids}> ({
      ^bb0(%a: tensor<f32>, %b: tensor<f32>):
        %s = stablehlo.add %a, %b : tensor<f32>
        stablehlo.return %s : tensor<f32>
      }) : (tensor<2x4xf32>) -> tensor<2x4xf32>
      stablehlo.return %1 : tensor<2x4xf32>
    }, {
      stablehlo.return %arg0 : tensor<2x4xf32>
    }) : (tensor<i1>) -> tensor<2x4xf32>
    return %0 : tensor<2x4xf32>
  }
}`;
    expect(messages(read(plain) as Module)).toEqual([
      'all_reduce joins devices 0 and 1, which may take different branches around it',
    ]);
  });
});
