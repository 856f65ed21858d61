/**
 * A stream of small numbers that a generator draws its decisions from. fast-check makes and shrinks the stream; past its
 * end every draw is 0, and 0 is always the simplest choice, so that a shorter stream is a smaller program.
 */
export class Choices {
  private readonly stream: readonly number[];
  private next = 0;

  constructor(stream: readonly number[]) {
    this.stream = stream;
  }

  /** 0 … n − 1; 0 where there is nothing below. */
  below(n: number): number {
    return (this.stream[this.next++] ?? 0) % Math.max(1, n);
  }

  /** True `percent` times in a hundred; false at the end of the stream. */
  chance(percent: number): boolean {
    return this.below(100) >= 100 - percent;
  }

  /** One of a list, the first at the end of the stream. */
  of<T>(list: readonly T[]): T {
    const item = list[this.below(list.length)];
    if (item === undefined) throw new Error('nothing to choose from');
    return item;
  }

  /** Some of a list, in its order. */
  some<T>(list: readonly T[], percent = 50): T[] {
    return list.filter(() => this.chance(percent));
  }

  /** The list in another order. */
  shuffled<T>(list: readonly T[]): T[] {
    const rest = [...list];
    const found: T[] = [];
    while (rest.length > 0) found.push(...rest.splice(this.below(rest.length), 1));
    return found;
  }
}
