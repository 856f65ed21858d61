/** The names of a function's values: regions see those around them, and none is defined twice. */
import type { Span, ValueId } from '../program.ts';
import type { AstName } from './ast.ts';
import { type Problems, suggestion } from './problems.ts';

/** Known names that an unknown one is compared with: the last so many. */
const MAX_SUGGESTED = 2000;

export class Scopes {
  private readonly problems: Problems;
  /** Innermost last; null = defined by a broken op. */
  private readonly open: Map<string, ValueId | null>[] = [new Map()];

  constructor(problems: Problems) {
    this.problems = problems;
  }

  /** Names defined in `run` end with it. */
  within<T>(run: () => T): T {
    this.open.push(new Map());
    try {
      return run();
    } finally {
      this.open.pop();
    }
  }

  define(name: AstName, id: ValueId | null): void {
    if (this.open.some((s) => s.has(name.text)))
      this.problems.add(
        'SH0203',
        `%${name.text} is defined twice`,
        name.span,
        'a new name',
        'a value is defined once and does not change',
      );
    this.rebind(name, id);
  }

  /** Gives the value of a name that stood as broken until it was read whole. */
  rebind(name: AstName, id: ValueId | null): void {
    this.open.at(-1)?.set(name.text, id);
  }

  /** The names of an op that could not be read: their uses are no mistakes too. */
  defineBroken(names: readonly AstName[]): void {
    for (const name of names) if (this.open.at(-1)?.has(name.text) !== true) this.define(name, null);
  }

  /** Null = broken before, and told. */
  use(name: string, span: Span): ValueId | null {
    for (let i = this.open.length - 1; i >= 0; i--) {
      const id = this.open[i]?.get(name);
      if (id !== undefined) return id;
    }
    const known = this.open.flatMap((s) => [...s.keys()]);
    return this.problems.fail(
      'SH0201',
      `%${name} is not defined here`,
      span,
      'a value defined above, in this function or an enclosing region',
      suggestion(name, known.slice(-MAX_SUGGESTED)),
    );
  }
}
