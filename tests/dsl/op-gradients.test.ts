/** Every op's gradient against finite differences, on the examples of the laws: ⟨cotangent, f(x + hd) − f(x − hd)⟩ / 2h = ⟨gradient, d⟩. */
import { describe, expect, it } from 'vitest';
import { Environment } from '../../compiler/dsl/blocks.ts';
import { Tape } from '../../compiler/dsl/gradient/tape.ts';
import type { TensorArray } from '../../ir/array.ts';
import { DiagnosticError } from '../../ir/diagnostics.ts';
import { registry } from '../../ir/ops/index.ts';
import type { Func, Module, ValueId } from '../../ir/program.ts';
import { TypedBuilder } from '../../ir/typed-build.ts';
import { isComplex, isInexact } from '../../ir/types.ts';
import { runOneDevice } from '../../runtime-sim/interpret.ts';
import { Random } from '../../runtime-sim/random.ts';
import { examples } from '../laws/examples/index.ts';
import { type OpExample, opOf } from '../../compiler/testing/laws/op-example.ts';

/** Ops through which no gradient flows, and why. */
const NONE: Readonly<Record<string, string>> = {
  rng: 'its bounds have none yet',
  custom_call: 'what it computes is not known',
  bessel_i1e: 'its derivative needs bessel_i0e, which is no op of CHLO',
  next_after: 'it is not differentiable',
};
/** Forms of ops that say that they have none. */
const REFUSED = /has a gradient where|has no gradient/;
/** On integers and bits alone. */
const DISCRETE = ['and', 'or', 'xor', 'not', 'popcnt', 'shift_left', 'shift_right_arithmetic', 'shift_right_logical'];
/** Operands whose cotangents are refused, or none. */
const START_VALUES: Readonly<Record<string, (operands: number) => readonly number[]>> = {
  reduce_window: (n) => Array.from({ length: n / 2 }, (_, i) => n / 2 + i),
  select_and_scatter: () => [2],
  polygamma: () => [0],
  zeta: () => [0],
};
/** Where the op is defined, and not steep. */
const away = (x: number): number => 0.6 + Math.abs(x);
const DOMAIN: Readonly<Record<string, (x: number) => number>> = {
  acosh: (x) => 1.5 + Math.abs(x),
  cbrt: away,
  digamma: away,
  divide: away,
  lgamma: away,
  log: away,
  polygamma: (x) => Math.round(1.5 + Math.abs(x)),
  power: away,
  remainder: away,
  rsqrt: away,
  sqrt: away,
  zeta: (x) => 1.5 + Math.abs(x),
};
/** Smaller than the distance of any two numbers of an example, so that no order changes. */
const STEP = 1e-6;

const moduleOf = (func: Func): Module => ({ name: 'gradient', level: 'parsed', meshes: [], functions: [func] });
const run = (func: Func, inputs: readonly TensorArray[]): TensorArray[] =>
  runOneDevice(moduleOf(func), registry, inputs, 'wide');

/** Parameters: the example's, then a cotangent per result. Results: a gradient per active parameter. */
function gradientFunction(example: OpExample): { func: Func; active: readonly number[] } {
  const op = opOf(example);
  const b = new TypedBuilder(registry);
  for (const { type, ...info } of example.func.values) b.value(type, info);
  const type = (id: ValueId) => b.typeOf(id);
  const params = example.func.body.params.map((p) => b.param(type(p)));
  const cotangents = op.results.map((r) => b.param(type(r)));
  const starts = START_VALUES[op.kind]?.(op.operands.length) ?? [];
  const active = example.func.body.params.flatMap((p, i) =>
    isInexact(type(p).dtype) && !starts.includes(i) ? [i] : [],
  );
  const env = new Environment();
  env.setAll(example.func.body.params, params);
  const tape = new Tape(
    b,
    env,
    active.map((i) => example.func.body.params[i] as ValueId),
  );
  tape.record(example.func.body);
  const found = tape.pull(op.results.map((r, i) => [r, isInexact(type(r).dtype) ? cotangents[i] : undefined] as const));
  const results = active.map((i) => {
    const p = example.func.body.params[i] as ValueId;
    return found.get(p) ?? b.splat(0, type(p));
  });
  b.op('return', results, [], {});
  const none = results.map(() => undefined);
  const resultTypes = results.map((r) => b.typeOf(r));
  return {
    func: b.finish({
      name: 'main',
      isPublic: true,
      resultTypes,
      resultLayouts: none,
      paramAttrs: [],
      resultAttrs: none,
    }),
    active,
  };
}

