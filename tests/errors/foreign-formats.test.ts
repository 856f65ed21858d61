/** Files that are no text shardc reads: told as what they are, with the way to the text. */
import { describe, expect, it } from 'vitest';
import { DiagnosticError, exitCode, render } from '../../compiler/index.ts';
import { parseSource } from '../../compiler/load.ts';

/** As torch_xla's get_stablehlo_bytecode() begins. */
const BYTECODE = [
  0x4d,
  0x4c,
  0xef,
  0x52,
  0x01,
  ...Buffer.from('StableHLO_v1.13.0\0\x01'),
  0x9d,
  0xf7,
  0x00,
  0x01,
  0x02,
];
/** As jax.export's serialize() begins: a flatbuffer around bytecode. */
const EXPORTED = [0x4c, 0x00, 0x00, 0x00, 0x00, 0x00, 0x2e, 0x00, 0x48, 0x00, ...BYTECODE];
const read = (bytes: readonly number[]): string => Buffer.from(bytes).toString('utf8');

function told(file: string, text: string): string {
  try {
    parseSource({ file, text });
  } catch (error) {
    if (!(error instanceof DiagnosticError)) throw error;
    expect(exitCode(error.diagnostics)).toBe(1);
    return error.diagnostics.map((d) => render(d, { file, text })).join('\n');
  }
  return '';
}

describe('formats that shardc does not read', () => {
  it.each<[string, string, string, RegExp]>([
    ['bytecode', 'm.mlirbc', read(BYTECODE), /is MLIR bytecode.*get_stablehlo_text/s],
    ['bytecode, whatever its name', '<stdin>', read(BYTECODE), /is MLIR bytecode/],
    ['jax.export', 'm.bin', read(EXPORTED), /jax\.export\.deserialize/],
    ['an archive', 'm.pt2', read([0x50, 0x4b, 3, 4, 0x14, 0, 0, 0]), /zip archive/],
    ['any other bytes', 'm.mlir', read([0x7f, 0x45, 0x4c, 0x46, 2, 1, 1, 0, 0]), /is a binary file/],
    ['HLO text', 'm.hlo', 'HloModule IrToHlo.11\n\nENTRY %e {}', /HLO text.*get_stablehlo/s],
    ['a jaxpr', '-', '{ lambda ; a:f32[8]. let b:f32[8] = sin a in (b,) }', /a jaxpr/],
    ['short locations', 'm.mlir', '#loc1 = /home/me/model.py:659:0\nmodule @m {}', /short locations.*XLA_HLO_DEBUG/s],
    ['Python', 'model.py', 'import jax\n', /in Python.*as_text/s],
  ])('%s', (_, file, text, expected) => {
    const said = told(file, text);
    expect(said).toContain('SH0007');
    expect(said).toMatch(expected);
  });

  it('a stray byte in a text is told at its place', () =>
    expect(told('m.mlir', `module @m { func.func @main(%a: tensor<8xf32>\0) { return } }${' '.repeat(99)}`)).toMatch(
      /SH0101.*m\.mlir:1:46/s,
    ));
});
