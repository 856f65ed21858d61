/** Slices joined again along a sharded dim: what crosses a border moves, and every element is that of one device. */
import { describe, expect, it } from 'vitest';
import { compile, machine, makeReport, parseTir, runCheck } from '../../compiler/index.ts';

/** A body over `%x: TYPE` on x=4, y=2; gives what moves, and fails where a number differs. */
function moved(type: string, body: string, result: string): Record<string, { count: number; bytes: number }> {
  const text = `module @m
mesh @mesh {x=4, y=2}
func @main(%x: ${type} @{x, _}, %new: ${type.replace(/\[\d+/, '[1')} @{_, _}) -> (${result} @{x, _}) {
${body}
  return %r
}
`;
  const compiled = compile(parseTir({ file: 'shift.tir', text }));
  expect(runCheck(compiled, 'full', 3)).toMatchObject({ verdict: 'ok', maxRelError: 0 });
  const { report } = makeReport(compiled, machine('tpu-v5e'), runCheck(compiled, 'off', 0));
  return { ...report.collectives };
}

/** Something moves, and only by what sends parts of shards on as they are. */
function expectShifts(collectives: object): void {
  expect(Object.keys(collectives)).not.toEqual([]);
  expect(['collective_shift', 'device_permute']).toEqual(expect.arrayContaining(Object.keys(collectives)));
}

const cut = (name: string, of: string, from: number, to: number, width = 6): string =>
  `  ${name} = slice ${of} start=[${from}, 0] limit=[${to}, ${width}]`;

