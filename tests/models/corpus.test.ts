/** Whole programs: one device = the mesh, on numbers; bytes that may only fall. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import {
  compile,
  importStablehlo,
  machine,
  makeReport,
  overrideMesh,
  registry,
  runCheck,
} from '../../compiler/index.ts';
import { paceOn } from '../../runtime-sim/cost/pace.ts';

const fixture = (name: string): ReturnType<typeof importStablehlo> => {
  const file = join(import.meta.dirname, '../xla/fixtures', `${name}.mlir`);
  return importStablehlo({ file, text: readFileSync(file, 'utf8') });
};

/** Wire bytes per device as measured when the line was written. */
const WIRE: Readonly<Record<string, number>> = {
  mlp: 6144 * 2,
  fsdp_step: 48000,
  embedding: 30000,
  decoder_step: 420000,
  uneven: 9126,
  conv_grad: 24448,
  conv_grad_strided: 14208,
  avg_pool: 4096,
  max_pool_grad: 0,
  cache_update: 0,
  reverse: 128,
};

describe('fixtures lowered by JAX', () => {
  it.each(Object.keys(WIRE))('%s computes on the mesh what one device computes', (name) => {
    const compiled = compile(fixture(name));
    const check = runCheck(compiled, 'full', 7);
    expect(check).toMatchObject({ verdict: 'ok' });
    expect(check.maxRelError).toBeLessThan(1e-9);
    const { report } = makeReport(compiled, machine('tpu-v5e'), check);
    expect(report.wireBytes).toBeLessThanOrEqual(WIRE[name] as number);
  });

  it.each(['2x4', '16x8'])('decoder_step scheduled and shrunk, on %s', (mesh) => {
    const pace = paceOn(machine('tpu-v5e'), registry);
    const compiled = compile(overrideMesh(fixture('decoder_step'), mesh), { pace });
    expect(compiled.module.level).toBe('scheduled');
    expect(runCheck(compiled, 'shrunk', 1)).toMatchObject({ mode: 'shrunk', verdict: 'ok' });
  });

  it.each(['1x1', '8x1', '1x8', '2x2', '16x2'])('decoder_step on %s', (mesh) => {
    const compiled = compile(overrideMesh(fixture('decoder_step'), mesh));
    expect(runCheck(compiled, 'full', 1)).toMatchObject({ verdict: 'ok' });
  });
});

describe('the check catches what is wrong', () => {
  it('an all_reduce over the wrong axis', () => {
    const compiled = compile(fixture('mlp'));
    const [func] = compiled.module.functions;
    if (func === undefined) throw new Error('no function');
    const ops = func.body.ops.map((op) =>
      op.kind === 'all_reduce' ? { ...op, attrs: { ...op.attrs, axes: [{ name: 'x', pre: 1, size: 2 }] } } : op,
    );
    const broken = {
      ...compiled,
      module: { ...compiled.module, functions: [{ ...func, body: { ...func.body, ops } }] },
    };
    expect(ops.some((op) => op.kind === 'all_reduce')).toBe(true);
    expect(runCheck(broken, 'full', 1)).toMatchObject({ verdict: 'failed' });
  });
});
