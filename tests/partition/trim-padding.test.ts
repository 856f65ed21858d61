/** Padding that the decided layouts do not need: dots at true sizes, numbers as on one device, text that reads back. */
import { describe, expect, it } from 'vitest';
import {
  compile,
  machine,
  makeReport,
  parseTir,
  PIPELINE,
  printTir,
  registry,
  runCheck,
} from '../../compiler/index.ts';
import { passContext } from '../../compiler/pipeline.ts';
import { mainFunction, type Module, type Op, valueInfo, walkOps } from '../../ir/program.ts';
import { typeText } from '../../ir/types.ts';

const upTo = (text: string, last: string): Module => {
  const context = passContext(registry, () => undefined);
  const passes = PIPELINE.slice(0, PIPELINE.findIndex((p) => p.name === last) + 1);
  return passes.reduce((m, pass) => pass.run(m, context), parseTir({ file: 'trim.tir', text }));
};

/** Types of the operands and result of every op of the kind. */
const shapes = (module: Module, kind: string): string[][] => {
  const func = mainFunction(module);
  const typed = (op: Op): string[] => [...op.operands, ...op.results].map((v) => typeText(valueInfo(func, v).type));
  return [...walkOps(func.body)].filter((op) => op.kind === kind).map(typed);
};

const func = (mesh: string, params: string, body: string, result: string): string => `module @m
mesh @mesh {${mesh}}
func @main(${params}) -> (${result}) {
${body}
  return %r
}
`;

/** A router's scores whole on every device; its weights over x, as those of six experts are. */
const ROUTER = func(
  'x=4',
  '%a: f32[8, 16] @{x, _}, %w: f32[16, 6] @{_, _}, %e: f32[6, 16] @{_, _}',
  `  %s = matmul %a, %w
  %t = tanh %s
  %f = sharding_constraint %e, @{x, _}
  %g = matmul %t, %f
  %r = sharding_constraint %g, @{x, _}`,
  'f32[8, 16] @{x, _}',
);

/** Columns over x=2 for the argument and one dot, over y=4 for what another dot makes of the same class. */
const ENTERS = func(
  'x=2, y=4',
  '%t: f32[16, 10] @{_, x}, %w: f32[10, 10] @{_, _}',
  `  %u = sharding_constraint %w, @{x, y}
  %h = matmul %t, %u
  %r = tanh %h`,
  'f32[16, 10] @{_, _}',
);

