/** Constants as hex bytes: of all elements, or truth values as bits. */
import { expect, it } from 'vitest';
import { importStablehlo, mainFunction, type Op } from '../../compiler/index.ts';

function elements(blob: string, type: string): number[] {
  const text = `func.func public @main() -> ${type} {
  %c = stablehlo.constant dense<"${blob}"> : ${type}
  return %c : ${type}
}`;
  const [constant] = mainFunction(importStablehlo({ file: 'f.mlir', text })).body.ops as [Op, ...Op[]];
  const { data } = constant.attrs.value as { data: ArrayLike<number> };
  return Array.from(data);
}

it('truth values a byte each, or a bit each from the lowest on', () => {
  const bits = [1, 0, 1, 1, 0, 0, 0, 1, 0, 1];
  expect(elements(`0x${bits.map((b) => `0${b}`).join('')}`, 'tensor<2x5xi1>')).toEqual(bits);
  expect(elements('0x8D02', 'tensor<2x5xi1>')).toEqual(bits);
});

it('one element for all', () => {
  expect(elements('0x0000803F', 'tensor<3xf32>')).toEqual([1]);
});

it.each([
  ['0x0000803F0000803F', 'tensor<3xf32>', 'f32[3]'],
  ['0x8D0201', 'tensor<10xi1>', 'pred[10]'],
  ['0x0102', 'tensor<4xi8>', 'i8[4]'],
])('%s is no %s', (blob, type, named) => {
  expect(() => elements(blob, type)).toThrow(`is no ${named}`);
});
