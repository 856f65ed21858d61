/** What reaches memory where kernels take whole rows: bytes of one program, by op. */
import { describe, expect, it } from 'vitest';
import { parseTir, registry } from '../../compiler/index.ts';
import { mainFunction } from '../../ir/program.ts';
import { planLiveness } from '../../runtime-sim/liveness.ts';
import { Traffic } from '../../runtime-sim/cost/traffic.ts';

/** Op kind and bytes of every op that moves some. */
function moved(body: string, fusion: 'rows' | 'chains'): string[] {
  const text = `module @m\nmesh @mesh {x=1}\nfunc @main(%x: f32[8,16], %w: f32[16,4], %b: f32[4]) {\n${body}\n}\n`;
  const func = mainFunction(parseTir({ file: 'm.tir', text }, registry));
  const traffic = new Traffic(func, planLiveness(func).keys(), fusion);
  return func.body.ops.flatMap((op) => {
    const bytes = op.kind === 'return' ? 0 : traffic.bytesOf(op);
    return bytes === 0 ? [] : [`${op.kind} ${bytes}`];
  });
}

const x = 8 * 16 * 4;
const softmax =
  '  %e = softmax %x dim=1\n  %y = dot_general %e, %w lhs_contracting=[1] rhs_contracting=[0]\n  return %y';

describe('a softmax before a product', () => {
  it('is one kernel of rows: read once, written once', () => {
    expect(moved(softmax, 'rows')).toEqual([`divide ${2 * x}`, `dot_general ${x + 16 * 4 * 4 + 8 * 4 * 4}`]);
  });

  it('is several of chains', () => {
    const total = (list: string[]): number => list.reduce((n, text) => n + Number(text.split(' ')[1]), 0);
    expect(total(moved(softmax, 'chains'))).toBeGreaterThan(total(moved(softmax, 'rows')));
  });
});

describe('a product', () => {
  it('adds its bias before it writes, and reads a transpose in place', () => {
    const body = `  %t = transpose %x permutation=[1, 0]
  %y = dot_general %t, %w lhs_contracting=[0] rhs_contracting=[0]
  %c = broadcast_in_dim %b dims=[1] : f32[8,4]
  %z = add %y, %c
  return %z`;
    expect(moved(body, 'rows')).toEqual([`dot_general ${x + 16 * 4 * 4}`, `add ${4 * 4 + 8 * 4 * 4}`]);
  });
});
