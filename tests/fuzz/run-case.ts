/** One case of the fuzzer: the program at every level against one device, and what kind of case it was. */
import fc from 'fast-check';
import { compile } from '../../compiler/compile.ts';
import { minimize } from '../../compiler/testing/minimize.ts';
import { EachPassVerifier } from '../../compiler/verify-each.ts';
import { DiagnosticError } from '../../ir/diagnostics.ts';
import { type Layout, isEven } from '../../ir/layout.ts';
import type { Registry } from '../../ir/op.ts';
import { registry as standard } from '../../ir/ops/index.ts';
import { isCollective, mainFunction, type Module, walkOps } from '../../ir/program.ts';
import { randomProgram } from './program.ts';

/** What programs are made of; see choices.ts. */
export const STREAMS = fc.array(fc.nat(0xffff), { minLength: 40, maxLength: 160, size: 'max' });

const INPUT_SEED = 1;

export interface Outcome {
  readonly module: Module;
  /** The per-device program has a collective. */
  readonly communicates: boolean;
  /** A dim does not divide by the axes that were asked for it. */
  readonly uneven: boolean;
  /** Named by the compiler as not supported. */
  readonly refused?: string;
  /** What went wrong; undefined = one device and the mesh agree at every level. */
  readonly failure?: string;
}

/** `registry`: the compiler's; the meaning of the program is always the standard one's. */
export const runCase = (stream: readonly number[], registry: Registry = standard): Outcome =>
  runProgram(randomProgram(stream), registry);

export function runProgram(module: Module, registry: Registry = standard): Outcome {
  let communicates = false;
  let failure: string | undefined;
  let refused: string | undefined;
  try {
    const verifier = new EachPassVerifier(module, standard, INPUT_SEED);
    verifier.after('parse', module);
    const { module: local } = compile(module, { registry, onPass: (pass, made) => verifier.after(pass.name, made) });
    communicates = [...walkOps(mainFunction(local).body)].some(isCollective);
  } catch (error) {
    refused = unsupportedIn(error);
    failure = refused === undefined ? textOf(error) : undefined;
  }
  const asked = { communicates, uneven: isUneven(module), module };
  return { ...asked, ...(failure === undefined ? {} : { failure }), ...(refused === undefined ? {} : { refused }) };
}

/** A smaller program that fails in the same way: the smallest that is found within this time. */
export function smallest({ module, failure }: Outcome, milliseconds = 120_000): Module {
  const kind = failureKind(failure ?? '');
  const end = performance.now() + milliseconds;
  return minimize(
    module,
    (candidate) => performance.now() < end && failureKind(runProgram(candidate).failure ?? '') === kind,
  );
}

/** The failure without its numbers. */
export const failureKind = (failure: string): string =>
  failure
    .slice(0, 160)
    .replace(/ at \[[^\]]*\]/, '')
    .replace(/\d[\d.e+-]*/g, '#');

function isUneven(module: Module): boolean {
  const asked = module.functions.flatMap((func) => [
    ...func.values.map((v) => [v.type, v.layout] as const),
    ...func.resultTypes.map((t, i) => [t, func.resultLayouts[i]] as const),
  ]);
  return asked.some(([type, layout]) => layout !== undefined && !isEven(type.shape, layout as Layout));
}

function unsupportedIn(error: unknown): string | undefined {
  if (!(error instanceof DiagnosticError)) return undefined;
  return error.diagnostics.find((d) => d.cause === 'unsupported')?.message;
}

function textOf(error: unknown): string {
  if (error instanceof DiagnosticError) return error.diagnostics.map((d) => `${d.code}: ${d.message}`).join('; ');
  return error instanceof Error ? (error.stack ?? error.message).split('\n').slice(0, 4).join('\n') : String(error);
}
