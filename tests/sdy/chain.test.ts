/** Propagation visits the ops of a chain about as often as there are of them, however long it is. */
import { expect, it } from 'vitest';
import { edit } from '../../ir/edit-convert.ts';
import { registry } from '../../ir/ops/index.ts';
import { importStablehlo } from '../../ir/stablehlo/import.ts';
import { aggressive } from '../../passes/propagate/aggressive.ts';
import { NoCauses } from '../../passes/propagate/causes.ts';
import { Driver } from '../../passes/propagate/fixed-point.ts';
import { Graph } from '../../passes/propagate/graph.ts';
import type { Strategy } from '../../passes/propagate/strategy.ts';
import { userPriority } from '../../passes/propagate/user-priority.ts';
import { chain } from '../bench/chain.ts';

function steps(length: number): number {
  let count = 0;
  const counted: Strategy = (...given) => {
    count++;
    return aggressive(...given);
  };
  const module = edit(importStablehlo({ file: 'chain.mlir', text: chain(length) }, { asWritten: true }));
  userPriority(new Driver(new Graph(module, registry), new NoCauses()), counted);
  return count;
}

it('a chain four times as long takes four times the steps', () => {
  const [short, long] = [steps(1000), steps(4000)];
  expect(short).toBeGreaterThan(1000);
  expect(long / short).toBeLessThan(4.1);
});