describe('shifts', () => {
  it.each([
    [1, 1],
    [-1, 1],
    [3, 2],
    [-6, 2],
    [7, 1],
    [4, 2],
  ])('a roll by %i is one rotation', (by, count) => {
    const at = ((-by % 8) + 8) % 8;
    const body = `${cut('%a', '%x', at, 8)}\n${cut('%b', '%x', 0, at)}\n  %r = concatenate %a, %b dim=0`;
    const collectives = moved('f32[8, 6]', body, 'f32[8, 6]');
    expect(Object.keys(collectives)).toEqual(['collective_shift']);
    expect(collectives.collective_shift?.count).toBeLessThanOrEqual(count);
  });

  it.each([2, 3, 99, -1])('a dynamic_slice from %i on, which is known, moves borders and adds up nothing', (start) => {
    const body = `  %i = constant ${start} : i32[]
  %zero = constant 0 : i32[]
  %r = dynamic_slice %x, %i, %zero sizes=[4, 6]`;
    expectShifts(moved('f32[8, 6]', body, 'f32[4, 6]'));
  });

  it.each([1, -1, 2, -3])('a shift by %i of a dim that does not divide moves borders, its padding aside', (by) => {
    const body = `  %0 = constant 0.5 : f32[]
  %p = sharding_constraint %x, @{_, _}
  %q = negate %p
  %s = sharding_constraint %q, @{x, _}
  %t = tanh %s
  %u = pad %t, %0 low=[${by}, 0] high=[${-by}, 0] interior=[0, 0]
  %v = multiply %u, %u
  %w = sharding_constraint %v, @{x, _}
  %r = reduce_sum %w dims=[0]`;
    const text = `module @m
mesh @mesh {x=4}
func @main(%x: f32[10, 6] @{_, _}) -> (f32[6] @{_}) {
${body}
  return %r
}
`;
    const compiled = compile(parseTir({ file: 'shift.tir', text }));
    const check = runCheck(compiled, 'full', 3);
    expect(check).toMatchObject({ verdict: 'ok' });
    const { collectives } = makeReport(compiled, machine('tpu-v5e'), check).report;
    expect(Object.keys(collectives)).not.toContain('all_gather');
    expect(Object.keys(collectives)).toContain('collective_shift');
  });

  it('a slice of joined values that lies in one of them reads that one alone', () => {
    const body = `  %n = negate %x
  %c = concatenate %n, %new, %x dim=0
  %r = slice %c start=[9, 0] limit=[17, 6]`;
    expect(moved('f32[8, 6]', body, 'f32[8, 6]')).toEqual({});
  });

  it('a window in rounds that several ops need is put together once', () => {
    const pads = [0, 1, 2].map(
      (n) => `  %f${n} = constant ${n}.0 : f32[]\n  %p${n} = pad %x, %f${n} low=[0, 0] high=[-16, 0]`,
    );
    const body = `${pads.join('\n')}\n  %s = multiply %p0, %p1\n  %r = multiply %s, %p2`;
    expect(moved('f32[24, 6]', body, 'f32[8, 6]')).toMatchObject({
      device_permute: { count: 2, bytes: 2 * 2 * 6 * 4 },
    });
  });

  it('a row of one of joined values is answered by its owners', () => {
    const body = `  %i = constant 12 : i32[]
  %zero = constant 0 : i32[]
  %n = negate %x
  %c = concatenate %n, %x dim=0
  %s = dynamic_slice %c, %i, %zero sizes=[1, 6]
  %t = broadcast_in_dim %s dims=[0, 1] : f32[8, 6]
  %r = add %t, %x`;
    const bytes = Object.values(moved('f32[8, 6]', body, 'f32[8, 6]')).map((c) => c.bytes);
    expect(bytes.reduce((a, b) => a + b, 0)).toBeLessThanOrEqual((2 * 6 * 4 * 3) / 4);
  });

  it('thirds of a dim over 4 come in rounds, each device sending to one other', () => {
    const thirds = [0, 8, 16].map((n, i) => cut(`%t${i}`, '%x', n, n + 8));
    const body = `${thirds.join('\n')}\n  %s = multiply %t0, %t1\n  %r = multiply %s, %t2`;
    const { device_permute, ...others } = moved('f32[24, 6]', body, 'f32[8, 6]');
    expect(others).toEqual({});
    // 2 rows a round: 2 rounds for each end of the dim, 1 for its middle; gathered, they would be 18 rows.
    expect(device_permute).toMatchObject({ count: 5, bytes: 5 * 2 * 6 * 4 });
  });

  it('a row of which is known where it lies is had for what a slice of it costs', () => {
    const known = `  %i = constant 37 : i32[]
  %zero = constant 0 : i32[]
  %s = dynamic_slice %x, %i, %zero sizes=[1, 16]
  %r = add %s, %x`;
    const cut = `  %s = slice %x start=[37, 0] limit=[38, 16]
  %r = add %s, %x`;
    const [dynamic, sliced] = [known, cut].map((body) => moved('f32[64, 16]', body, 'f32[64, 16]'));
    expect(dynamic).toEqual(sliced);
  });

  it.each([
    [10, 4, 1, 6],
    [10, 4, -1, 6],
    [14, 5, -2, 6],
    [9, 4, 1, 12],
    [7, 3, 3, 18],
    [5, 4, -2, 18],
    [3, 2, 3, 0],
  ])('%i elements on %i shards roll by %i, gathering nothing', (n, x, by, count) => {
    const at = ((-by % n) + n) % n;
    const turns = Array.from(
      { length: 6 },
      (_, i) => `  %a${i} = slice %v${i} start=[${at}, 0] limit=[${n}, 64]
  %b${i} = slice %v${i} start=[0, 0] limit=[${at}, 64]
  %r${i} = concatenate %a${i}, %b${i} dim=0
  %u${i} = add %r${i}, %v${i}
  %v${i + 1} = sharding_constraint %u${i}, @{x, _}`,
    );
    const text = `module @m
mesh @mesh {x=${x}}
func @main(%x: f32[${n}, 64] @{_, _}) -> (f32[${n}, 64] @{_, _}) {
  %v0 = sharding_constraint %x, @{x, _}
${turns.join('\n')}
  return %v6
}
`;
    const compiled = compile(parseTir({ file: 'roll.tir', text }));
    expect(runCheck(compiled, 'full', 3)).toMatchObject({ verdict: 'ok', maxRelError: 0 });
    const { report } = makeReport(compiled, machine('tpu-v5e'), runCheck(compiled, 'off', 0));
    expect(report.collectives.collective_shift?.count ?? 0).toBeLessThanOrEqual(count);
    expect(report.collectives.all_gather?.count).toBe(1);
  });

  it.each([
    ['f32[16, 6]', 2, 4 * 6 * 4],
    ['f32[16, 6]', 4, 4 * 6 * 4],
  ])('%s in %i equal parts: all of them move at once, less than twice what a device holds', (type, count, held) => {
    const extent = Number(/\d+(?=,)/.exec(type)?.[0]) / count;
    const pieces = Array.from({ length: count }, (_, i) => cut(`%p${i}`, '%x', i * extent, (i + 1) * extent));
    const sums = Array.from({ length: count - 1 }, (_, i) => `  %s${i + 1} = multiply %s${i}, %p${i + 1}`);
    const body = [...pieces, `  %s0 = tanh %p0`, ...sums, `  %r = tanh %s${count - 1}`].join('\n');
    const bytes = Object.values(moved(type, body, type.replace(/\d+(?=,)/, String(extent))));
    expect(bytes.reduce((n, c) => n + c.bytes, 0)).toBeLessThanOrEqual(2 * held);
  });

  it.each([2, 4])('%i equal parts joined on a sharded dim', (count) => {
    const pieces = Array.from({ length: count }, (_, i) => `  %p${i} = multiply %x, ${i === 0 ? '%x' : `%p${i - 1}`}`);
    const names = Array.from({ length: count }, (_, i) => `%p${i}`).join(', ');
    const body = `${pieces.join('\n')}\n  %r = concatenate ${names} dim=0`;
    const bytes = Object.values(moved('f32[8, 6]', body, `f32[${8 * count}, 6]`));
    expect(bytes.reduce((n, c) => n + c.bytes, 0)).toBeLessThanOrEqual(2 * 2 * count * 6 * 4);
  });

  it('a new row in front, the last one out: one shift of the border', () => {
    const body = `${cut('%a', '%x', 0, 7)}\n  %r = concatenate %new, %a dim=0`;
    expect(moved('bf16[8, 6]', body, 'bf16[8, 6]')).toEqual({
      collective_shift: expect.objectContaining({ count: 1, bytes: 12 }),
    });
  });

  it('borders wrapped around: a row from either end', () => {
    const body = `${cut('%a', '%x', 6, 8)}\n${cut('%b', '%x', 0, 2)}\n  %r = concatenate %a, %x, %b dim=0`;
    expectShifts(moved('i64[8, 6]', body, 'i64[12, 6]'));
  });

  it('the gradient of a roll is a roll', () => {
    const body = `  %z = constant 0.0 : f32[]
${cut('%a', '%x', 0, 7)}
${cut('%b', '%x', 7, 8)}
  %p = pad %a, %z low=[1, 0] high=[0, 0] interior=[0, 0]
  %q = pad %b, %z low=[0, 0] high=[7, 0] interior=[0, 0]
  %r = add %p, %q`;
    expect(moved('f32[8, 6]', body, 'f32[8, 6]').collective_shift).toMatchObject({ count: 1, bytes: 24 });
  });

  it('a pad that would show what the slice cut off stays a slice and a pad', () => {
    const body = `  %z = constant 5.0 : f32[]
${cut('%a', '%x', 2, 6)}
  %r = pad %a, %z low=[4, 0] high=[0, 0] interior=[0, 0]`;
    moved('f32[8, 6]', body, 'f32[8, 6]');
  });

  it('one row of a sharded dim: its owner answers', () => {
    const body = `${cut('%a', '%x', 5, 6)}
  %b = reshape %a : f32[6]
  %r = broadcast_in_dim %b dims=[1] : f32[8, 6]`;
    const collectives = moved('f32[8, 6]', body, 'f32[8, 6]');
    // Twice the row at most (an all_reduce), where a gather of the dim moves 144.
    const bytes = Object.values(collectives).reduce((n, c) => n + c.bytes, 0);
    expect(bytes, JSON.stringify(collectives)).toBeLessThanOrEqual(36);
  });

  it('two ops that need the same border of one value fetch it once', () => {
    const pad = (name: string, of: string): string =>
      `  ${name} = pad ${of}, %z low=[1, 0] high=[-1, 0] interior=[0, 0]`;
    const body = `  %z = constant 0.0 : f32[]
${pad('%a', '%x')}
${pad('%b', '%x')}
  %c = tanh %a
  %d = add %b, %c
${pad('%e', '%d')}
  %r = add %e, %d`;
    const collectives = moved('f32[8, 6]', body, 'f32[8, 6]');
    expect(collectives).toMatchObject({ collective_shift: { count: 2 } });
  });
});
