/** StableHLO modules run by XLA itself, on simulated CPU devices: numbers in, numbers out. */
import { execFileSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { allocate, type TensorArray } from '../../ir/array.ts';
import { bitsOf, elementOf, rawBytes } from '../../ir/element-bits.ts';
import { elementCount, partOf, type TensorType, widthOf } from '../../ir/types.ts';

const here = import.meta.dirname;
const python = join(here, '../../.venv/bin/python');

export const hasXla = (): boolean => existsSync(python);

export interface XlaJob {
  readonly module: string;
  readonly devices: number;
  /** In the element types' own precision. */
  readonly inputs: readonly TensorArray[];
  readonly results: readonly TensorType[];
}

/** Results per job, or why XLA refuses it. One Python process for all. */
export function runOnXla(jobs: readonly XlaJob[]): (TensorArray[] | string)[] {
  const input = jobs.map(({ module, devices, inputs }) => ({ module, devices, inputs: inputs.map(encoded) }));
  const text = execFileSync(python, [join(here, 'run_ops.py')], {
    input: JSON.stringify(input),
    encoding: 'utf8',
    maxBuffer: 2 ** 30,
    stdio: ['pipe', 'pipe', 'ignore'],
  });
  const answers = JSON.parse(text) as ({ bytes: string }[] | { error: string })[];
  return answers.map((answer, i) =>
    Array.isArray(answer)
      ? answer.map(({ bytes }, r) => decoded(bytes, jobs[i]?.results[r] as TensorType))
      : answer.error,
  );
}

function encoded({ dtype, shape, data }: TensorArray): object {
  const size = rawBytes(dtype);
  const bytes = Buffer.alloc(data.length * size);
  for (let i = 0; i < data.length; i++) {
    let pattern = bitsOf(partOf(dtype), data[i] as number | bigint);
    // NumPy keeps narrow signed integers sign-extended.
    if (dtype === 'i4' || dtype === 'i2') pattern = BigInt.asUintN(8, BigInt(data[i] as number));
    for (let b = 0; b < size; b++) bytes[i * size + b] = Number((pattern >> BigInt(8 * b)) & 255n);
  }
  return { dtype, shape, bytes: bytes.toString('base64') };
}

function decoded(text: string, type: TensorType): TensorArray {
  const bytes = Buffer.from(text, 'base64');
  const size = rawBytes(type.dtype);
  const data = allocate(type.dtype, elementCount(type), 'true');
  if (bytes.length !== elementCount(type) * widthOf(type.dtype) * size)
    throw new Error(`XLA gives ${bytes.length} bytes for ${type.dtype}[${type.shape.join()}]`);
  for (let i = 0; i < data.length; i++) {
    let pattern = 0n;
    for (let b = size - 1; b >= 0; b--) pattern = (pattern << 8n) | BigInt(bytes[i * size + b] as number);
    (data as Float64Array)[i] = elementOf(partOf(type.dtype), pattern) as number;
  }
  return { dtype: type.dtype, shape: type.shape, data };
}
