/** Every op sharded by each of its factors, as emitted, on XLA: many one-op programs as one program. */
import { expect, test } from 'vitest';
import { allocate, type TensorArray } from '../../ir/array.ts';
import { deviceCount, type Mesh } from '../../ir/mesh.ts';
import { haloOfFactor, splitRule } from '../../ir/op.ts';
import { registry } from '../../ir/ops/index.ts';
import { type Block, type Func, mainFunction, type Module, type Op, type ValueId } from '../../ir/program.ts';
import { exportStablehlo } from '../../ir/stablehlo/export.ts';
import { typeText, widthOf } from '../../ir/types.ts';
import { localize } from '../../passes/partition/localize.ts';
import { compareResults } from '../../runtime-sim/check.ts';
import { runOneDevice } from '../../runtime-sim/interpret.ts';
import { cases, MESHES } from '../../compiler/testing/laws/assignments.ts';
import { examples } from '../laws/examples/index.ts';
import { moduleOf, partitioned } from '../../compiler/testing/laws/one-op-module.ts';
import { type OpExample, viewOf } from '../../compiler/testing/laws/op-example.ts';
import { hasXla, runOnXla } from './on-xla.ts';

const MESH = MESHES[0] as Mesh;
/** Elementwise ops are all localized alike; these stand for them. */
const ELEMENTWISE_TOO: ReadonlySet<string> = new Set(['add', 'complex', 'convert', 'select', 'erf', 'next_after']);
/** XLA draws its own numbers; calls need their library's layouts; tokens do not leave a program. */
const LEFT_OUT: ReadonlySet<string> = new Set(['rng', 'custom_call', 'after_all']);
const PER_KIND = 4;
const GROUP = 40;

interface Program {
  readonly name: string;
  readonly example: OpExample;
  readonly whole: Module;
  readonly local: Module;
}

test.skipIf(!hasXla())('every op, sharded by each factor, equals one device on XLA', { timeout: 600_000 }, () => {
  const programs = examplesPerKind().flatMap(programsOf);
  const groups = Array.from({ length: Math.ceil(programs.length / GROUP) }, (_, i) =>
    programs.slice(i * GROUP, (i + 1) * GROUP),
  );
  const answers = runOnXla(
    groups.map((group) => {
      const [whole, local] = [merged(group.map((p) => p.whole)), merged(group.map((p) => p.local))];
      return {
        module: exportStablehlo(whole, local),
        devices: deviceCount(MESH),
        inputs: group.flatMap((p) => p.example.inputs.map(inTrue)),
        results: mainFunction(whole).resultTypes,
      };
    }),
  );
  const wrong = groups.flatMap((group, g) => {
    const answer = answers[g];
    if (typeof answer === 'string' || answer === undefined)
      return [`${group.map((p) => p.name).join('; ')}: ${answer}`];
    let next = 0;
    return group.flatMap(({ name, example }) => {
      const want = runOneDevice(moduleOf(example), registry, example.inputs.map(inTrue), 'true');
      const got = want.map(() => answer[next++] as TensorArray);
      const { first } = compareResults(want, got, example.name.includes('f16') ? 2e-2 : 1e-4);
      return first === undefined
        ? []
        : [`${name}: [${first.index.join()}] is ${first.got}, on one device ${first.expected}`];
    });
  });
  expect(wrong).toEqual([]);
});

function examplesPerKind(): OpExample[] {
  const taken = new Map<string, number>();
  const elementwise = (kind: string): boolean => registry[kind]?.factors === registry.add?.factors;
  return examples.filter(({ kind, name, options }) => {
    const n = taken.get(kind) ?? 0;
    const plain = options.noPartials === undefined && !/\b(f8|i4|u4|i2|u2|f4)/.test(name) && !name.includes('[0,');
    if (LEFT_OUT.has(kind) || !plain || n >= PER_KIND || (elementwise(kind) && !ELEMENTWISE_TOO.has(kind)))
      return false;
    taken.set(kind, n + 1);
    return true;
  });
}

/** One per factor that can be split, over both axes or one. */
function programsOf(example: OpExample): Program[] {
  const def = registry[example.kind];
  const view = viewOf(example);
  if (def === undefined) return [];
  const rule = splitRule(def, view);
  const monoid = def.combiner?.(view) ?? null;
  const may = (f: number): boolean =>
    haloOfFactor(def, view, rule, f, 1) !== null && (rule.factors[f]?.kind !== 'reduce' || monoid !== null);
  const seen = new Set<number>();
  return cases(rule, view, may).flatMap((c) => {
    const [factor, ...more] = c.factors;
    if (c.mesh !== MESH || factor === undefined || more.length > 0 || seen.has(factor)) return [];
    const whole = partitioned(example, rule, monoid ?? 'sum', c.assignment, MESH);
    try {
      const local = localize(whole, registry);
      seen.add(factor);
      return [{ name: `${example.kind} ${example.name} ${c.where}`, example, whole, local }];
    } catch {
      return []; // Refused: the laws say where.
    }
  });
}

/** Functions side by side as one: all parameters, all ops, all results. */
function merged(modules: readonly Module[]): Module {
  const functions = modules.map(mainFunction);
  let base = 0;
  const parts = functions.map((f) => {
    const by = base;
    base += f.values.length;
    return { f, body: shifted(f.body, by) };
  });
  const returned = parts.flatMap(({ body }) => body.ops.at(-1)?.operands ?? []);
  const end: Op = { kind: 'return', operands: returned, results: [], attrs: {}, regions: [], origin: {} };
  const func: Func = {
    name: 'main',
    isPublic: true,
    values: functions.flatMap((f) => [...f.values]),
    body: {
      params: parts.flatMap(({ body }) => [...body.params]),
      ops: [...parts.flatMap(({ body }) => body.ops.slice(0, -1)), end],
    },
    resultTypes: functions.flatMap((f) => [...f.resultTypes]),
    resultLayouts: functions.flatMap((f) => [...f.resultLayouts]),
    paramAttrs: functions.flatMap((f) => [...f.paramAttrs]),
    resultAttrs: functions.flatMap((f) => [...f.resultAttrs]),
  };
  return { ...(modules[0] as Module), functions: [func] };
}

function shifted(block: Block, by: number): Block {
  const move = (ids: readonly ValueId[]): ValueId[] => ids.map((v) => (v + by) as ValueId);
  return {
    params: move(block.params),
    ops: block.ops.map((op) => ({
      ...op,
      operands: move(op.operands),
      results: move(op.results),
      regions: op.regions.map((r) => shifted(r, by)),
    })),
  };
}

function inTrue(x: TensorArray): TensorArray {
  const data = allocate(x.dtype, x.data.length / widthOf(x.dtype), 'true');
  for (let i = 0; i < data.length; i++) (data as Float64Array)[i] = x.data[i] as number;
  if (data.length !== x.data.length) throw new Error(`of another size: ${typeText(x as never)}`);
  return { ...x, data };
}
