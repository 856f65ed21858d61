/**
 * Mixture of experts with capacity (GShard, arXiv:2006.16668, algorithm 1; Switch, arXiv:2101.03961): tokens in groups,
 * each to its best one or two experts, in order, until an expert is full; the rest is dropped. All dense einsums, so that
 * groups and experts can lie on mesh axes.
 */
import { einsum } from '../ops/contractions.ts';
import { add, convert, divide, less, multiply, subtract } from '../ops/elementwise.ts';
import { oneHot } from '../ops/indexing.ts';
import { argmax, cumsum, mean, softmax, sum } from '../ops/reductions.ts';
import { broadcastTo, expandDims } from '../ops/shaping.ts';
import { stopGradient } from '../ops/structural.ts';
import type { Tensor } from '../tensor.ts';

export interface Routing {
  /** [groups, tokens, experts, capacity]: 1 where a token takes a place. */
  readonly dispatch: Tensor;
  /** The same, times the gate's probability. */
  readonly combine: Tensor;
  /** A scalar that is least where experts are used evenly: to be added to the loss. */
  readonly balance: Tensor;
}

export interface RouterOptions {
  /** Experts per token, 1 or 2. */
  readonly top?: 1 | 2;
  /** Places per expert and group. */
  readonly capacity: number;
}

/** x [groups, tokens, features], gate [features, experts]. */
export function route(gate: Tensor, x: Tensor, { top = 1, capacity }: RouterOptions): Routing {
  const probabilities = softmax(einsum('gsm,me->gse', x, gate));
  const experts = gate.shape[1] as number;
  const first = choice(probabilities, experts);
  const balance = multiply(sum(mean(multiply(mean(first, 1), mean(probabilities, 1)), 0)), experts);
  const places = positions(first, undefined);
  const one = taken(first, places, probabilities, capacity);
  if (top === 1) return { ...one, balance };
  const second = choice(multiply(probabilities, subtract(1, first)), experts);
  const two = taken(second, positions(second, sum(first, 1, { keepDims: true })), probabilities, capacity);
  const total = add(add(sum(one.combine, [2, 3]), sum(two.combine, [2, 3])), 1e-9);
  const scale = expandDims(divide(1, total), [2, 3]);
  return {
    dispatch: add(one.dispatch, two.dispatch),
    combine: multiply(add(one.combine, two.combine), scale),
    balance,
  };
}

/** [groups, tokens, experts]: 1 at the likeliest expert. */
const choice = (probabilities: Tensor, experts: number): Tensor =>
  stopGradient(oneHot(argmax(probabilities, 2), experts, probabilities.dtype));

/** How many tokens before this one chose the expert; those of an earlier choice come first. */
function positions(chosen: Tensor, before: Tensor | undefined): Tensor {
  const earlier = subtract(cumsum(chosen, 1), chosen);
  return before === undefined ? earlier : add(earlier, before);
}

function taken(
  chosen: Tensor,
  places: Tensor,
  probabilities: Tensor,
  capacity: number,
): Pick<Routing, 'dispatch' | 'combine'> {
  const { dtype } = chosen;
  const kept = multiply(chosen, convert(less(places, capacity), dtype));
  const place = convert(sum(multiply(places, kept), 2), 'i32');
  const dispatch = einsum('gse,gsc->gsec', kept, oneHot(place, capacity, dtype));
  const gate = sum(multiply(probabilities, chosen), 2);
  return { dispatch, combine: multiply(dispatch, broadcastTo(expandDims(gate, [2, 3]), dispatch.shape)) };
}

/** Runs `expert` on [experts, groups, capacity, features] and puts the results back: x [groups, tokens, features] → the same. */
export function mixture(routing: Routing, x: Tensor, expert: (inputs: Tensor) => Tensor): Tensor {
  const inputs = einsum('gsec,gsm->egcm', routing.dispatch, x);
  return einsum('gsec,egcm->gsm', routing.combine, expert(inputs));
}
