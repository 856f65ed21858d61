/** A sort over its sharded dim: as on one device to the bit, whatever the way, and less on the wire than its gather. */
import { describe, expect, it } from 'vitest';
import { compile, machine, makeReport, parseTir, registry } from '../../compiler/index.ts';
import type { TensorArray } from '../../ir/array.ts';
import { mergeRounds, type Round } from '../../ir/ops/sort-split.ts';
import { mainFunction, type Module, valueInfo, walkOps } from '../../ir/program.ts';
import { runOneDevice } from '../../runtime-sim/interpret.ts';
import { runSpmd } from '../../runtime-sim/spmd.ts';

const ORDERS = {
  // Numbers that it takes for equal are equal.
  total: '%l = compare %p, %q direction=GT compare_type=TOTALORDER',
  // By the remainder: many are equal, and told apart by where they stood.
  partial: `%k = constant 3.0 : f32[]
    %u = remainder %p, %k
    %v = remainder %q, %k
    %l = compare %u, %v direction=LT compare_type=TOTALORDER`,
} as const;

interface Sorted {
  readonly order: keyof typeof ORDERS;
  readonly shape: readonly [rows: number, length: number];
  /** None, a count along the sorted dim, a value of its own. */
  readonly beside: 'alone' | 'count' | 'value';
}

function program(shards: number, { order, shape, beside }: Sorted): string {
  const [f, i] = [`f32[${shape.join(', ')}]`, `i32[${shape.join(', ')}]`];
  const more = beside !== 'alone';
  return `module @m
mesh @mesh {x=${shards}, z=2}
func @main(%a: ${f} @{_, x}, %b: ${i} @{_, x}) -> (${f} @{_, x}${more ? `, ${i} @{_, x}` : ''}) {
  %n = negate %a
  %c = ${beside === 'count' ? `iota dim=1 : ${i}` : 'negate %b'}
  %r${more ? ', %s' : ''} = sort %n${more ? ', %c' : ''} dim=1 is_stable=true (%p, %q${more ? ', %pp, %qq' : ''}) {
    ${ORDERS[order]}
    return %l
  }
  return %r${more ? ', %s' : ''}
}
`;
}

const VALUES: Readonly<Record<string, (i: number) => number>> = {
  distinct: (i) => Math.sin(i),
  few: (i) => (i * 7919) % 5,
  'all equal': () => 1,
  'zeros of both signs, NaN, infinities': (i) =>
    [0, -0, Number.NaN, 1, Number.NEGATIVE_INFINITY, Number.POSITIVE_INFINITY, -2][(i * 31) % 7] as number,
  falling: (i) => -i,
};

/** Float arguments hold `at`, integers `integer`, of their place. */
function same(whole: Module, module: Module, at: (i: number) => number, integer = (i: number) => i): boolean {
  const func = mainFunction(whole);
  const inputs = func.body.params.map((p): TensorArray => {
    const { dtype, shape } = valueInfo(func, p).type;
    const length = shape.reduce((n, s) => n * s, 1);
    return dtype === 'i32'
      ? { dtype, shape, data: Int32Array.from({ length }, (_, i) => integer(i)) }
      : { dtype, shape, data: Float64Array.from({ length }, (_, i) => at(i)) };
  });
  const want = runOneDevice(whole, registry, inputs, 'wide');
  const { results } = runSpmd(module, registry, inputs, 'wide', { resultShapes: want.map((w) => w.shape) });
  const [expected, got] = [want, results].map((all) => all.map((a) => Array.from(a.data as ArrayLike<number>)));
  return (expected ?? []).every((w, r) => w.every((x, i) => Object.is(x, got?.[r]?.[i])));
}

const reasons = (module: Module): string[] =>
  [...walkOps(mainFunction(module).body)].flatMap((op) => (op.kind === 'sort' ? [op.origin.reason ?? ''] : []));

