/** What the reading of one function knows of its file. */
import type { Registry } from '../op.ts';
import type { Level } from '../program.ts';
import type { TensorType } from '../types.ts';
import type { LayoutReader } from './layouts.ts';
import type { Problems } from './problems.ts';

/** What a call needs to know of a function. */
export interface Signature {
  readonly params: readonly TensorType[];
  readonly results: readonly TensorType[] | undefined;
}

export interface Context {
  readonly registry: Registry;
  readonly problems: Problems;
  readonly layouts: LayoutReader;
  readonly level: Level;
  readonly signatures: Map<string, Signature>;
}
