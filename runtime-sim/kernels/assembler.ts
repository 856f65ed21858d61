/**
 * A little WebAssembly, assembled here, so that nothing has to be built or shipped: V8 does not vectorise, and vector
 * lanes are 3 times as fast as the same loop in plain TypeScript.
 *
 *   { name: 'f', params: 2, counters: 1, vectors: 0, code: [...get(0), ...] }  →  one exported function over one memory
 */

/** Bytes of code. */
export type Code = readonly number[];

/** Locals are numbered: parameters (i32), then counters (i32), then vectors (v128). No results. */
export interface WasmFunction {
  readonly name: string;
  readonly params: number;
  readonly counters: number;
  readonly vectors: number;
  readonly code: Code;
}

/** A module that imports a shared memory as m.m and exports these functions. */
export function assemble(functions: readonly WasmFunction[]): Uint8Array<ArrayBuffer> {
  const signatures = functions.map((f) => [0x60, ...sized(new Array<number>(f.params).fill(I32)), 0]);
  const bodies = functions.map(({ counters, vectors, code }) =>
    sized([2, ...leb(counters), I32, ...leb(vectors), V128, ...code, END]),
  );
  const exported = functions.map((f, i) => [...name(f.name), 0x00, ...leb(i)]);
  return Uint8Array.from([
    ...[0x00, 0x61, 0x73, 0x6d, 1, 0, 0, 0],
    ...section(1, signatures),
    ...section(2, [[...name('m'), ...name('m'), 0x02, SHARED_WITH_MAXIMUM, 1, ...leb(65536)]]),
    ...section(
      3,
      functions.map((_, i) => leb(i)),
    ),
    ...section(7, exported),
    ...section(10, bodies),
  ]);
}

// Opcodes (WebAssembly core specification, 5.4).
const I32 = 0x7f;
const V128 = 0x7b;
const SHARED_WITH_MAXIMUM = 0x03;
const END = 0x0b;
const ADD = 0x6a;

export const get = (local: number): Code => [0x20, local];
export const set = (local: number): Code => [0x21, local];
export const constant = (n: number): Code => [0x41, ...signedLeb(n)];
export const advance = (local: number, by: Code): Code => [...get(local), ...by, ADD, ...set(local)];
/** Do-while: the body runs until the counter is 0. */
export const countDown = (counter: number, body: Code): Code => [
  ...[0x03, 0x40],
  ...body,
  ...[...get(counter), ...constant(1), 0x6b, 0x22, counter],
  ...[0x0d, 0, END],
];
/** A vector from the address in a local, plus an offset. */
export const load = (pointer: number, offset: number): Code => [...get(pointer), 0xfd, 0x00, 3, ...leb(offset)];
export const store = (pointer: number, value: Code, offset: number): Code => [
  ...get(pointer),
  ...value,
  ...[0xfd, 0x0b, 3],
  ...leb(offset),
];
/** One element in all lanes. */
export const loadSplat = (pointer: number, offset: number, lane: Lane): Code => [
  ...get(pointer),
  ...[0xfd, lane === 'f64' ? 0x0a : 0x09, lane === 'f64' ? 3 : 2],
  ...leb(offset),
];
export const zero: Code = [0xfd, 0x0c, ...new Array<number>(16).fill(0)];

export type Lane = 'f64' | 'f32';
export const laneBytes = (lane: Lane): number => (lane === 'f64' ? 8 : 4);

/** In the order of their codes: f32x4.add and those that follow it, which f64x2's lie 12 after. */
export const VECTOR_OPS = ['add', 'subtract', 'multiply', 'divide', 'minimum', 'maximum'] as const;
export type VectorOp = (typeof VECTOR_OPS)[number];
export const vectorOp = (op: VectorOp, lane: Lane): Code => [
  0xfd,
  ...leb(0xe4 + VECTOR_OPS.indexOf(op) + (lane === 'f64' ? 12 : 0)),
];

const sized = (bytes: Code): Code => [...leb(bytes.length), ...bytes];
const section = (id: number, items: readonly Code[]): Code => [id, ...sized([...leb(items.length), ...items.flat()])];
const name = (text: string): Code => sized([...text].map((c) => c.charCodeAt(0)));

/** Unsigned LEB128. */
function leb(n: number): number[] {
  const bytes: number[] = [];
  let rest = n;
  do {
    const low = rest & 0x7f;
    rest >>>= 7;
    bytes.push(rest === 0 ? low : low | 0x80);
  } while (rest !== 0);
  return bytes;
}

function signedLeb(n: number): number[] {
  const bytes: number[] = [];
  for (let rest = n; ; rest >>= 7) {
    const last = rest >= -64 && rest < 64;
    bytes.push(last ? rest & 0x7f : (rest & 0x7f) | 0x80);
    if (last) return bytes;
  }
}
