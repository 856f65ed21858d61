/** Every op of a program in the order of time, with when it begins: loops and branches once, as their first trip. */
import type { Block, Op } from '../../ir/program.ts';
import type { Timeline } from '../timeline/timeline.ts';

export interface Occurrence {
  readonly op: Op;
  readonly block: Block;
  /** Seconds from the start of the step to the start of the op, and of its block. */
  readonly start: number;
  readonly base: number;
  /** How often it runs in a step. */
  readonly times: number;
  readonly depth: number;
}

/** Ops of reducers are part of the op that calls them. */
export function* occurrences(body: Block, timeline: Timeline): Generator<Occurrence> {
  const stack: { block: Block; base: number; next: number; depth: number }[] = [
    { block: body, base: 0, next: 0, depth: 0 },
  ];
  for (let top = stack.at(-1); top !== undefined; top = stack.at(-1)) {
    const { block, base, depth } = top;
    const op = block.ops[top.next++];
    if (op === undefined) {
      stack.pop();
      continue;
    }
    const start = base + (timeline.blocks.get(block)?.starts.get(op) ?? 0);
    yield { op, block, start, base, times: timeline.times.get(block) ?? 0, depth };
    const inner = op.regions.filter((r) => timeline.blocks.has(r));
    let at = start + inner.reduce((n, r) => n + (timeline.blocks.get(r)?.seconds ?? 0), 0);
    for (const region of inner.toReversed()) {
      at -= timeline.blocks.get(region)?.seconds ?? 0;
      stack.push({ block: region, base: op.kind === 'case' ? start : at, next: 0, depth: depth + 1 });
    }
  }
}