describe('sort over a sharded dim', () => {
  it.each<[number, Sorted, string]>([
    [8, { order: 'total', shape: [1, 1024], beside: 'alone' }, 'sort: columnsort over x, 4 exchanges'],
    [8, { order: 'partial', shape: [1, 1024], beside: 'alone' }, 'sort: columnsort over x, 4 exchanges'],
    [8, { order: 'partial', shape: [2, 1000], beside: 'count' }, 'sort: columnsort over x, 5 exchanges'],
    [7, { order: 'partial', shape: [1, 889], beside: 'value' }, 'sort: columnsort over x, 5 exchanges'],
    [6, { order: 'total', shape: [1, 612], beside: 'alone' }, 'sort: columnsort over x, 4 exchanges'],
    [5, { order: 'total', shape: [2, 455], beside: 'alone' }, 'sort: columnsort over x, 5 exchanges'],
    [8, { order: 'total', shape: [1, 40], beside: 'alone' }, 'sort: merge network over x, 6 exchanges'],
    [7, { order: 'total', shape: [2, 21], beside: 'alone' }, 'sort: merge network over x, 6 exchanges'],
    [12, { order: 'total', shape: [1, 60], beside: 'alone' }, 'sort: merge network over x, 10 exchanges'],
  ])('%i shards, %o: %s', (shards, sorted, way) => {
    const { whole, module } = compile(parseTir({ file: 'sort.tir', text: program(shards, sorted) }));
    expect(reasons(module)).toContain(way);
    for (const [name, at] of Object.entries(VALUES)) expect(same(whole, module, at), name).toBe(true);
  });

  it('of dims that do not divide padding stays last', () => {
    for (const order of ['total', 'partial'] as const) {
      const text = program(8, { order, shape: [1, 1021], beside: 'count' }).replaceAll('@{_, x}', '@{_, _}');
      const inside = text
        .replace('%n = negate %a', '%n = negate %a\n  %w = sharding_constraint %n, @{_, x}')
        .replace('sort %n', 'sort %w');
      const { whole, module } = compile(parseTir({ file: 'sort.tir', text: inside }));
      for (const [name, at] of Object.entries(VALUES)) expect(same(whole, module, at), `${order} ${name}`).toBe(true);
    }
  });

  it('moves less than its gather', () => {
    const text = program(8, { order: 'partial', shape: [1, 4096], beside: 'alone' });
    const compiled = compile(parseTir({ file: 'sort.tir', text }));
    const check = { mode: 'off', devices: 16, maxRelError: null, verdict: 'not run' } as const;
    const { report } = makeReport(compiled, machine('tpu-v5e'), check);
    expect(report.wireBytes).toBeLessThan((4096 / 8) * 7 * 4 * 0.45);
  });

  it('stays whole where the comparator is no order once there are NaNs', () => {
    const text = program(8, { order: 'total', shape: [1, 1024], beside: 'alone' }).replace('TOTALORDER', 'FLOAT');
    const { whole, module } = compile(parseTir({ file: 'sort.tir', text }));
    expect(reasons(module).some((r) => r.startsWith('sort:'))).toBe(false);
    for (const [name, at] of Object.entries(VALUES)) expect(same(whole, module, at), name).toBe(true);
  });

  it.each([
    ['≤', '%e = compare %p, %q direction=EQ\n    %l = or %g, %e', 'LT'],
    ['not >', '%l = not %g', 'GT'],
  ])('so does a comparator that puts equals before each other: %s', (_, rest, direction) => {
    const text = `module @m
mesh @mesh {x=4}
func @main(%a: i32[4096] @{x}, %b: i32[4096] @{x}) -> (i32[4096] @{x}, i32[4096] @{x}) {
  %c = constant 5 : i32[4096]
  %k = remainder %a, %c
  %n = negate %b
  %r, %s = sort %k, %n dim=0 is_stable=true (%p, %q, %u, %v) {
    %g = compare %p, %q direction=${direction}
    ${rest}
    return %l
  }
  return %r, %s
}
`;
    const { whole, module } = compile(parseTir({ file: 'sort.tir', text }));
    expect(reasons(module).some((r) => r.startsWith('sort:'))).toBe(false);
    expect(same(whole, module, (i) => i)).toBe(true);
  });

  it('so do integers that the comparator takes for floats', () => {
    const text = `module @m
mesh @mesh {x=4}
func @main(%a: i32[1024] @{x}) -> (i32[1024] @{x}) {
  %r = sort %a dim=0 is_stable=true (%p, %q) {
    %u = convert %p dtype=f32
    %v = convert %q dtype=f32
    %m = log %u
    %n = log %v
    %l = compare %m, %n direction=LT
    return %l
  }
  return %r
}
`;
    const { whole, module } = compile(parseTir({ file: 'sort.tir', text }));
    expect(reasons(module).some((r) => r.startsWith('sort:'))).toBe(false);
    const signed = (i: number): number => ((i * 7919) % 1024) - 512;
    expect(same(whole, module, signed, signed)).toBe(true);
  });

  it.each([
    ['first', '%u = slice %r start=[0] limit=[3] strides=[1]\n  %v = slice %s start=[1] limit=[3] strides=[1]'],
    ['last', '%u = slice %r start=[61] limit=[64] strides=[1]\n  %v = slice %s start=[62] limit=[64] strides=[1]'],
    [
      'first after a reverse',
      `%t = reverse %r dims=[0]
  %w = reverse %s dims=[0]
  %u = slice %t start=[0] limit=[3] strides=[1]
  %v = slice %w start=[1] limit=[3] strides=[1]`,
    ],
  ])('of which the %s few are read moves as many of each shard', (_, reads) => {
    const text = `module @m
mesh @mesh {x=4}
func @main(%a: f32[64] @{x}) -> (f32[3], i32[2]) {
  %i = iota dim=0 : i32[64]
  %r, %s = sort %a, %i dim=0 is_stable=true (%p, %q, %pp, %qq) {
    ${ORDERS.partial}
    return %l
  }
  ${reads}
  return %u, %v
}
`;
    const { whole, module } = compile(parseTir({ file: 'sort.tir', text }));
    const lengths = [...walkOps(mainFunction(module).body)].flatMap((op) =>
      op.kind === 'sort' ? [valueInfo(mainFunction(module), op.results[0] as never).type.shape] : [],
    );
    expect(lengths).toEqual([[1, 16], [12]]);
    for (const [name, at] of Object.entries(VALUES)) expect(same(whole, module, at), name).toBe(true);
  });
});

describe('the merge network', () => {
  it('sorts all zeros and ones, for any number of shards', () => {
    for (let shards = 2; shards <= 20; shards++) {
      const rounds = mergeRounds(shards);
      const depth = Math.ceil(Math.log2(shards));
      expect(rounds.length).toBeLessThanOrEqual((depth * (depth + 1)) / 2);
      for (const round of rounds) expect(new Set(round.flat()).size).toBe(2 * round.length);
      expect(unsorted(rounds, shards), `${shards} shards`).toBe(0);
    }
  });
});

/** The zero-one principle: of up to 4096 lines of zeros and ones, how many come out unsorted. */
function unsorted(rounds: readonly Round[], shards: number): number {
  const lines = Math.min(4096, 2 ** shards);
  return Array.from({ length: lines }, (_, n) => {
    const bits = lines === 2 ** shards ? n : n * 2654435761;
    const line = Array.from({ length: shards }, (__, i) => (bits / 2 ** i) & 1);
    for (const round of rounds)
      for (const [low, high] of round)
        if ((line[low] as number) > (line[high] as number)) [line[low], line[high]] = [0, 1];
    return line.some((x, i) => i > 0 && x < (line[i - 1] as number));
  }).filter(Boolean).length;
}
