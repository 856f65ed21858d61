/** The examples in TypeScript: the mesh computes what one device computes, and what trains gets better. */
import { readFileSync, writeFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import {
  causalMask,
  compile,
  f32,
  mesh,
  type NDArray,
  nn,
  type Program,
  type Tensor,
  type Traced,
  trace,
} from '../../compiler/index.ts';
import decode from '../../examples/decode.ts';
import fsdp from '../../examples/fsdp.ts';
import ring, { ringAttention } from '../../examples/ring-attention.ts';
import { examples, programOf, README, rowOf } from './example-programs.ts';

type Numbers = (shape: readonly number[], seed: number) => number[];
const normal: Numbers = (shape, seed) =>
  Array.from({ length: shape.reduce((n, d) => n * d, 1) }, (_, i) => Math.sin(12.9898 * (i + 1) + 78.233 * (seed + 1)));

interface State {
  readonly loss: NDArray;
  readonly params: unknown;
  readonly state?: unknown;
}

/** Inputs like the specs: floats small, integers below 8. */
function inputs(tree: unknown, scale: number, seed = { next: 0 }): unknown {
  if (Array.isArray(tree)) return tree.map((t) => inputs(t, scale, seed));
  const { dtype, shape } = tree as { dtype?: unknown; shape?: readonly number[] };
  if (typeof dtype === 'string' && shape !== undefined) {
    const values = normal(shape, seed.next++);
    return dtype === 'i32' ? values.map((v) => Math.floor((v + 1) * 4)) : values.map((v) => v * scale);
  }
  return Object.fromEntries(Object.entries(tree as object).map(([k, t]) => [k, inputs(t, scale, seed)]));
}

/** Losses of a few steps on the mesh, each step's parameters the next one's. */
function train(program: Program, args: unknown[], steps: number): number[] {
  const losses: number[] = [];
  for (let i = 0; i < steps; i++) {
    const out = program.run(...(args as never[])) as unknown as State;
    losses.push(Number(out.loss.data[0]));
    args = out.state === undefined ? [out.params, ...args.slice(1)] : [out.params, out.state, ...args.slice(2)];
  }
  return losses;
}

describe.each(examples.filter((x) => x.trains))('$what', (example) => {
  it('is the one-device program on the mesh, and learns', () => {
    const source = example.traced?.() as Traced;
    const program = programOf(example);
    expect(program.check()).toMatchObject({ verdict: 'ok' });
    const args = inputs(source.args, example.command.includes('decoder') ? 0.2 : 0.4) as unknown[];
    if (args.length === 4 && isOptimizerState(args[1])) args[1] = zeroed(args[1]);
    const losses = train(program, args, 4);
    expect(
      losses.map((l, i) => i === 0 || l < (losses[i - 1] as number)),
      losses.join(' '),
    ).toEqual(losses.map(() => true));
  });
});

const isOptimizerState = (x: unknown): boolean => typeof x === 'object' && x !== null && 'step' in x;

/** `BLESS=1` writes the table anew. */
it('examples/README.md has the figures of the compiler as it is', () => {
  const rows = examples.map(rowOf);
  const text = readFileSync(README, 'utf8');
  const [before, after] = text.split(/(?<=\| --- \|\n)(?:\|.*\n)+/) as [string, string];
  const now = `${before}${rows.join('\n')}\n${after}`;
  if (process.env.BLESS === '1') writeFileSync(README, now);
  else expect(text).toBe(now);
});

/** An optimizer's state before the first step. */
function zeroed(tree: unknown): unknown {
  if (Array.isArray(tree)) return tree.map(zeroed);
  if (typeof tree === 'object' && tree !== null)
    return Object.fromEntries(Object.entries(tree).map(([k, t]) => [k, zeroed(t)]));
  return 0;
}

it('fsdp gathers weights and scatters gradients, nothing else', () => {
  const { collectives } = compile(fsdp as Traced, { check: 'off' }).report();
  expect(collectives.all_gather?.count).toBe(8);
  expect(collectives.reduce_scatter?.count).toBe(4);
  expect(collectives.all_reduce?.count).toBe(1);
});

it('ring attention is attention, and only neighbours talk', () => {
  const part = f32([2, 16, 2, 4]);
  const plain = compile((q: Tensor, k: Tensor, v: Tensor) => nn.attend(q, k, v, causalMask(16, 16)), {
    mesh: mesh({ ring: 4 }),
    args: [part, part, part],
  });
  const around = compile(ring, { check: 'full' });
  const args = inputs([part, part, part], 1) as [number[], number[], number[]];
  const [want, got] = [plain.runOneDevice(...args), around.run(...args)];
  got.data.forEach((v, i) => expect(Number(v)).toBeCloseTo(Number(want.data[i]), 5));
  expect(around.check().verdict).toBe('ok');
  expect(Object.keys(around.report().collectives)).toEqual(['collective_shift']);
  const other = () => trace(ringAttention, { mesh: mesh({ x: 4 }), args: [part, part, part] });
  expect(other).toThrow(/no axis "ring"/);
});

it('decoding with a cache is attention over what was seen', () => {
  const program = compile(decode as Traced, { check: 'full' });
  expect(program.check().verdict).toBe('ok');
  expect(Object.keys(program.report().collectives)).toEqual(['all_reduce']);
  const out = program.run(...(inputs((decode as Traced).args, 0.3) as never[])) as unknown as { tokens: NDArray };
  expect(out.tokens.shape).toEqual([4, 4]);
});
