/**
 * Which values of a traced function reach its results: what gradients and checkpoints wrote down and nobody asked for
 * is left out. Loops and branches are looked into: a carry that nobody reads goes, with what computes it.
 */
import type { Block, Op, ValueId } from '../../ir/program.ts';
import { hasEffect } from './primitives.ts';

export type Live = ReadonlySet<ValueId>;

interface Param {
  readonly op: Op;
  readonly index: number;
}

export function liveValues(body: Block): Live {
  const makers = new Map<ValueId, { op: Op; index: number }>();
  const params = new Map<ValueId, Param>();
  const live = new Set<ValueId>();
  const work: ValueId[] = [];
  const want = (id: ValueId | undefined): void => {
    if (id === undefined || live.has(id)) return;
    live.add(id);
    work.push(id);
  };
  const kept = new Set<Op>();
  const keepWhole = (op: Op): void => {
    if (kept.has(op)) return;
    kept.add(op);
    op.operands.forEach(want);
    op.results.forEach(want);
    for (const region of op.regions) {
      region.params.forEach(want);
      returned(region).forEach(want);
    }
  };
  index(body, makers, params, keepWhole);
  returned(body).forEach(want);
  for (let id = work.pop(); id !== undefined; id = work.pop()) {
    const made = makers.get(id);
    const param = params.get(id);
    if (made !== undefined) wantForResult(made.op, made.index, want, keepWhole);
    else if (param !== undefined) wantForParam(param.op, param.index, want, keepWhole);
  }
  return live;
}

export const returned = (block: Block): readonly ValueId[] => block.ops.at(-1)?.operands ?? [];

/** Every op and region parameter, without recursion; effects are roots. */
function index(
  body: Block,
  makers: Map<ValueId, { op: Op; index: number }>,
  params: Map<ValueId, Param>,
  root: (op: Op) => void,
): void {
  const stack: { block: Block; within: readonly Op[] }[] = [{ block: body, within: [] }];
  for (let next = stack.pop(); next !== undefined; next = stack.pop()) {
    for (const op of next.block.ops) {
      op.results.forEach((r, i) => makers.set(r, { op, index: i }));
      if (hasEffect(op)) [...next.within, op].forEach(root);
      for (const region of op.regions) {
        region.params.forEach((p, i) => params.set(p, { op, index: i }));
        stack.push({ block: region, within: [...next.within, op] });
      }
    }
  }
}

function wantForResult(op: Op, k: number, want: (id: ValueId | undefined) => void, whole: (op: Op) => void): void {
  switch (op.kind) {
    case 'scan': {
      want(returned(op.regions[0] as Block)[k]);
      if (k < (op.attrs.carries as number)) want(op.operands[k]);
      return;
    }
    case 'case':
      want(op.operands[0]);
      for (const branch of op.regions) want(returned(branch)[k]);
      return;
    case 'checkpoint':
    case 'custom_vjp':
    case 'manual_computation':
      want(returned(op.regions[0] as Block)[k]);
      return;
    default:
      whole(op);
  }
}

/** Parameter `k` of a region: for a scan the counter, the carries, the slices. */
function wantForParam(op: Op, k: number, want: (id: ValueId | undefined) => void, whole: (op: Op) => void): void {
  switch (op.kind) {
    case 'scan':
      if (k === 0) return;
      want(op.operands[k - 1]);
      if (k <= (op.attrs.carries as number)) want(returned(op.regions[0] as Block)[k - 1]);
      return;
    case 'checkpoint':
    case 'custom_vjp':
    case 'manual_computation':
      want(op.operands[k]);
      return;
    default:
      whole(op);
  }
}
