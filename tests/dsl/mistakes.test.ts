/** What people get wrong: one error each, at their own line, that says what was met and what is expected. */
import { expect, it } from 'vitest';
import * as shardc from '../../compiler/index.ts';

// As JavaScript sees it: types would stop most of these first.
// biome-ignore lint/suspicious/noExplicitAny: mistakes are made on purpose
const s = shardc as any;
// biome-ignore lint/suspicious/noExplicitAny: likewise
type Any = any;
const m = s.mesh({ data: 2, model: 4 });
const [A, B] = [s.f32([8, 16]), s.f32([16, 32])];
const on = (fn: (...args: Any[]) => unknown, ...args: unknown[]): unknown =>
  s.trace(fn, { mesh: m, args: args.length === 0 ? Array(fn.length).fill(A) : args });
const manual = (body: (x: Any) => unknown, inSpec: unknown = ['data', null]): unknown =>
  on((x) => s.shardMap(body, { inSpecs: [inSpec], outSpecs: [['data', null]] })(x));

const cases: Readonly<Record<string, readonly [words: string, make: () => unknown]>> = {
  'einsum: extents that differ': [
    'einsum bm,bm->b of f32[8,16] and f32[16,32]: "b" is 8',
    () => on((x, w) => s.einsum('bm,bm->b', x, w), A, B),
  ],
  'einsum: a letter from nowhere': ['"z" is in the result but in no operand', () => on((x) => s.einsum('bm->bz', x))],
  'einsum: too many letters': ['"bms" names 3 dims, operand 1 has 2', () => on((x) => s.einsum('bms->b', x))],
  'shapes that do not broadcast': ['add of f32[8,16] and f32[16,32]', () => on((x, w) => s.add(x, w), A, B)],
  'matmul the wrong way round': ['rows of 16 meet columns of 8', () => on((x) => s.matmul(x, x))],
  'a dim that is not there': ['dim 2 is not of a tensor of rank 2', () => on((x) => s.sum(x, 2))],
  'an axis that is not there': ['did you mean "data"', () => on((x) => s.shard(x, 'dta', null))],
  'a rule to no axis': [
    'has no axis "dat"',
    () => s.trace((x: Any) => s.shard(x, 'batch', null), { mesh: m, rules: { batch: 'dat' }, args: [A] }),
  ],
  'an axis twice': ['used twice in one layout', () => on((x) => s.shard(x, 'data', 'data'))],
  'a layout of another rank': ['the sharding has 1 dims, the tensor has 2', () => on((x) => s.shard(x, 'data'))],
  'a manual axis in a layout': ['manual in this shardMap', () => manual((x) => s.shard(x, 'data', null))],
  'a layout without a mesh': [
    'a sharding needs a mesh',
    () => s.trace((x: Any) => s.shard(x, null, null), { args: [A] }),
  ],
  'compile without a mesh': ['the program has no mesh', () => s.compile((x: Any) => x, { args: [A] })],
  'another mesh': [
    'is written for mesh { x: 8 }',
    () =>
      on((x) =>
        s.shardMap((a: Any) => a, { mesh: s.mesh({ x: 8 }), inSpecs: [[null, null]], outSpecs: [[null, null]] })(x),
      ),
  ],
  'a collective outside': ['a shardMap around it', () => on((x) => s.psum(x, 'data'))],
  'a permute that sends twice': [
    'uses a place again',
    () =>
      manual((x) =>
        s.ppermute(x, 'data', [
          [0, 1],
          [0, 0],
        ]),
      ),
  ],
  'shards that do not come out even': [
    'does not divide into 2 shards',
    () =>
      on((x) => s.shardMap((a: Any) => a, { inSpecs: [['data', null]], outSpecs: [['data', null]] })(x), s.f32([7, 3])),
  ],
  'a plus sign': ['functions of tensors: add(x, y)', () => on((x) => x + 1)],
  'a comparison sign': ['a number is asked of a Tensor f32[]', () => on((x) => (s.sum(x) > 0 ? x : x))],
  'an index': ['undefined stands where a tensor is needed', () => on((x) => s.add(x[0], 1))],
  'NumPy’s name of a type': ['help: "f32" here', () => on((x) => s.convert(x, 'float32'))],
  'a type without a common one': [
    'have no element type in common',
    () => on((x, y) => s.add(x, y), A, s.spec('f8e4m3fn', [8, 16])),
  ],
  'fewer specs than parameters': ['the function has 2 parameters, args has 1', () => on((x, y) => s.add(x, y), A)],
  'more specs than parameters': ['the function has 1 parameters, args has 2', () => on((x) => x, A, A)],
  'a shape for a spec': ['is no spec', () => on((x) => x, [8, 16])],
  'a result forgotten': ['gives nothing', () => on((x) => void s.add(x, 1))],
  'a gradient of a tensor': ['one scalar float', () => on((x) => s.grad((y: Any) => y)(x))],
  'a gradient by integers': ['which is i32', () => on((x) => s.grad((y: Any) => s.sum(y))(x), s.i32([4]))],
  'a gradient by an argument that is not there': [
    'argnums names argument 1',
    () => on((x) => s.grad((y: Any) => s.sum(y), { argnums: 1 })(x)),
  ],
  'an effect in a gradient': [
    'has an effect',
    () => on((x) => s.grad((y: Any) => [s.sum(y), s.customCall('log', [y], [], 'has_side_effect = true')][0])(x)),
  ],
  'a body that returns no pair': ['[carry, y]', () => on((x) => s.scan((c: Any) => c, x, x))],
  'a body whose ys are left out': ['null for no ys', () => on((x) => s.scan((c: Any) => [c, undefined], x, x))],
  'a carry of another shape': [
    'the carry that the body of a scan returns is f32[]',
    () => on((x) => s.scan((c: Any) => [s.sum(c), null], x, x)),
  ],
  'a scan without a length': ['{ length }', () => on((x) => s.scan((c: Any) => [c, null], x, null))],
  'branches that differ': [
    'every branch gives what the first gives',
    () =>
      on((x) =>
        s.cond(
          s.less(s.sum(x), 0),
          () => x,
          () => s.sum(x),
        ),
      ),
  ],
  'a predicate that is none': [
    'a pred scalar',
    () =>
      on((x) =>
        s.cond(
          s.sum(x),
          () => x,
          () => x,
        ),
      ),
  ],
  'batches that differ': [
    'one extent along the mapped dims',
    () => on((x, w) => s.vmap((a: Any) => s.sum(a), {})(x, w), A, B),
  ],
  'a closure in a customVjp': [
    'that is not its argument',
    () => on((x) => s.customVjp((y: Any) => s.add(x, y), null, null)(x)),
  ],
  'a policy by name': ['checkpointPolicies.', () => on((x) => s.checkpoint((y: Any) => y, { policy: 'dots' })(x))],
  'a state of another optimizer': ['has no step', () => on((x) => s.optim.adam({ learningRate: 1 }).update(x, {}, x))],
  'an op of no registry': ['there is no op "softsign"', () => on((x) => s.op('softsign', [x]))],
  'a key that is none': ['is not a key', () => on((x) => s.random.uniform(x, [3]))],
};

it.each(Object.entries(cases))('%s', (_, [words, make]) => {
  let told: unknown;
  try {
    make();
  } catch (error) {
    told = error;
  }
  expect(told).toBeInstanceOf(s.DiagnosticError);
  const { message, diagnostics } = told as shardc.DiagnosticError;
  expect(message).toContain(words);
  expect(message).toMatch(/mistakes\.test\.ts:\d+/);
  expect(diagnostics).toHaveLength(1);
});
