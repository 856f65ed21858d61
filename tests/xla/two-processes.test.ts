/** examples/run_on_xla.py: what shardc emits runs over two processes of four devices, as it would over the hosts of a pod. */
import { spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { compile, exportStablehlo, importStablehlo } from '../../compiler/index.ts';

const root = join(import.meta.dirname, '../..');
const python = join(root, '.venv/bin/python');
const folder = mkdtempSync(join(tmpdir(), 'shardc-'));

function emitted(name: string): { original: string; program: string } {
  const original = join(import.meta.dirname, 'fixtures', name);
  const compiled = compile(importStablehlo({ file: original, text: readFileSync(original, 'utf8') }));
  const program = join(folder, name);
  writeFileSync(program, exportStablehlo(compiled.source, compiled.module));
  return { original, program };
}

const run = (...args: string[]) =>
  spawnSync(python, [join(root, 'examples/run_on_xla.py'), ...args], { encoding: 'utf8', timeout: 120_000 });

describe.skipIf(!existsSync(python))('emitted programs over two processes', () => {
  it('a training step with gathers, scatters and sums', () => {
    const { original, program } = emitted('fsdp_step.mlir');
    const { stdout, status } = run(program, '--local', '2x4', '--check', original);
    expect(status).toBe(0);
    const report = JSON.parse(stdout.trim().split('\n').at(-1) ?? '') as { max_rel_error: number };
    expect(report).toMatchObject({ processes: 2, devices: 8 });
    expect(report.max_rel_error).toBeLessThan(2e-5);
  });

  it('too few devices are refused', () => {
    const { stderr, status } = run(emitted('mlp.mlir').program, '--local', '1x4');
    expect(status).not.toBe(0);
    expect(stderr).toContain('the program is for 8 devices; 1 processes have 4');
  });
});
