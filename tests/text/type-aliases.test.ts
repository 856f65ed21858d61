/** `!name = type` is read as the type itself. */
import { expect, it } from 'vitest';
import { DiagnosticError, importStablehlo, printTir } from '../../compiler/index.ts';

const f = (head: string, type: string): string => `${head}
module @m {
  func.func public @main(%a: tensor<2xf32>) -> tensor<2xf32> {
    %0 = call @f(%a) : (tensor<2xf32>) -> ${type}
    %1 = stablehlo.get_tuple_element %0[0] : (${type}) -> tensor<2xf32>
    return %1 : tensor<2xf32>
  }
  func.func private @f(%a: tensor<2xf32>) -> ${type} {
    %0 = stablehlo.tuple %a, %a : ${type}
    return %0 : ${type}
  }
}`;
const load = (text: string): string =>
  printTir({ ...importStablehlo({ file: 'f.mlir', text }), source: undefined as never });

it('names of types, and names of those', () => {
  const plain = load(f('', 'tuple<tensor<2xf32>, tensor<2xf32>>'));
  expect(load(f('!t = tuple<tensor<2xf32>, tensor<2xf32>>', '!t'))).toBe(plain);
  expect(load(f('!x = tensor<2xf32>\n!t = tuple<!x, !x>\n!u = !t', '!u'))).toBe(plain);
});

it('names that stand for more than any program holds are refused', () => {
  const doubled = Array.from({ length: 40 }, (_, i) => `!t${i + 1} = tuple<!t${i}, !t${i}>`);
  const bomb = ['!t0 = tensor<2xf32>', ...doubled].join('\n');
  expect(() => load(f(bomb, '!t40'))).toThrow(DiagnosticError);
});
