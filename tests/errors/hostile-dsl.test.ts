/** Damaged models in TypeScript, and calls with absurd values: diagnostics at the user's line, no other error, no hang. */
import { mkdtempSync, readFileSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Script } from 'node:vm';
import { transformSync } from 'esbuild';
import { describe, expect, it } from 'vitest';
import * as shardc from '../../compiler/index.ts';
import { programOf } from '../../compiler/load-typescript.ts';
import { modelMistake } from '../../compiler/model-mistakes.ts';
import { DiagnosticError, render } from '../../ir/diagnostics.ts';
import { Random } from '../../runtime-sim/random.ts';
import { mutated } from './mutations.ts';

const MODELS = ['examples/megatron-mlp.ts', 'examples/ring-attention.ts', 'examples/switch-moe.ts'];
const PER_MODEL = Number(process.env.SHARDC_MUTANTS ?? 30);
const LONGEST_MS = 10_000;
/** Of a model's own code: damage may make a loop endless. */
const RUN_MS = 1000;
const folder = mkdtempSync(join(tmpdir(), 'shardc-hostile-'));

/** The model as `shardc FILE` runs it, but within this process: its one import is the shardc that is tested. */
async function traced(file: string, text: string): Promise<shardc.Module> {
  let namespace: Record<string, unknown>;
  try {
    const { code } = transformSync(text, { loader: 'ts', format: 'cjs', sourcefile: file, sourcemap: 'inline' });
    const run = new Script(`(exports, require, module) => {${code}\n}`, { filename: file }).runInThisContext();
    const module = { exports: {} };
    const load = (name: string): unknown => {
      if (name === 'shardc') return shardc;
      throw new Error(`Cannot find package '${name}' imported from ${file}`);
    };
    Object.assign(globalThis, { hostileRun: () => run(module.exports, load, module) });
    new Script('hostileRun()').runInThisContext({ timeout: RUN_MS });
    namespace = module.exports;
  } catch (error) {
    throw modelMistake(error, file);
  }
  return (await programOf(namespace, file)).module;
}

/** Diagnostics as the user reads them; undefined where the model compiles. */
async function told(file: string, text: string): Promise<string | undefined> {
  writeFileSync(file, text);
  try {
    shardc.compile(await traced(file, text));
    return undefined;
  } catch (error) {
    if (!(error instanceof DiagnosticError)) throw error;
    expect(error.diagnostics.length).toBeGreaterThan(0);
    for (const d of error.diagnostics) expect(d.cause, d.message).not.toBe('internal');
    return error.diagnostics.map((d) => render(d, { file, text })).join('\n');
  }
}

describe(`${PER_MODEL} damaged copies of each model`, () => {
  it.each(MODELS)('%s', { timeout: 300_000 }, async (model) => {
    const good = readFileSync(model, 'utf8');
    expect(await told(join(folder, 'good.ts'), good)).toBeUndefined();
    let [refused, placed] = [0, 0];
    for (let seed = 0; seed < PER_MODEL; seed++) {
      const file = join(folder, `m${seed}.ts`);
      const text = mutated(good, new Random(seed));
      const started = performance.now();
      try {
        const words = await told(file, text);
        refused += Number(words !== undefined);
        placed += Number(words?.includes(`m${seed}.ts:`) === true);
      } catch (error) {
        throw new Error(`mutant ${seed}: ${error instanceof Error ? error.stack : error}\n${text.slice(0, 4000)}`);
      }
      expect(performance.now() - started, `mutant ${seed}`).toBeLessThan(LONGEST_MS);
    }
    expect(refused).toBeGreaterThan(PER_MODEL / 2);
    expect(placed).toBeGreaterThan(refused * 0.8);
  });
});

// As JavaScript sees it: a file is run without a look at its types.
// biome-ignore lint/suspicious/noExplicitAny: absurd values are given on purpose
type Any = any;
const s = shardc as Any;
const mesh = s.mesh({ data: 2 });
const trace = (fn: (x: Any) => unknown): unknown => s.trace(fn, { mesh, args: [s.f32([8, 16], 'data', null)] });

const NUMBERS = [Number.NaN, -1, 2 ** 62, 1.5, Number.POSITIVE_INFINITY];
const WORDS = ['', '__proto__', 'constructor', 'toString'];

