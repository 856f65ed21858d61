/** Large values on the heap: blocks are used again when nobody holds them, and never before. */
import { describe, expect, it } from 'vitest';
import type { Precision, TensorArray } from '../../ir/array.ts';
import { compile, runCheck } from '../../compiler/index.ts';
import { registry } from '../../ir/ops/index.ts';
import { mainFunction } from '../../ir/program.ts';
import { parseTir } from '../../ir/text/parse.ts';
import { tensor } from '../../ir/types.ts';
import { compareResults } from '../../runtime-sim/check.ts';
import { makeInputs } from '../../runtime-sim/inputs.ts';
import { runOneDevice } from '../../runtime-sim/interpret.ts';
import { runStacked } from '../../runtime-sim/kernels/index.ts';
import { footprint } from '../../runtime-sim/memory/footprint.ts';
import { Heap } from '../../runtime-sim/memory/heap.ts';
import { onHeap, onto } from '../../runtime-sim/memory/room.ts';
import { runSpmd } from '../../runtime-sim/spmd.ts';
import { type Rows, rowOf, stackOf } from '../../runtime-sim/stacked.ts';

const PAGE = 65536;

describe('blocks', () => {
  const heap = Heap.make();
  if (heap === undefined) throw new Error('no memory');
  const like = new Float32Array(0);
  const make = (pages: number) => heap.array(like, (pages * PAGE) / 4) as Float32Array;

  it('are free again once nobody holds them and the op is done', () => {
    heap.reset();
    const a = make(2);
    heap.keep(a);
    heap.settle();
    expect(make(1).byteOffset).not.toBe(a.byteOffset);
    heap.drop(a);
    expect(heap.isLoose(a)).toBe(true);
    heap.settle();
    expect(make(2).byteOffset).toBe(a.byteOffset);
  });

  it('neighbours that are free are one', () => {
    heap.reset();
    const parts = [make(1), make(1), make(1)];
    const first = parts[0]?.byteOffset;
    heap.settle();
    expect(make(3).byteOffset).toBe(first);
  });

  it('a block held twice stays until both let go; views of it count as it', () => {
    heap.reset();
    const a = make(1);
    heap.keep(a);
    heap.keep(a.subarray(16));
    heap.drop(a);
    heap.settle();
    expect(heap.isLoose(a)).toBe(false);
    expect(make(1).byteOffset).not.toBe(a.byteOffset);
  });

  it('small arrays are none of its business', () => {
    expect(heap.array(like, 10)).toBeUndefined();
    expect(heap.addressOf(new Float32Array(10))).toBeUndefined();
  });
});

/** Every op by its reference kernel: a registry of other definitions than those the fast kernels know. */
const slow = Object.fromEntries(Object.entries(registry).map(([kind, def]) => [kind, { ...def }])) as typeof registry;

const PROGRAM = `module @steps
func @main(%x: f32[132, 136], %w: f32[136, 136], %s: f32[2, 132, 136]) {
  %zero = constant 0 : i32[]
  %k, %v, %all = while %zero, %x, %s cond (%i1, %v1, %s1) {
    %go = compare %i1, 2 direction=LT
    return %go
  } do (%i, %v2, %s2) {
    %p = matmul %v2, %w
    %q = add %p, %v2
    %t = tanh %q
    %u = multiply %t, %t
    %row = reshape %u shape=[1, 132, 136]
    %next = dynamic_update_slice %s2, %row, %i, %zero, %zero
    %up = add %i, 1
    return %up, %u, %next
  }
  %d = subtract %v, %x
  return %d, %all, %v
}`;

describe('a loop over large values', () => {
  const module = parseTir({ file: 'test.tir', text: PROGRAM }, registry);
  it.each<Precision>(['wide', 'true'])('%s: as by the reference kernels; inputs stay as they are', (precision) => {
    const inputs = makeInputs(mainFunction(module), 3, precision);
    const before = inputs.map((x) => x.data.slice());
    const fast = runOneDevice(module, registry, inputs, precision);
    const again = runOneDevice(module, registry, inputs, precision);
    const want = runOneDevice(module, slow, inputs, precision);
    const tolerance = precision === 'wide' ? 1e-12 : 1e-5;
    expect(compareResults(want, fast, tolerance).first).toBeUndefined();
    expect(again.map((x) => x.data)).toEqual(fast.map((x) => x.data));
    expect(inputs.map((x) => x.data)).toEqual(before);
  });
});

describe('elementwise in lanes', () => {
  const n = 3 * 7001;
  const values = (seed: number): Float32Array =>
    Float32Array.from({ length: n }, (_, i) => (i % 97 === 0 ? Number.NaN : Math.sin(i * 1.3 + seed)));
  const kinds = ['add', 'subtract', 'multiply', 'divide', 'minimum', 'maximum'];
  it.each(kinds)('%s: bit for bit, with rows that are shared and over a dead operand', (kind) => {
    const type = tensor('f32', [n]);
    const view = { kind, attrs: {}, operands: [type, type], results: [type], regions: [] };
    const [a, b, c] = [values(1), values(2), values(3)].map(
      (data): TensorArray => ({ dtype: 'f32', shape: [n], data }),
    );
    if (a === undefined || b === undefined || c === undefined) return;
    onHeap(() => {
      const rows: Rows[] = [{ stack: onto(stackOf([a, b])) }, { stack: onto(stackOf([c])), of: Int32Array.of(0, 0) }];
      const call = { view, operands: rows, copies: 2, precision: 'true', mayOverwrite: true } as const;
      const got = runStacked(registry, call) as TensorArray;
      expect(got.data.byteOffset).toBe(rows[0]?.stack.data.byteOffset);
      [a, b].forEach((x, row) => {
        const [want] = registry[kind]?.kernel(view, [x, c], { precision: 'true', call: () => [] }) ?? [];
        expect(rowOf(got, row).data.slice()).toEqual(want?.data);
      });
    });
  });
});

describe('what a run would hold is known before it starts', () => {
  const text = (rows: number): string => `module @big
mesh @mesh {x=4}
func @main(%x: f32[${rows}, 1024] @{x, ?}) {
  %a = add %x, %x
  %b = multiply %a, %x
  return %b
}`;
  const compiled = (rows: number) => compile(parseTir({ file: 'test.tir', text: text(rows) }, registry));

  it('arguments and what is live beside them, per copy', () => {
    const { module } = compiled(4096);
    expect(footprint(mainFunction(module), 4)).toBe(3 * 4096 * 1024 * 8);
  });

  it('a program beyond the budget is refused with its size, and runs shrunk', () => {
    const program = compiled(2 ** 20);
    expect(() => runSpmd(program.module, registry, [], 'wide')).toThrow(/would hold 24 GiB at once/);
    expect(runCheck(program, 'full', 0)).toMatchObject({
      verdict: 'not run',
      reason: expect.stringContaining('24 GiB'),
    });
    expect(runCheck(program, 'auto', 0)).toMatchObject({ verdict: 'ok', mode: 'shrunk' });
  });
});
