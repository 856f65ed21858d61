/**
 * Forms of StableHLO beyond plain tensor ops, a file each in forms/: what XLA's partitioner says of it, and what shardc makes
 * of it. Each file says both in its first lines; docs/accepted.md is written from them (`BLESS=1`).
 *
 *   // form: infeed, a tile per device (GSPMD)
 *   // XLA: takes                         or `refuses: WORDS`, or `partitions; its CPU backend has no …`
 *   // shardc: the same numbers           or `the same data …`, `takes…`, `refuses: WORDS`
 */
import { execFileSync } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { beforeAll, describe, expect, it, test } from 'vitest';
import {
  type Compiled,
  compile,
  DiagnosticError,
  exportSdy,
  exportStablehlo,
  importStablehlo,
  mainFunction,
  type Module,
  registry,
  runCheck,
  walkOps,
} from '../../compiler/index.ts';
import { EachPassVerifier } from '../../compiler/verify-each.ts';
import type { DimSharding, Layout } from '../../ir/layout.ts';
import { checkEquivalence } from '../../runtime-sim/check.ts';
import { hasXla } from '../xla/on-xla.ts';

const FOLDER = join(import.meta.dirname, 'forms');

interface Form {
  readonly file: string;
  readonly text: string;
  readonly form: string;
  readonly xla: string;
  readonly shardc: string;
}

const forms: readonly Form[] = readdirSync(FOLDER)
  .sort()
  .map((file) => {
    const text = readFileSync(join(FOLDER, file), 'utf8');
    const line = (key: string): string => new RegExp(`^// ${key}: (.*)$`, 'm').exec(text)?.[1] ?? '';
    return { file, text, form: line('form'), xla: line('XLA'), shardc: line('shardc') };
  });

const refused = (said: string): string | undefined => /^refuses: (.*)$/.exec(said)?.[1];
const isCompared = ({ shardc }: Form): boolean => shardc.startsWith('the same');
const load = ({ file, text }: Form): Module => importStablehlo({ file, text });

describe('shardc', () => {
  const taken = forms.filter((f) => refused(f.shardc) === undefined);

  it.each(taken.filter(isCompared))('$file: text and numbers after every pass', (form) => {
    const source = load(form);
    const verifier = new EachPassVerifier(source, registry, 1);
    expect(verifier.skipped).toBeUndefined();
    const compiled = compile(source, { onPass: (pass, module) => verifier.after(pass.name, module) });
    expect(runCheck(compiled, 'full', 2).verdict).toBe('ok');
  });

  it.each(taken.filter((f) => !isCompared(f)))('$file: compiles', (form) => {
    expect(compile(load(form)).module.level).toBe('local');
  });

  it.each(taken.filter((f) => f.shardc.includes('only the device')))('$file: the others skip the call', (form) => {
    const { source, module } = compile(load(form));
    expect(exportStablehlo(source, module)).toMatch(/"stablehlo\.if"[\s\S]*custom_call @\w*callback[\s\S]*\}, \{/);
  });

  it.each(taken)('$file: printed with its layouts it says as before which devices act', (form) => {
    const { propagated } = compile(load(form), { stopAfter: 'propagate' });
    const devices = (module: Module): unknown[] =>
      [...walkOps(mainFunction(module).body)].flatMap((op) => (op.attrs.device === undefined ? [] : [op.attrs.device]));
    const again = importStablehlo({ file: form.file, text: exportSdy(propagated as Module) });
    expect(devices(again)).toEqual(devices(propagated as Module));
  });

  it('what is fed out is compared: one outfeed less on the mesh is a difference', () => {
    const { whole, module } = compile(load(forms.find((f) => f.file === 'outfeed_tiled.mlir') as Form));
    const check = (local: Module): string => checkEquivalence({ whole, local, registry, seed: 1 }).verdict;
    const main = mainFunction(module);
    const ops = main.body.ops.map((op) =>
      op.kind === 'outfeed' ? { ...op, kind: 'after_all', operands: [], attrs: {} } : op,
    );
    expect(check(module)).toBe('ok');
    expect(check({ ...module, functions: [{ ...main, body: { ...main.body, ops } }] })).toBe('failed');
  });

  it('the mesh gets what one device gets: another part of what is fed is a difference', () => {
    const { whole, module } = compile(load(forms.find((f) => f.file === 'infeed_tiled.mlir') as Form));
    const main = mainFunction(module);
    const turned = main.body.ops.map((op) =>
      op.kind === 'infeed' ? { ...op, attrs: { ...op.attrs, layouts: [elsewhere(op.attrs.layouts as Layout[])] } } : op,
    );
    const local = { ...module, functions: [{ ...main, body: { ...main.body, ops: turned } }] };
    expect(checkEquivalence({ whole, local, registry, seed: 1 }).verdict).toBe('failed');
  });

  it.each(forms.filter((f) => refused(f.shardc) !== undefined))('$file: $shardc', (form) => {
    const run = (): Compiled => compile(load(form));
    expect(run).toThrow(DiagnosticError);
    expect(run).toThrow(refused(form.shardc));
  });
});