/** Of complex numbers the real part of the product. */
const dot = (a: TensorArray, b: TensorArray): number => {
  let sum = 0;
  for (let i = 0; i < a.data.length; i++) {
    const sign = isComplex(a.dtype) && i % 2 === 1 ? -1 : 1;
    const product = sign * Number(a.data[i]) * Number(b.data[i]);
    if (Number.isFinite(product)) sum += product;
  }
  return sum;
};

function disagreement(example: OpExample): string | undefined {
  const random = new Random(11);
  // No two numbers alike: of equals the gradient is a choice.
  const to = (x: number): number => (DOMAIN[example.kind] ?? ((y) => y))(x + 1e-3 * random.uniform());
  const inputs = example.inputs.map((x) =>
    isInexact(x.dtype) ? { ...x, data: Float64Array.from(x.data as Float64Array, to) } : x,
  );
  const like = (x: TensorArray): TensorArray => ({
    ...x,
    data: Float64Array.from(x.data as Float64Array, () => random.uniform() * 2 - 1),
  });
  const { func, active } = gradientFunction(example);
  const directions = active.map((i) => like(inputs[i] as TensorArray));
  const moved = (by: number): TensorArray[] =>
    run(
      example.func,
      inputs.map((x, i) => {
        const d = directions[active.indexOf(i)];
        return d === undefined
          ? x
          : { ...x, data: Float64Array.from(x.data as Float64Array, (v, j) => v + by * Number(d.data[j])) };
      }),
    );
  const [above, below] = [moved(STEP), moved(-STEP)];
  const cotangents = above.map((r) => (isInexact(r.dtype) ? like(r) : r));
  const slope = above.reduce((sum, r, i) => {
    if (!isInexact(r.dtype)) return sum;
    const ct = cotangents[i] as TensorArray;
    return sum + (dot(ct, r) - dot(ct, below[i] as TensorArray)) / (2 * STEP);
  }, 0);
  const gradients = run(func, [...inputs, ...cotangents]);
  const expected = gradients.reduce((sum, g, i) => sum + dot(g, directions[i] as TensorArray), 0);
  const close = Math.abs(slope - expected) <= 1e-5 * (1 + Math.abs(slope) + Math.abs(expected));
  return close || (!Number.isFinite(slope) && !Number.isFinite(expected))
    ? undefined
    : `slope ${slope}, gradient ${expected}`;
}

/** Only where something smooth goes in and comes out, of a type whose values are as dense as f64's. */
const isSmooth = ({ func, inputs }: OpExample): boolean => {
  const op = func.body.ops[0];
  const types = (ids: readonly ValueId[]) => ids.map((id) => func.values[id]?.type.dtype ?? 'pred');
  return (
    types(op?.operands ?? []).some(isInexact) &&
    types(op?.results ?? []).some(isInexact) &&
    inputs.every((x) => !isInexact(x.dtype) || (x.data as Float64Array).every((v) => !Number.isNaN(v)))
  );
};

describe.each(Object.keys(registry).filter((kind) => !DISCRETE.includes(kind)))('%s', (kind) => {
  const smooth = examples.filter((e) => e.kind === kind && isSmooth(e));
  const gradient = registry[kind]?.gradient;
  it('has a gradient, or a reason', () => {
    if (smooth.length > 0) expect(gradient === undefined).toBe(NONE[kind] !== undefined);
  });
  if (gradient === undefined || smooth.length === 0) return;
  it('agrees with finite differences', () => {
    const wrong = smooth.flatMap((example) => {
      try {
        const found = disagreement(example);
        return found === undefined ? [] : [`${example.name}: ${found}`];
      } catch (error) {
        if (error instanceof DiagnosticError && REFUSED.test(error.message)) return [];
        return [`${example.name}: ${error instanceof Error ? error.message : String(error)}`];
      }
    });
    expect(wrong).toEqual([]);
  });
});
