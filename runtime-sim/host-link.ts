/**
 * The outside world of one run: what infeed and recv are fed, and what outfeed and send gave. Every run of a program
 * is fed the same, whole tensors from a seed, of which each device gets its part, and what comes out is whole tensors
 * again: results of the run like any other, compared between runs.
 */
import type { Precision, TensorArray } from '../ir/array.ts';
import { unsupported } from '../ir/diagnostics.ts';
import type { Op } from '../ir/program.ts';
import type { TensorType } from '../ir/types.ts';
import { makeInput } from './inputs.ts';
import { Random } from './random.ts';
import { settled } from './memory/room.ts';

const FIRST_SEED = 0x5eed;

export class HostLink {
  /** In the order in which they left. */
  readonly sent: TensorArray[] = [];
  private readonly precision: Precision;
  private readonly fed = new Map<string, number>();
  private readonly between = new Map<string, (readonly TensorArray[])[]>();

  constructor(precision: Precision) {
    this.precision = precision;
  }

  /** The next of each. */
  take(op: Op, types: readonly TensorType[]): readonly TensorArray[] {
    const channel = channelOf(op);
    if (!channel.isHost) {
      const next = this.between.get(channel.name)?.shift();
      if (next === undefined)
        throw unsupported(`a recv that stands before the send of its channel, ${channel.name}`, {
          span: op.origin.span,
        });
      return next;
    }
    const count = (this.fed.get(channel.name) ?? 0) + 1;
    this.fed.set(channel.name, count);
    const random = new Random(FIRST_SEED + 1009 * count + channel.handle);
    const top = Math.max(8, ...types.flatMap((t) => t.shape));
    return types.map((t) => makeInput(t, random, top, this.precision));
  }

  put(op: Op, arrays: readonly TensorArray[]): void {
    const channel = channelOf(op);
    const kept = arrays.map(settled);
    if (channel.isHost) this.sent.push(...kept);
    else this.between.set(channel.name, [...(this.between.get(channel.name) ?? []), kept]);
  }
}

export const TOKEN: TensorArray = { dtype: 'token', shape: [], data: new Uint8Array(1) };

/** send and recv name a channel; of type 1 (DEVICE_TO_DEVICE) it joins devices, not a device and its host. */
function channelOf({ kind, attrs }: Op): { readonly name: string; readonly handle: number; readonly isHost: boolean } {
  const verbatim = String(attrs.verbatim ?? '');
  const handle = Number(/handle = (\d+)/.exec(verbatim)?.[1] ?? 0);
  const isHost = kind === 'infeed' || kind === 'outfeed' || !/type = 1\b/.test(verbatim);
  return { name: kind === 'infeed' ? 'infeed' : `channel ${handle}`, handle, isHost };
}
