/**
 * Neighbours' borders that are at hand: two ops that need the same elements of one value fetch them once, as a
 * convolution does and the gradient of its kernel.
 */
import type { ValueId } from '../../../ir/program.ts';

export class Borders {
  /** Of the blocks around, the innermost last: what one of them holds is there in those inside it. */
  private readonly blocks: Map<string, ValueId>[] = [];

  within(fill: () => void): void {
    this.blocks.push(new Map());
    fill();
    this.blocks.pop();
  }

  of(key: string, fetch: () => ValueId): ValueId {
    const known = this.blocks.findLast((b) => b.has(key))?.get(key);
    if (known !== undefined) return known;
    const made = fetch();
    this.blocks.at(-1)?.set(key, made);
    return made;
  }
}
