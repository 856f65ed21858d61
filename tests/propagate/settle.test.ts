/** What Shardy leaves undone at loops: calls in a body are not told of what the loop carries, if it gets an axis late. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { compile, type Compiled, importStablehlo, runCheck } from '../../compiler/index.ts';
import { mainFunction, type Module, type ValueId } from '../../ir/program.ts';
import type { Pass } from '../../passes/pass.ts';

const FIXTURES = join(import.meta.dirname, '../wire/fixtures');

function compiled(name: string): Compiled {
  const file = join(FIXTURES, `${name}.mlir`);
  return compile(importStablehlo({ file, text: readFileSync(file, 'utf8') }));
}

/** Axis names per dim of each result. */
const results = (module: Module): string[] =>
  mainFunction(module).resultLayouts.map((l) =>
    (l?.dims ?? []).map((d) => d.axes.map((a) => a.name).join('.') || '_').join(' '),
  );

describe('settle', () => {
  it.each([
    ['mlp-blocks.megatron-2x4.grad', 1, '_ _ _', '_ y _'],
    ['lstm.features-2x4.grad', 3, '_ _', 'y _'],
  ])('%s: result %i is laid out as by XLA, which inlines calls first', (name, result, shardy, xla) => {
    const program = compiled(name);
    expect(results(program.propagated as Module)[result]).toBe(shardy);
    expect(results(program.module)[result]).toBe(xla);
    expect(runCheck(program, 'full', 1)).toMatchObject({ verdict: 'ok' });
  });

  it('results end before their first sub-axis, as in XLA: two heads that come out over half of y are whole', () => {
    const program = compiled('few-heads.heads-2x4.grad');
    const [shardy, xla] = [program.propagated as Module, program.module].map(results);
    expect([shardy?.[2], xla?.[2]]).toEqual(['_ y _', '_ _ _']);
    expect(runCheck(program, 'full', 1)).toMatchObject({ verdict: 'ok' });
  });

  it('says why, of every axis that it adds', () => {
    const file = join(FIXTURES, 'lstm.features-2x4.grad.mlir');
    let settled: Module | undefined;
    const onPass = ({ name }: Pass, module: Module): void => {
      if (name === 'settle') settled = module;
    };
    const { causes, propagated } = compile(importStablehlo({ file, text: readFileSync(file, 'utf8') }), { onPass });
    const before = mainFunction(propagated as Module).values;
    const added = mainFunction(settled as Module).values.flatMap(({ layout }, id) =>
      (layout?.dims ?? []).flatMap(({ axes }, dim) =>
        axes.slice(before[id]?.layout?.dims[dim]?.axes.length).map((axis) => ({ id: id as ValueId, dim, axis })),
      ),
    );
    expect(added.length).toBeGreaterThan(0);
    for (const { id, dim, axis } of added)
      expect(causes.get(id)).toContainEqual(expect.objectContaining({ dim, axis, op: expect.anything() }));
  });

  it('adds nothing where a loop calls nothing late', () => {
    const program = compiled('mlp-blocks.sequence-2x4.grad');
    expect(results(program.module)).toEqual(results(program.propagated as Module));
  });
});
