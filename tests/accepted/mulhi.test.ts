/** chlo.mulhi of 64-bit integers against BigInt, on numbers that carry. */
import { expect, test } from 'vitest';
import { importStablehlo, registry } from '../../compiler/index.ts';
import { runOneDevice } from '../../runtime-sim/interpret.ts';

const EDGES = [0n, 1n, 2n, 0xffffffffn, 0x100000000n, 0x7fffffffffffffffn, 0x8000000000000000n, 0xfedcba9876543210n];
const pairs = EDGES.flatMap((a) => [...EDGES, 2n ** 64n - 1n].map((b) => [a, b] as const));

test.each(['ui64', 'i64'])('%s', (element) => {
  const read = (x: bigint): bigint => (element === 'i64' ? BigInt.asIntN(64, x) : BigInt.asUintN(64, x));
  const type = `tensor<${pairs.length}x${element}>`;
  const text = `module { func.func public @main(%a: ${type}, %b: ${type}) -> ${type} {
    %r = chlo.mulhi %a, %b : ${type}, ${type} -> ${type}
    return %r : ${type}
  } }`;
  const array = (side: 0 | 1) => {
    const data = (element === 'i64' ? BigInt64Array : BigUint64Array).from(pairs.map((p) => read(p[side])));
    return { dtype: element === 'i64' ? ('i64' as const) : ('u64' as const), shape: [pairs.length], data };
  };
  const [high] = runOneDevice(importStablehlo({ file: 'mulhi.mlir', text }), registry, [array(0), array(1)], 'true');
  expect(Array.from(high?.data as BigInt64Array)).toEqual(pairs.map(([a, b]) => read((read(a) * read(b)) >> 64n)));
});
