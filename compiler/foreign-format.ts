/** What people have at hand that is no text shardc reads: each with the way to the text that it does read. */
import { type DiagnosticError, userError } from '../ir/diagnostics.ts';
import type { SourceText } from '../ir/program.ts';

interface Format {
  readonly is: (source: SourceText) => boolean;
  readonly what: string;
  readonly help: string;
}

/** MLIR's magic bytes, 4D 4C EF 52, read as UTF-8. */
const BYTECODE = 'ML\uFFFDR';
/** How far into a file its format shows. */
const HEAD = 1 << 16;

const head = ({ text }: SourceText): string => text.slice(0, HEAD);
/** A stray byte in a text is told at its place; a binary file is full of them. */
const isBinary = (source: SourceText): boolean => {
  const start = head(source);
  return (start.match(/[\0-\u0008\u000e-\u001f\uFFFD]/g)?.length ?? 0) > start.length / 50;
};

const FORMATS: readonly Format[] = [
  {
    is: ({ text }) => text.startsWith(BYTECODE),
    what: 'MLIR bytecode (a StableHLO portable artifact)',
    help: 'write it as text: `print(exported.mlir_module())` in jax.export, `get_stablehlo_text()` in place of `get_stablehlo_bytecode()` in torch_xla, or `stablehlo-translate --deserialize FILE`',
  },
  {
    is: (source) => isBinary(source) && head(source).includes(BYTECODE),
    what: 'a serialised jax.export.Exported',
    help: 'write its StableHLO as text: `print(jax.export.deserialize(data).mlir_module())`',
  },
  {
    is: ({ text }) => text.startsWith('PK\u0003\u0004'),
    what: 'a zip archive (torch.export.save, or a model of Keras)',
    help: 'export it to StableHLO text: `torch_xla.stablehlo.exported_program_to_stablehlo(program).get_stablehlo_text()`',
  },
  { is: isBinary, what: 'a binary file', help: 'write the program as text: `jax.jit(f).lower(...).as_text()`' },
  {
    is: (source) => /^\s*HloModule\b/.test(head(source)),
    what: "XLA's HLO text",
    help: 'write StableHLO instead: `jax.jit(f).lower(...).as_text()` before `.compile()`, `xm.get_stablehlo(tensors)` in torch_xla, or `xla-translate --hlo-text-to-stablehlo FILE`',
  },
  {
    is: (source) => /^\s*\{\s*lambda\b/.test(head(source)),
    what: 'a jaxpr',
    help: 'lower it to StableHLO: `jax.jit(f).lower(...).as_text()`',
  },
  {
    is: (source) => /^#loc\d* = (?!loc\()/m.test(head(source)),
    what: "a text with MLIR's short locations, which MLIR itself does not read back",
    help: 'have torch_xla write it without: unset XLA_HLO_DEBUG and XLA_IR_DEBUG; in JAX `as_text(debug_info=True)` writes whole ones',
  },
  {
    is: ({ file }) => file.endsWith('.py'),
    what: 'a program in Python',
    help: 'have it write its StableHLO, and name that file: `open("model.mlir", "w").write(jax.jit(f).lower(...).as_text())`',
  },
];

/** The mistake, where the source is in one of these formats. */
export function foreignFormat(source: SourceText): DiagnosticError | undefined {
  const format = FORMATS.find(({ is }) => is(source));
  if (format === undefined) return undefined;
  return userError('SH0007', `${source.file} is ${format.what}`, {
    expected: 'StableHLO as text, .tir, or a model in TypeScript',
    help: format.help,
  });
}
