/** Bad input gives one clear diagnostic: code, place, expected; never a stack trace, never a hang. */
import { describe, expect, it } from 'vitest';
import { compile, DiagnosticError, importStablehlo, overrideMesh } from '../../compiler/index.ts';

const good = `module @m {
  sdy.mesh @mesh = <["x"=2, "y"=4]>
  func.func public @main(%arg0: tensor<8x16xf32> {sdy.sharding = #sdy.sharding<@mesh, [{"x"}, {}]>}) -> tensor<8x16xf32> {
    %0 = stablehlo.add %arg0, %arg0 : tensor<8x16xf32>
    %1 = sdy.sharding_constraint %0 <@mesh, [{"x"}, {}]> : tensor<8x16xf32>
    return %1 : tensor<8x16xf32>
  }
}
`;

function codeOf(text: string, mesh?: string): string {
  try {
    const module = importStablehlo({ file: 'bad.mlir', text });
    compile(mesh === undefined ? module : overrideMesh(module, mesh));
  } catch (error) {
    if (!(error instanceof DiagnosticError)) throw error;
    const [first] = error.diagnostics;
    expect(first?.cause).toBe('user');
    return first?.code ?? '';
  }
  return 'ok';
}

describe('bad StableHLO', () => {
  it('the good one compiles', () => expect(codeOf(good)).toBe('ok'));
  it.each<[string, string, string]>([
    ['unknown axis', good.replace('[{"x"}, {}]>}', '[{"z"}, {}]>}'), 'SH0210'],
    ['axis used twice', good.replace('[{"x"}, {}]>}', '[{"x"}, {"x"}]>}'), 'SH0211'],
    ['rank mismatch of a constraint', good.replace('<@mesh, [{"x"}, {}]> :', '<@mesh, [{"x"}]> :'), 'SH0212'],
    ['rank mismatch of an annotation', good.replace('[{"x"}, {}]>}', '[{"x"}]>}'), 'SH0212'],
    ['a sharding without a value', good.replace(/sdy\.sharding = #sdy[^\n]*?\]>\}/, 'sdy.sharding}'), 'SH0102'],
    ['a mesh of 2^62 devices', good.replace('"x"=2', '"x"=4611686018427387904'), 'SH0213'],
    ['a mesh axis of no devices', good.replace('"x"=2', '"x"=0'), 'SH0213'],
    ['a mesh axis twice', good.replace('"y"=4', '"x"=4'), 'SH0213'],
    ['a device twice in a mesh', good.replace('"y"=4]', '"y"=1], device_ids=[1, 1]'), 'SH0213'],
    ['unknown mesh', good.replace('#sdy.sharding<@mesh', '#sdy.sharding<@grid'), 'SH0214'],
    ['undefined value', good.replace('%arg0, %arg0', '%arg0, %arg9'), 'SH0201'],
    [
      'type error',
      good.replace(
        '%0 = stablehlo.add %arg0, %arg0 : tensor<8x16xf32>',
        '%0 = stablehlo.add %arg0, %arg0 : tensor<8x17xf32>',
      ),
      'SH0204',
    ],
    [
      'unknown function',
      good.replace(
        'stablehlo.add %arg0, %arg0 : tensor<8x16xf32>',
        'call @nobody(%arg0) : (tensor<8x16xf32>) -> tensor<8x16xf32>',
      ),
      'SH0220',
    ],
    [
      'cyclic call',
      good.replace(
        'stablehlo.add %arg0, %arg0 : tensor<8x16xf32>',
        'call @main(%arg0) : (tensor<8x16xf32>) -> tensor<8x16xf32>',
      ),
      'SH0221',
    ],
    ['truncated', good.slice(0, 300), 'SH0102'],
    ['binary garbage', '\u0000\u0001\ufffdML\u00efR\u0000', 'SH0101'],
    ['unterminated 10 MB token', `module @m { sdy.mesh @mesh = <["${'x'.repeat(1e7)}`, 'SH0101'],
    ['nesting 100,000 deep', `module @m attributes {a = ${'['.repeat(1e5)}`, 'SH0102'],
    ['sizes of 2^62', good.replaceAll('8x16', '4611686018427387904x16'), 'SH0102'],
    ['__proto__ as an axis', good.replace('[{"x"}, {}]>}', '[{"__proto__"}, {}]>}'), 'SH0210'],
    [
      'no mesh',
      good
        .replace(/ {2}sdy.mesh.*\n/, '')
        .replaceAll(/ \{sdy.sharding[^}]*\}[^}]*\}>\}/g, '')
        .replace(/.*constraint.*\n/, '')
        .replace('return %1', 'return %0'),
      'SH0214',
    ],
  ])('%s', (_, text, code) => expect(codeOf(text)).toBe(code));
  it.each(['2x2x2', 'z=4', '0x4', '2xfour'])('--mesh %s', (mesh) => expect(codeOf(good, mesh)).toBe('SH0213'));
});
