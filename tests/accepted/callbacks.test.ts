/** Host callbacks of JAX, run on XLA: the emitted program calls the host as often as XLA's own partitioning does. */
import { execFileSync } from 'node:child_process';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { compile, exportStablehlo, importStablehlo } from '../../compiler/index.ts';
import { hasXla } from '../xla/on-xla.ts';

type Run = readonly [calls: number, result: number];

function python(args: readonly string[], input = ''): string {
  const script = join(import.meta.dirname, '../xla/callbacks.py');
  return execFileSync(join(import.meta.dirname, '../../.venv/bin/python'), [script, ...args], {
    input,
    encoding: 'utf8',
    stdio: ['pipe', 'pipe', 'ignore'],
  });
}

test.skipIf(!hasXla())('the host is called as often as by XLA, with the same results', { timeout: 300_000 }, () => {
  const programs = JSON.parse(python([])) as Readonly<Record<string, string>>;
  const emitted = Object.entries(programs).map(([name, text]) => {
    const { source, module } = compile(importStablehlo({ file: `${name}.mlir`, text }));
    return [name, exportStablehlo(source, module)] as const;
  });
  const runs = JSON.parse(python(['run'], JSON.stringify(Object.fromEntries(emitted)))) as Readonly<
    Record<string, { readonly xla: Run; readonly shardc: Run }>
  >;
  const xla = Object.fromEntries(Object.entries(runs).map(([name, run]) => [name, run.xla]));
  expect(Object.fromEntries(Object.entries(runs).map(([name, run]) => [name, run.shardc]))).toEqual(xla);
  expect(xla).toEqual({ debug: [1, 2], result: [1, 3], loop: [3, 4], branch: [1, 2], per_shard: [8, 2] });
});
