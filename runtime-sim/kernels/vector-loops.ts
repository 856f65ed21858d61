/** Elementwise loops over vectors: out[i] = x[i] ∘ y[i], by byte offsets into the memory. `out` may be x or y. */
import {
  advance,
  constant,
  countDown,
  type Lane,
  load,
  store,
  VECTOR_OPS,
  type VectorOp,
  vectorOp,
  type WasmFunction,
} from './assembler.ts';

/** `blocks` of 64 bytes, at least one. */
export type VectorLoop = (x: number, y: number, out: number, blocks: number) => void;
export const BLOCK = 64;

export const loopName = (op: string, lane: Lane): string => `${op}_${lane}`;

export const vectorLoops = (): readonly WasmFunction[] =>
  (['f32', 'f64'] as const).flatMap((lane) => VECTOR_OPS.map((op) => loop(op, lane)));

const [X, Y, OUT, BLOCKS] = [0, 1, 2, 3];

function loop(op: VectorOp, lane: Lane): WasmFunction {
  const one = (offset: number) => store(OUT, [...load(X, offset), ...load(Y, offset), ...vectorOp(op, lane)], offset);
  const code = countDown(BLOCKS, [
    ...[0, 16, 32, 48].flatMap(one),
    ...[X, Y, OUT].flatMap((pointer) => advance(pointer, constant(BLOCK))),
  ]);
  return { name: loopName(op, lane), params: 4, counters: 0, vectors: 0, code };
}
