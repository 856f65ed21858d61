/** How many ops a run goes through, loops by their trips: what its progress is measured by. */
import { type Block, mainFunction, type Module } from '../ir/program.ts';

/** Hears of every op that is done. */
export type OnStep = () => void;

export function stepsOf(module: Module): number {
  let steps = 0;
  const todo: { block: Block; times: number }[] = [{ block: mainFunction(module).body, times: 1 }];
  for (let next = todo.pop(); next !== undefined; next = todo.pop()) {
    steps += next.times * next.block.ops.length;
    for (const op of next.block.ops) {
      const trips = op.kind === 'while' ? ((op.attrs.trip_count as number | undefined) ?? 1) : 1;
      if (op.kind === 'while' || op.kind === 'case' || op.kind === 'manual_computation')
        for (const block of op.regions) todo.push({ block, times: next.times * trips });
    }
  }
  return steps;
}