/** By name: a call that an absurd number, or word, makes one that means nothing. Each must be refused where it stands. */
const NUMBER_CALLS: Readonly<Record<string, (x: Any, n: number) => unknown>> = {
  topK: (x, n) => s.topK(x, n),
  iota: (_, n) => s.iota([2, 3], n),
  'an extent': (_, n) => s.f32([n]),
  full: (_, n) => s.full([n, 2], 0),
  slice: (x, n) => s.slice(x, [0, 0], [8, n], [1, 1]),
  'the stride of a slice': (x, n) => s.slice(x, [0, 0], [8, 16], [1, n < 0 || n > 1e9 ? 0 : n]),
  dynamicSlice: (x, n) => s.dynamicSlice(x, [0, 0], [2, n]),
  broadcastInDim: (x, n) => s.broadcastInDim(x, [8, 16, n === 2 ** 62 ? n : -1], [0, 1]),
  concatenate: (x, n) => s.concatenate([x, x], n === -1 ? -3 : n),
  pad: (x, n) => s.pad(x, [[n === -1 ? 0.5 : n, 0], null]),
  reduceWindow: (x, n) => s.reduceWindow(x, 'max', { window: [2, 2], strides: [1, n === 2 ** 62 ? 0 : n] }),
  'a mesh axis': (_, n) => s.mesh({ data: n }),
  vmap: (x, n) => s.vmap((y: Any) => y, { inDims: [n === -1 ? -3 : n] })(x),
  grad: (x, n) => s.grad((y: Any) => s.sum(y), { argnums: n })(x),
  dotGeneral: (x, n) => s.dotGeneral(x, x, { lhsContracting: [n], rhsContracting: [n] }),
  'dims twice': (x) => s.dotGeneral(x, x, { lhsContracting: [0, 0], rhsContracting: [0, 0] }),
};
const WORD_CALLS: Readonly<Record<string, (x: Any, word: string) => unknown>> = {
  'an axis of shard': (x, w) => s.shard(x, w === '' ? 'x:(0)0' : w, null),
  'an element type': (x, w) => s.convert(x, w),
  'a type of a product': (x, w) => s.dotGeneral(x, x, { lhsContracting: [0], rhsContracting: [0], dtype: w }),
  'a comparison': (x, w) => s.compare(x, x, w),
  einsum: (x, w) => s.einsum(`bm->${w}z`, x),
  'an op': (x, w) => s.op(w, [x]),
  rng: (_, w) => s.rng(0, 1, [4], w),
  rngBitGenerator: (_, w) => s.rngBitGenerator(s.full([2], 1, 'u64'), [4], { algorithm: w }),
  'a mesh that is none': (_, w) => s.trace((y: Any) => y, { mesh: { [w]: 2 }, args: [s.f32([4])] }),
};

describe('absurd values', () => {
  const refused = (make: () => unknown): void => {
    let error: unknown;
    try {
      make();
    } catch (thrown) {
      error = thrown;
    }
    expect(error).toBeInstanceOf(DiagnosticError);
    expect((error as DiagnosticError).message).toMatch(/hostile-dsl\.test\.ts:\d+/);
    for (const d of (error as DiagnosticError).diagnostics) expect(d.cause).toBe('user');
  };
  it.each(Object.entries(NUMBER_CALLS))('numbers: %s', (_, call) => {
    for (const n of NUMBERS) refused(() => trace((x) => call(x, n) ?? x));
  });
  it.each(Object.entries(WORD_CALLS))('words: %s', (_, call) => {
    for (const word of WORDS) refused(() => trace((x) => call(x, word) ?? x));
  });
});

describe('what a model throws', () => {
  const HEAD = "import { f32, mesh, trace } from 'shardc';\n";
  const REST = ', { mesh: mesh({ x: 2 }), args: [f32([4, 4])] });\n';
  it.each<[string, string, RegExp]>([
    ['what does not parse', `${HEAD}const a = ;\n`, /SH0614.*Unexpected ";"\n {2}--> .*:2:10\n/],
    ['an error', `${HEAD}throw new Error('mine');\n`, /SH0614.*: mine\n {2}--> .*an-error\.ts:\d/],
    ['a text', `${HEAD}throw 'boom';\n`, /SH0614.*it threw 'boom'\n {2}--> .*\.ts$/m],
    ['nothing', 'throw undefined;', /SH0614.*it threw undefined/],
    [
      'what cannot be looked at',
      "throw Object.defineProperty(new Error('x'), 'message', { get() { throw 1; } });",
      /SH0614/,
    ],
    [
      'a call of itself without end',
      `${HEAD}const f = (a: any): any => f(a);\nexport default trace(f${REST}`,
      /SH0614.*call stack/,
    ],
    ['a loop without end', `${HEAD}for (;;);\n`, /SH0614.*timed out/],
    [
      'a value that its type refuses',
      `${HEAD}export default trace((a: any) => a, { args: [f32(3 as any)] });`,
      /SH0105.*\n {2}--> .*:2:/,
    ],
    ['one met deep in shardc', `${HEAD}mesh(null as any);\n`, /SH0617[^\n]*\n {2}--> .*one-met-deep-in-shardc\.ts:\d/],
    ['an export that looks like a program', 'export default { module: 1, registry: {} };', /SH0610/],
    ['an export that throws', "export default new Proxy({}, { has() { throw new Error('mine'); } });", /SH0614.*mine/],
  ])('%s', { timeout: 30_000 }, async (name, text, expected) => {
    expect(await told(join(folder, `${name.replaceAll(' ', '-')}.ts`), text)).toMatch(expected);
  });
});
