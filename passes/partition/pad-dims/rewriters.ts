/** What ops with a meaning tied to their true size become on padded dims. */
import { clampGather, clampSlice, clampUpdate } from './clamped-starts.ts';
import { moveJoined, moveReversed, moveSlice } from './moved-elements.ts';
import { sortTrueElements } from './padded-top-k.ts';
import type { Rewriter } from './site.ts';

export const REWRITERS: Readonly<Record<string, Rewriter>> = {
  concatenate: moveJoined,
  dynamic_slice: clampSlice,
  dynamic_update_slice: clampUpdate,
  gather: clampGather,
  reverse: moveReversed,
  slice: moveSlice,
  top_k: sortTrueElements,
};
