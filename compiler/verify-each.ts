/** `--verify-each`: after every pass, are the types right, does the text read back, are the numbers the same? */
import { type Diagnostic, DiagnosticError, internalError } from '../ir/diagnostics.ts';
import type { Registry } from '../ir/op.ts';
import { mainFunction, type Module } from '../ir/program.ts';
import { parseTir } from '../ir/text/parse.ts';
import { printTir } from '../ir/text/print.ts';
import { verify } from '../ir/verify.ts';
import { compareResults } from '../runtime-sim/check.ts';
import { makeInputs } from '../runtime-sim/inputs.ts';
import { runOneDevice } from '../runtime-sim/interpret.ts';
import { roundingNoise } from '../runtime-sim/rounding-noise.ts';
import { runSpmd } from '../runtime-sim/spmd.ts';
import type { TensorArray } from '../ir/array.ts';
import { fitsInFull } from './check.ts';

const TOLERANCE = 1e-9;

/** Made once from the program as written; `after` throws an internal error that names the pass. */
export class EachPassVerifier {
  /** Why numbers are not compared; undefined when they are. */
  readonly skipped: string | undefined;
  private readonly source: Module;
  private readonly registry: Registry;
  private readonly inputs: readonly TensorArray[];
  private readonly expected: readonly TensorArray[];
  /** The last program looked at: one that prints the same at the same level is it again. */
  private seen = '';

  constructor(source: Module, registry: Registry, seed: number) {
    this.source = source;
    this.registry = registry;
    const fits = fitsInFull(source, registry);
    this.inputs = fits ? makeInputs(mainFunction(source), seed, 'wide') : [];
    const wanted = fits ? this.run(source) : 'the program is too big to run on numbers here';
    this.skipped = typeof wanted === 'string' ? wanted : undefined;
    this.expected = typeof wanted === 'string' ? [] : wanted;
  }

  /** What one device computes, or why the simulator cannot run it (a custom_call that only the machine knows). */
  private run(source: Module): readonly TensorArray[] | string {
    try {
      return runOneDevice(source, this.registry, this.inputs, 'wide');
    } catch (error) {
      const missing =
        error instanceof DiagnosticError ? error.diagnostics.find((d) => d.cause === 'unsupported') : undefined;
      if (missing === undefined) throw error;
      return missing.message;
    }
  }

  after(pass: string, module: Module): void {
    this.types(pass, module);
    const text = printTir(module);
    if (text === this.seen) return;
    this.readsBack(pass, text);
    if (this.skipped === undefined) this.numbers(pass, module);
    this.seen = text;
  }

  private types(pass: string, module: Module): void {
    const found = verify(module, this.registry);
    if (found.length > 0)
      throw new DiagnosticError(
        found.map((d): Diagnostic => ({ ...d, cause: 'internal', message: `after ${pass}: ${d.message}` })),
      );
  }

  private readsBack(pass: string, text: string): void {
    let again: string;
    try {
      again = printTir(parseTir({ file: `after ${pass}`, text }, this.registry));
    } catch (error) {
      throw internalError(
        `after ${pass}: the printed program does not parse: ${error instanceof Error ? error.message : String(error)}`,
      );
    }
    if (again === text) return;
    const [a, b] = [text.split('\n'), again.split('\n')];
    const at = a.findIndex((line, i) => line !== b[i]);
    throw internalError(`after ${pass}: the printed program reads back as another one`, {
      expected: a[at] ?? '',
      help: `line ${at + 1} came back as: ${b[at] ?? 'nothing'}`,
    });
  }

  private numbers(pass: string, module: Module): void {
    const got =
      module.level === 'local' || module.level === 'scheduled'
        ? runSpmd(module, this.registry, this.inputs, 'wide', { resultShapes: this.expected.map((e) => e.shape) })
            .results
        : runOneDevice(module, this.registry, this.inputs, 'wide');
    const { first, worst } = compareResults(this.expected, got, TOLERANCE, () =>
      roundingNoise(this.source, this.registry, this.inputs, this.expected),
    );
    if (first === undefined) return;
    throw internalError(
      `after ${pass}: result ${first.result} differs from the program as written at [${first.index.join(', ')}]`,
      {
        expected: `${first.expected} (relative error at most ${TOLERANCE})`,
        help: `got ${first.got}; worst relative error ${worst.toExponential(1)}`,
      },
    );
  }
}
