/** fft, cholesky, triangular_solve, random numbers, batch_norm_inference, next_after, after_all. */
import { example, type ExampleOptions, type OpExample } from '../../../compiler/testing/laws/op-example.ts';

const fft = (type: string, from: string, to: string, length: readonly number[]): OpExample =>
  example('fft', `${from} -> ${to}`, { attrs: { fft_type: type, fft_length: length } });

const ffts: readonly OpExample[] = [
  fft('FFT', 'c64[4,8]', 'c64[4,8]', [8]),
  fft('FFT', 'c64[4,6,10]', 'c64[4,6,10]', [6, 10]),
  fft('FFT', 'c64[2,3,4]', 'c64[2,3,4]', [2, 3, 4]),
  fft('IFFT', 'c64[4,7]', 'c64[4,7]', [7]),
  fft('RFFT', 'f32[4,8]', 'c64[4,5]', [8]),
  fft('RFFT', 'f32[4,6,9]', 'c64[4,6,5]', [6, 9]),
  fft('IRFFT', 'c64[4,5]', 'f32[4,8]', [8]),
  fft('IRFFT', 'c128[2,4,5]', 'f64[2,4,9]', [4, 9]),
];

/** Diagonally dominant, n × n. */
const positive =
  (n: number) =>
  (i: number): number => {
    const [row, col] = [Math.floor(i / n) % n, i % n];
    return row === col ? n + 1 + row : 1 / (1 + Math.abs(row - col));
  };
const factor = (signature: string, n: number, lower: boolean): OpExample =>
  example('cholesky', signature, { attrs: { lower }, inputs: { 0: positive(n) } });
const solve = (
  signature: string,
  n: number,
  left_side: boolean,
  lower: boolean,
  transpose_a: string,
  unit = false,
): OpExample =>
  example('triangular_solve', signature, {
    attrs: { left_side, lower, unit_diagonal: unit, transpose_a },
    inputs: { 0: positive(n) },
  });

const algebra: readonly OpExample[] = [
  factor('f32[4,6,6] -> f32[4,6,6]', 6, true),
  factor('f64[4,4] -> f64[4,4]', 4, false),
  example('cholesky', 'c64[2,2,2] -> c64[2,2,2]', {
    attrs: { lower: true },
    inputs: { 0: (i) => [4, 0, 1, 1, 1, -1, 3, 0][i % 8] as number },
  }),
  solve('(f32[4,6,6], f32[4,6,2]) -> f32[4,6,2]', 6, true, true, 'NO_TRANSPOSE'),
  solve('(f32[4,4], f32[4,6]) -> f32[4,6]', 4, true, false, 'TRANSPOSE'),
  solve('(f64[2,4,4], f64[2,6,4]) -> f64[2,6,4]', 4, false, true, 'NO_TRANSPOSE', true),
  solve('(f32[4,4], f32[6,4]) -> f32[6,4]', 4, false, false, 'ADJOINT'),
  example('triangular_solve', '(c64[2,2], c64[2,6]) -> c64[2,6]', {
    attrs: { left_side: true, lower: true, unit_diagonal: false, transpose_a: 'ADJOINT' },
    inputs: { 0: (i) => [4, 0, 1, 1, 1, -1, 3, 0][i % 8] as number },
  }),
];

const seed = (i: number): bigint => [0x0123456789abcdefn, 0xfffffffffffffffen, 0x2n][i] as bigint;
const bits = (algorithm: string, state: number, output: string, options: ExampleOptions = {}): OpExample => {
  const [, dtype, dims] = /^([a-z0-9]+)\[(.*)\]$/.exec(output) as unknown as [string, string, string];
  const shape = dims === '' ? [] : dims.split(',').map(Number);
  return example('rng_bit_generator', `u64[${state}] -> (u64[${state}], ${output})`, {
    attrs: { algorithm, dtype, shape },
    inputs: { 0: seed },
    wholeWork: true,
    ...options,
  });
};

const random: readonly OpExample[] = [
  bits('THREE_FRY', 2, 'u32[12,4]'),
  bits('THREE_FRY', 2, 'u32[3,8]'),
  bits('THREE_FRY', 2, 'u32[3,9]'),
  bits('THREE_FRY', 2, 'u32[]'),
  bits('THREE_FRY', 2, 'u64[6,2]'),
  bits('THREE_FRY', 2, 'u8[12]'),
  bits('PHILOX', 2, 'u32[48]'),
  bits('PHILOX', 3, 'u32[12,4]'),
  bits('PHILOX', 3, 'u32[6]'),
  bits('PHILOX', 3, 'u64[6,2]'),
  bits('PHILOX', 2, 'u16[12,2]'),
  bits('DEFAULT', 2, 'u32[12]'),
  bits('DEFAULT', 3, 'i32[4,6]'),
  ...[
    ['f32[]', 'UNIFORM', 'f32[4,6]'],
    ['f32[]', 'NORMAL', 'f32[6]'],
    ['i32[]', 'UNIFORM', 'i32[12]'],
  ].map(([scalar, distribution, to]) =>
    example('rng', `(${scalar}, ${scalar}, i64[${to?.split(',').length}]) -> ${to}`, {
      attrs: {
        distribution: distribution as string,
        shape: to?.includes('4,6') ? [4, 6] : to === 'f32[6]' ? [6] : [12],
      },
      wholeWork: true,
    }),
  ),
];

const others: readonly OpExample[] = [
  example('batch_norm_inference', '(f32[4,6,2], f32[6], f32[6], f32[6], f32[6]) -> f32[4,6,2]', {
    attrs: { epsilon: 0.001, feature_index: 1 },
    inputs: { 4: (i) => 1 + i / 4 },
  }),
  example('next_after', '(f32[8], f32[8]) -> f32[8]', {
    inputs: {
      0: (i) => [0, -0, 1, -1, 3, 1e-30, 2, -2][i] as number,
      1: (i) => [1, -1, 2, 0, 3, 0, Number.NaN, -3][i] as number,
    },
  }),
  example('next_after', '(bf16[4], bf16[4]) -> bf16[4]'),
  example('after_all', '-> token[]'),
  example('after_all', '(token[], token[]) -> token[]'),
];

export const numericsExamples: readonly OpExample[] = [...ffts, ...algebra, ...random, ...others];
