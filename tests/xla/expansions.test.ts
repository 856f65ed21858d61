/** Ops that the importer reads as others: what they become computes what XLA computes for them. */
import { expect, test } from 'vitest';
import { registry } from '../../ir/ops/index.ts';
import { mainFunction } from '../../ir/program.ts';
import { importStablehlo } from '../../ir/stablehlo/import.ts';
import { compareResults } from '../../runtime-sim/check.ts';
import { makeInputs } from '../../runtime-sim/inputs.ts';
import { runOneDevice } from '../../runtime-sim/interpret.ts';
import { hasXla, runOnXla } from './on-xla.ts';

const X = 'tensor<4x6xf32>';
const V = 'tensor<6xf32>';

/** `%r`: operands %a: 4x6, %b: 6 floats, %u: 4 u32, %i: 2 i32; the result's type stands first. */
const BODIES: Readonly<Record<string, readonly [result: string, body: string]>> = {
  batch_norm_training: [
    X,
    `%r, %m, %v = "stablehlo.batch_norm_training"(%a, %b, %b) <{epsilon = 1.0e-3 : f32, feature_index = 1 : i64}> : (${X}, ${V}, ${V}) -> (${X}, ${V}, ${V})`,
  ],
  batch_norm_grad: [
    X,
    `%w = stablehlo.multiply %b, %b : ${V}
     %r, %s, %o = "stablehlo.batch_norm_grad"(%a, %b, %b, %w, %a) <{epsilon = 1.0e-3 : f32, feature_index = 1 : i64}> : (${X}, ${V}, ${V}, ${V}, ${X}) -> (${X}, ${V}, ${V})`,
  ],
  broadcast: [X, `%r = stablehlo.broadcast %b, sizes = [4] : (${V}) -> ${X}`],
  broadcast_add: [X, `%r = chlo.broadcast_add %a, %b : (${X}, ${V}) -> ${X}`],
  broadcast_compare: [
    'tensor<4x6xi1>',
    `%r = chlo.broadcast_compare %a, %b {comparison_direction = #chlo<comparison_direction LT>} : (${X}, ${V}) -> tensor<4x6xi1>`,
  ],
  composite: [
    X,
    `%r = stablehlo.composite "a.b" %a {composite_attributes = {x = 1 : i32}, decomposition = @impl} : (${X}) -> ${X}`,
  ],
  conj: [
    'tensor<4x6xcomplex<f32>>',
    `%c = stablehlo.complex %a, %a : tensor<4x6xcomplex<f32>>
     %r = chlo.conj %c : tensor<4x6xcomplex<f32>> -> tensor<4x6xcomplex<f32>>`,
  ],
  constant_like: [X, `%r = "chlo.constant_like"(%a) <{value = 2.5 : f32}> : (${X}) -> ${X}`],
  count_leading_zeros: ['tensor<4xui32>', '%r = stablehlo.count_leading_zeros %u : tensor<4xui32>'],
  dynamic_broadcast_in_dim: [
    X,
    `%n = stablehlo.constant dense<[4, 6]> : tensor<2xi32>
     %r = stablehlo.dynamic_broadcast_in_dim %b, %n, dims = [1] : (${V}, tensor<2xi32>) -> ${X}`,
  ],
  dynamic_iota: [
    X,
    `%n = stablehlo.constant dense<[4, 6]> : tensor<2xi32>
     %r = stablehlo.dynamic_iota %n, dim = 1 : (tensor<2xi32>) -> ${X}`,
  ],
  dynamic_pad: [
    'tensor<6x8xf32>',
    `%n = stablehlo.constant dense<1> : tensor<2xi32>
     %z = stablehlo.constant dense<0> : tensor<2xi32>
     %f = stablehlo.constant dense<1.5> : tensor<f32>
     %r = stablehlo.dynamic_pad %a, %f, %n, %n, %z : (${X}, tensor<f32>, tensor<2xi32>, tensor<2xi32>, tensor<2xi32>) -> tensor<6x8xf32>`,
  ],
  dynamic_reshape: [
    'tensor<6x4xf32>',
    `%n = stablehlo.constant dense<[6, 4]> : tensor<2xi32>
     %r = stablehlo.dynamic_reshape %a, %n : (${X}, tensor<2xi32>) -> tensor<6x4xf32>`,
  ],
  einsum: ['tensor<4xf32>', `%r = stablehlo.einsum %a, %b, config = "ij,j->i" : (${X}, ${V}) -> tensor<4xf32>`],
  get_dimension_size: ['tensor<i32>', `%r = stablehlo.get_dimension_size %a, dim = 1 : (${X}) -> tensor<i32>`],
  is_inf: ['tensor<4x6xi1>', `%r = chlo.is_inf %a : ${X} -> tensor<4x6xi1>`],
  map: [
    X,
    `%r = "stablehlo.map"(%a, %a) <{dimensions = array<i64: 0, 1>}> ({
     ^bb0(%x: tensor<f32>, %y: tensor<f32>):
       %two = stablehlo.constant dense<2.0> : tensor<f32>
       %p = stablehlo.multiply %x, %two : tensor<f32>
       %z = stablehlo.add %p, %y : tensor<f32>
       stablehlo.return %z : tensor<f32>
     }) : (${X}, ${X}) -> ${X}`,
  ],
  mulhi: ['tensor<4xui32>', '%r = chlo.mulhi %u, %u : tensor<4xui32>, tensor<4xui32> -> tensor<4xui32>'],
  ragged_rows: [
    'tensor<4x3xf32>',
    `%g = stablehlo.constant dense<[1, 3]> : tensor<2xi32>
     %w = stablehlo.iota dim = 1 : tensor<2x6x3xf32>
     %r = "chlo.ragged_dot"(%a, %w, %g) <{ragged_dot_dimension_numbers = #chlo.ragged_dot<lhs_contracting_dimensions = [1], rhs_contracting_dimensions = [1], lhs_ragged_dimensions = [0], rhs_group_dimensions = [0]>}> : (${X}, tensor<2x6x3xf32>, tensor<2xi32>) -> tensor<4x3xf32>`,
  ],
  real_dynamic_slice: [
    'tensor<2x3xf32>',
    `%s = stablehlo.constant dense<[1, 0]> : tensor<2xi32>
     %l = stablehlo.constant dense<[3, 6]> : tensor<2xi32>
     %n = stablehlo.constant dense<[1, 2]> : tensor<2xi32>
     %r = stablehlo.real_dynamic_slice %a, %s, %l, %n : (${X}, tensor<2xi32>, tensor<2xi32>, tensor<2xi32>) -> tensor<2x3xf32>`,
  ],
  square: [X, `%r = chlo.square %a : ${X} -> ${X}`],
  torch_index_select: [
    'tensor<2x6xf32>',
    `%j = stablehlo.constant dense<[3, 1]> : tensor<2xi32>
     %r = "stablehlo.torch_index_select"(%a, %j) <{batch_dims = 0 : i64, dim = 0 : i64}> : (${X}, tensor<2xi32>) -> tensor<2x6xf32>`,
  ],
  tuple: [
    V,
    `%t = stablehlo.tuple %a, %b : tuple<${X}, ${V}>
     %r = stablehlo.get_tuple_element %t[1] : (tuple<${X}, ${V}>) -> ${V}`,
  ],
  unary_einsum: ['tensor<6x4xf32>', `%r = stablehlo.unary_einsum %a, config = "ij->ji" : (${X}) -> tensor<6x4xf32>`],
};

