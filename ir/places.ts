/** Where in the source an op or value comes from: the user's own file and line where they are known. */
import type { Origin, SourceText } from './program.ts';

/** Places of origins as `file:line`; one per module, for lines are found by a table. */
export class Places {
  private readonly source: SourceText | undefined;
  private starts: number[] | undefined;

  constructor(source: SourceText | undefined) {
    this.source = source;
  }

  /** Empty where nothing leads back to the source. */
  of(origin: Origin | undefined): string {
    const at = rooted(origin);
    if (at?.user !== undefined) return `${at.user.file}:${at.user.line}`;
    if (at?.span === undefined || this.source === undefined) return '';
    return `${this.source.file}:${this.lineOf(at.span.start, this.source.text)}`;
  }

  private lineOf(offset: number, text: string): number {
    this.starts ??= lineStarts(text);
    let [low, high] = [0, this.starts.length];
    while (low < high) {
      const middle = (low + high) >> 1;
      if ((this.starts[middle] as number) <= offset) low = middle + 1;
      else high = middle;
    }
    return low;
  }
}

/** The nearest origin that says where it is: breadth first, over what the op was made from. */
function rooted(origin: Origin | undefined): Origin | undefined {
  const queue = origin === undefined ? [] : [origin];
  for (let i = 0; i < queue.length && i < MAX_STEPS; i++) {
    const at = queue[i] as Origin;
    if (at.user !== undefined || at.span !== undefined) return at;
    queue.push(...(at.from ?? []));
  }
  return undefined;
}

const MAX_STEPS = 64;

function lineStarts(text: string): number[] {
  const starts = [0];
  for (let at = text.indexOf('\n'); at >= 0; at = text.indexOf('\n', at + 1)) starts.push(at + 1);
  return starts;
}
