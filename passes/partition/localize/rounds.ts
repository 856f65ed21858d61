/**
 * A window put together in rounds (ir/halo-rounds.ts): each device cuts out what one other needs, and writes what it gets
 * where the window has it.
 *
 *   %p = dynamic_slice %x, from[i]  :  8 elements
 *   %q = device_permute %p                                  // zeros where nothing comes
 *   %w = dynamic_update_slice %w, %q, place[i]              // in front of the window, where nothing comes
 */
import { type AffineWindow, windowStart } from '../../../ir/halo.ts';
import type { Round, Rounds } from '../../../ir/halo-rounds.ts';
import type { ValueId } from '../../../ir/program.ts';
import { tensor } from '../../../ir/types.ts';
import { cutAt, ofShard, part, resized } from './parts.ts';
import type { Emitter, ShardedDim } from './localizer.ts';

/** Zeros where the window leaves the dim. */
export function windowInRounds(
  emit: Emitter,
  value: ValueId,
  at: ShardedDim,
  window: AffineWindow,
  { own, rounds }: Rounds,
): ValueId {
  const { dim, axes } = at;
  const type = emit.typeOf(value);
  const extent = type.shape[dim] as number;
  const margin = Math.max(own.width, ...rounds.map((r) => r.width));
  const zero = emit.constant(tensor('i32', []), [0]);
  const given = (round: Round): ValueId => cutAt(emit, value, dim, ofShard(emit, axes, round.from), round.width);
  let made = emit.zero(resized(type, dim, window.width + 2 * margin));
  const write = (got: ValueId, round: Round): void => {
    const place = ofShard(emit, axes, placesOf(round, window, extent, margin));
    const starts = type.shape.map((_, d) => (d === dim ? place : zero));
    made = emit.op('dynamic_update_slice', [made, got, ...starts], emit.typeOf(made));
  };
  if (own.width > 0) write(given(own), own);
  const why = "parts of each device's window, in rounds: one device holds what one other needs";
  for (const round of rounds) write(emit.because(why).permuted(given(round), axes, round.sources), round);
  return part(emit, made, dim, margin, margin + window.width);
}

/** By device: where what it gets begins, counted from the margin in front of the window. */
const placesOf = ({ sources, from }: Round, window: AffineWindow, extent: number, margin: number): number[] =>
  sources.map((source, device) =>
    source < 0 ? 0 : margin + source * extent + (from[source] as number) - windowStart(window, device),
  );