/** The same shards on other devices: the axes of the first dim the other way round. */
const elsewhere = ([layout]: readonly Layout[]): Layout => {
  const [first, ...rest] = (layout as Layout).dims;
  return {
    ...(layout as Layout),
    dims: [{ ...(first as DimSharding), axes: [...(first?.axes ?? [])].reverse() }, ...rest],
  };
};

interface OnXla {
  readonly original: string;
  readonly emitted?: string;
  readonly error?: number;
}

describe.skipIf(!hasXla())('XLA', () => {
  let answers: readonly OnXla[] = [];
  beforeAll(() => {
    answers = onXla();
  }, 300_000);

  it.each(forms.map((form, i) => ({ ...form, i })))('$file: $xla', (form) => {
    const { original, emitted, error } = answers[form.i] as OnXla;
    const said = refused(form.xla);
    const backend = /has no `([\w-]+)`/.exec(form.xla)?.[1];
    if (said !== undefined) expect(original).toContain(said);
    else if (backend !== undefined) expect(original).toContain(`HLO opcode \`${backend}\` is not supported by XLA:CPU`);
    else expect(original).toBe('ok');
    if (emitted === undefined) return expect(refused(form.shardc)).toBeDefined();
    if (backend === undefined || form.shardc.startsWith('takes')) expect(emitted).toBe('ok');
    else expect(emitted).toContain(`HLO opcode \`${backend}\` is not supported by XLA:CPU`);
    if (form.shardc === 'the same numbers') expect(error).toBeLessThan(2e-5);
    return undefined;
  });
});

/** One Python process for all. */
function onXla(): OnXla[] {
  const folder = mkdtempSync(join(tmpdir(), 'shardc-'));
  const args = forms.flatMap((form) => {
    if (refused(form.shardc) !== undefined) return [join(FOLDER, form.file), '-'];
    const { source, module } = compile(load(form));
    const emitted = join(folder, form.file);
    writeFileSync(emitted, exportStablehlo(source, module));
    const pair = [join(FOLDER, form.file), emitted];
    return form.shardc === 'the same numbers' ? ['--numbers', ...pair] : pair;
  });
  const python = join(import.meta.dirname, '../../.venv/bin/python');
  const script = join(import.meta.dirname, '../xla/accept.py');
  const text = execFileSync(python, [script, ...args], { encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] });
  return text
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as OnXla);
}

test('docs/accepted.md is what the forms say', () => {
  const cell = (text: string): string => text.replaceAll('|', '\\|');
  const table = [
    '# What is accepted',
    '',
    'Programs that XLA’s partitioner takes are taken, but for three forms below: arguments and results whose size only the run',
    'knows, and the generator state of `mhlo.xla.rng_get_and_update_state`. Plain tensor ops, collectives and control flow are in',
    '[the ops](ops.md); these are the other forms, each a file in `tests/accepted/forms/`, run by `npx vitest run tests/accepted`',
    'on shardc and on XLA (jaxlib 0.10.2, 8 CPU devices); the table is written from them (`BLESS=1`). What XLA refuses is quoted.',
    '',
    '- *the same numbers*: the emitted program gives XLA’s, and each pass keeps them in the simulator',
    '- *the same data in and out*: what outfeed and send give, fed from a seed, is compared like a result; XLA compiles the rest',
    '- *takes*: compiles here and, emitted, on XLA',
    '',
    '| form | XLA | shardc |',
    '| --- | --- | --- |',
    ...forms.map(({ form, xla, shardc }) => `| ${cell(form)} | ${cell(xla)} | ${cell(shardc)} |`),
    '',
    '## How they are read',
    '- Infeed is fed by each device’s own host, in the layout that the op is annotated with, else the propagated one (as at an',
    '  argument): a device’s queue holds its shards. Outfeed likewise. On one device (`maximal`) that one is fed, and its data is',
    '  sent to all; what it feeds out is gathered first. `passes/partition/on-devices.ts` writes them as manual computations.',
    '- Calls with effects that name a device (JAX’s callbacks) run on that device alone, as often as by XLA',
    '  (`tests/accepted/callbacks.test.ts` counts). Calls without effects run on all.',
    '- A send and a recv between devices, with pairs, are one collective_permute.',
    '- Sizes are worked out from constants and dims where XLA does so. A dim with a bound is read at its bound; an op that would',
    '  see what is beyond the size gets it overwritten (`ir/stablehlo/import/bounded.ts`). Arguments and results keep sizes that',
    '  are known before the run: the emitted program is compiled under Shardy, which has no others.',
    '- Collectives outside of a manual computation act on whole operands; a result that differs between devices is an error of',
    '  the run.',
    '- Under Shardy, XLA drops the sharding that an infeed is annotated with; shardc keeps it.',
    '- An all_to_all of several operands is one each, as StableHLO says; XLA sends operand i to device i of the group.',
    '- Tuples are the list of their values, in signatures too.',
    '',
  ].join('\n');
  if (process.env.BLESS === '1') writeFileSync('docs/accepted.md', table);
  expect(readFileSync('docs/accepted.md', 'utf8')).toBe(table);
});
