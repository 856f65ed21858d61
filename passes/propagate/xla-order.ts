/**
 * The order in which XLA meets ops: HLO's post-order, each op once what reads it first is due, operands from the first to the
 * last. Who propagates first depends on it, and on the order of uses. For as long as layouts are looked for: `restore` puts
 * ops back where they were written.
 */
import type { EditBlock, EditModule, EditOp, EditValue } from '../../ir/edit.ts';

/** Regions within regions that an op is looked through for what it reads from outside. */
const MOST_DEPTH = 8;

export class XlaOrder {
  private readonly written = new Map<EditBlock, readonly EditOp[]>();

  constructor(program: EditModule) {
    const left = program.functions.map((f) => f.body);
    for (let block = left.pop(); block !== undefined; block = left.pop()) {
      const ops = [...block.ops()];
      this.written.set(block, ops);
      for (const op of ops) left.push(...op.regions);
      order(block, ops);
    }
    for (const op of program.ops('post')) op.relink();
  }

  restore(): void {
    for (const [block, ops] of this.written) for (const op of ops) op.append(block);
  }
}

/** What nothing reads first, then what leads to the terminator. */
function order(block: EditBlock, ops: readonly EditOp[]): void {
  const placed = new Set<EditOp>();
  const end = block.terminator;
  const unread = ops.filter((op) => op !== end && op.results.every((r) => r.useCount === 0));
  for (const root of [...unread, end]) {
    const path = [{ op: root, makers: makersOf(root, block), next: 0 }];
    for (let top = path.at(-1); top !== undefined; top = path.at(-1)) {
      const maker = top.makers[top.next++];
      if (maker !== undefined) {
        if (!placed.has(maker)) path.push({ op: maker, makers: makersOf(maker, block), next: 0 });
        continue;
      }
      path.pop();
      placed.add(top.op);
      top.op.append(block);
    }
  }
}

/** Ops of the block whose results the op reads, itself or in its regions. */
function makersOf(op: EditOp, block: EditBlock): EditOp[] {
  const found: EditOp[] = [];
  const read = (v: EditValue): void => {
    let maker = v.maker;
    for (let up = 0; up < MOST_DEPTH && maker !== undefined && maker.block !== block; up++) maker = maker.parent;
    if (maker !== undefined && maker.block === block && maker !== op) found.push(maker);
  };
  const readWithin = (inside: EditBlock, depth: number): void => {
    for (const inner of inside.ops()) {
      inner.operands.forEach(read);
      if (depth < MOST_DEPTH) for (const region of inner.regions) readWithin(region, depth + 1);
    }
  };
  op.operands.forEach(read);
  for (const region of op.regions) readWithin(region, 1);
  return found;
}