describe('trim-padding', () => {
  it('an argument whose own shards divide its dim is not padded for those of others', () => {
    const dots = shapes(upTo(ENTERS, 'trim-padding'), 'dot_general');
    expect(dots).toEqual([['f32[16,10]', 'f32[10,12]', 'f32[16,12]']]);
    const compiled = compile(parseTir({ file: 'enters.tir', text: ENTERS }));
    expect(runCheck(compiled, 'full', 1).verdict).toBe('ok');
    const { report } = makeReport(compiled, machine('tpu-v5e'), runCheck(compiled, 'off', 0));
    expect(report.collectives.collective_shift).toBeUndefined();
  });

  it('dots see true sizes where the dim lies whole', () => {
    expect(shapes(upTo(ROUTER, 'insert-reshards'), 'dot_general')).toEqual([
      ['f32[8,16]', 'f32[16,8]', 'f32[8,8]'],
      ['f32[8,8]', 'f32[8,16]', 'f32[8,16]'],
    ]);
    expect(shapes(upTo(ROUTER, 'trim-padding'), 'dot_general')).toEqual([
      ['f32[8,16]', 'f32[16,6]', 'f32[8,6]'],
      ['f32[8,6]', 'f32[6,16]', 'f32[8,16]'],
    ]);
    const compiled = compile(parseTir({ file: 'router.tir', text: ROUTER }));
    const check = runCheck(compiled, 'full', 1);
    expect(check.verdict).toBe('ok');
    expect(makeReport(compiled, machine('tpu-v5e'), check).cost.matrixFlops).toBe(2 * 2 * (16 * 6 + 6 * 16));
  });

  it('what is padding stands in the text, and reads back', () => {
    const padded = upTo(ROUTER, 'insert-reshards');
    const text = printTir(padded);
    expect(text).toContain('f32[16,6+2(0.0)]');
    const again = parseTir({ file: 'again.tir', text });
    expect(printTir(again)).toBe(text);
    const trim = PIPELINE.find((p) => p.name === 'trim-padding');
    const trimmed = trim?.run(
      again,
      passContext(registry, () => undefined),
    ) as Module;
    expect(shapes(trimmed, 'dot_general')).toEqual(shapes(upTo(ROUTER, 'trim-padding'), 'dot_general'));
  });

  it.each([
    ['x=4', 6],
    ['x=3', 13],
    ['x=5', 7],
    ['x=7', 5],
  ])('a product over a dim whose padding holds ones: %s, %i elements', (mesh, n) => {
    // Whole, exp of the padding's zeros is one; sharded again it must be, for the product does not mask what it knows.
    const text = func(
      mesh,
      `%x: f32[${n}, 4] @{_, _}`,
      `  %p = sharding_constraint %x, @{x, _}
  %q = sharding_constraint %p, @{_, _}
  %e = exponential %q
  %d = sharding_constraint %e, @{x, _}
  %y = multiply %d, %d
  %r = reduce_prod %y dims=[0]`,
      'f32[4] @{_}',
    );
    const compiled = compile(parseTir({ file: 'ones.tir', text }));
    expect(runCheck(compiled, 'full', 1)).toMatchObject({ verdict: 'ok' });
  });

  it.each([
    [5, 2, 13],
    [2, 4, 10],
    [3, 2, 13],
    [7, 2, 15],
  ])('each class has the extent of its own shards: x=%i, y=%i, %i rows', (x, y, n) => {
    const text = func(
      `x=${x}, y=${y}`,
      // Each weight leaves one axis for the rows: they are split over x, then over y.
      `%a: f32[${n}, 8] @{_, _}, %w: f32[8, ${5 * y}] @{_, y}, %v: f32[5, ${11 * x}] @{_, x}`,
      `  %b = sharding_constraint %a, @{x, _}
  %c = matmul %b, %w
  %d = sharding_constraint %c, @{_, _}
  %e = slice %d start=[0, 0] limit=[${n}, 5]
  %f = sharding_constraint %e, @{y, _}
  %g = matmul %f, %v
  %r = sharding_constraint %g, @{y, _}`,
      `f32[${n}, ${11 * x}] @{y, _}`,
    );
    const rows = shapes(upTo(text, 'trim-padding'), 'dot_general').map(([lhs]) => lhs);
    const extent = (s: number): string => `f32[${Math.ceil(n / s) * s},8]`;
    expect(rows).toEqual([extent(x), extent(y).replace('8]', '5]')]);
    expect(runCheck(compile(parseTir({ file: 'classes.tir', text })), 'full', 1)).toMatchObject({ verdict: 'ok' });
  });

  it('a sort at its true size marks no padding', () => {
    const text = func(
      'x=4',
      '%a: f32[13] @{_}, %b: f32[13] @{_}',
      `  %c = sharding_constraint %a, @{x}
  %d = sharding_constraint %b, @{x}
  %r, %s = sort %c, %d dim=0 is_stable=true (%p, %q, %u, %v) {
    %l = compare %p, %q direction=LT compare_type=FLOAT
    return %l
  }`,
      'f32[13] @{_}',
    );
    const compiled = compile(parseTir({ file: 'sort.tir', text }));
    expect(shapes(compiled.module, 'sort')).toEqual([Array(4).fill('f32[13]')]);
    expect(runCheck(compiled, 'full', 1)).toMatchObject({ verdict: 'ok' });
  });
});