/** What XLA's CPU does not run itself. */
const NOT_ON_XLA: ReadonlySet<string> = new Set([
  'dynamic_pad',
  'real_dynamic_slice',
  'dynamic_iota',
  'dynamic_broadcast_in_dim',
  'ragged_rows',
  'unary_einsum',
]);

test.skipIf(!hasXla())('expansions equal XLA', { timeout: 120_000 }, () => {
  const programs = Object.entries(BODIES).map(([kind, [result, body]]) => {
    const text = `func.func public @main(%a: ${X}, %b: ${V}, %u: tensor<4xui32>, %i: tensor<2xi32>) -> ${result} {
${body}
  return %r : ${result}
}
func.func private @impl(%a: ${X}) -> ${X} {
  %0 = stablehlo.exponential %a : ${X}
  return %0 : ${X}
}`;
    const module = importStablehlo({ file: `${kind}.mlir`, text });
    const inputs = makeInputs(mainFunction(module), 3, 'true');
    return { kind, text, module, inputs };
  });
  const answers = runOnXla(
    programs.map(({ text, module, inputs }) => ({
      module: text,
      devices: 1,
      inputs,
      results: mainFunction(module).resultTypes,
    })),
  );
  const wrong = programs.flatMap(({ kind, module, inputs }, i) => {
    const answer = answers[i];
    if (typeof answer === 'string' || answer === undefined) return NOT_ON_XLA.has(kind) ? [] : [`${kind}: ${answer}`];
    const { first } = compareResults(runOneDevice(module, registry, inputs, 'true'), answer, 1e-5);
    return first === undefined ? [] : [`${kind}: [${first.index.join()}] is ${first.expected}, XLA has ${first.got}`];
  });
  expect(wrong).toEqual([]);
});

test('ragged_dot takes the matrix of the group that a row falls into', () => {
  const text = `func.func public @main(%l: tensor<4x2xf32>, %w: tensor<2x2x3xf32>) -> tensor<4x3xf32> {
  %g = stablehlo.constant dense<[1, 3]> : tensor<2xi32>
  %r = "chlo.ragged_dot"(%l, %w, %g) <{ragged_dot_dimension_numbers = #chlo.ragged_dot<lhs_contracting_dimensions = [1], rhs_contracting_dimensions = [1], lhs_ragged_dimensions = [0], rhs_group_dimensions = [0]>}> : (tensor<4x2xf32>, tensor<2x2x3xf32>, tensor<2xi32>) -> tensor<4x3xf32>
  return %r : tensor<4x3xf32>
}`;
  const module = importStablehlo({ file: 'ragged.mlir', text });
  const [l, w] = makeInputs(mainFunction(module), 3, 'wide');
  const [made] = runOneDevice(module, registry, [l, w] as never, 'wide');
  const at = (x: typeof l, i: number): number => x?.data[i] as number;
  for (let row = 0; row < 4; row++) {
    const group = row < 1 ? 0 : 1;
    for (let c = 0; c < 3; c++) {
      const want = at(l, row * 2) * at(w, group * 6 + c) + at(l, row * 2 + 1) * at(w, group * 6 + 3 + c);
      expect(made?.data[row * 3 + c]).toBeCloseTo(want, 12);
    }
  }
});
