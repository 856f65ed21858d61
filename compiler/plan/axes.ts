/**
 * The mesh of one pipeline stage and what lies on it. Devices of a stage are neighbours, tensor parallelism innermost (as
 * Megatron places them); stages come one after the other.
 *
 *   {data, expert, context, tensor}     data × expert = the replicas that share state; axes of size 1 are left out
 *
 * Replicas that hold whole copies, or share only the optimizer's state, do the same apart from each other within a
 * microbatch: they are not in the mesh.
 */
import type { Mesh } from '../../ir/mesh.ts';
import { type DimSpec, mesh } from '../dsl/mesh.ts';
import type { Description } from './description.ts';

export interface Axes {
  readonly mesh: Mesh;
  /** Replicas in the mesh. */
  readonly replicas: number;
  /** The batch of an activation. */
  readonly batch: DimSpec;
  /** The sequence inside attention and feed-forward, and between them. */
  readonly sequence: DimSpec;
  readonly outerSequence: DimSpec;
  /** Features of activations between attention and feed-forward. */
  readonly outerFeatures: DimSpec;
  /** The first dim of weights and of values inside blocks: a part per device. */
  readonly tensor: DimSpec;
  readonly parts: number;
  /** Parts that have copies of norms' and biases' weights of their own, which they add gradients to apart. */
  readonly copies: number;
  readonly experts: DimSpec;
  /** The batch of what is routed to experts. */
  readonly expertBatch: DimSpec;
  /** What zero splits weights and gradients over. */
  readonly split: DimSpec;
  readonly expertSplit: DimSpec;
}

export function axesOf(d: Description): Axes {
  const replicas = d.zero >= 2 || d.ep > 1 ? zeroGroupOf(d) : 1;
  const sizes = { data: replicas / d.ep, expert: d.ep, context: d.cp, tensor: d.tp };
  const there = Object.entries(sizes).filter(([, size]) => size > 1);
  const on = (...names: readonly string[]): DimSpec => {
    const found = names.filter((n) => there.some(([axis]) => axis === n));
    return found.length === 0 ? null : found;
  };
  return {
    mesh: mesh(there.length === 0 ? { data: 1 } : Object.fromEntries(there)),
    replicas,
    batch: on('data', 'expert'),
    sequence: on('context'),
    outerSequence: d.sequenceParallel ? on('context', 'tensor') : on('context'),
    outerFeatures: d.featureParallel ? on('tensor') : null,
    tensor: on('tensor'),
    parts: d.tp,
    copies: d.sequenceParallel && d.cp === 1 ? d.tp : 1,
    experts: on('expert'),
    expertBatch: on('data'),
    split: on('data', 'expert', 'context'),
    expertSplit: on('data', 'context'),
  };
}

export const zeroGroupOf = ({ zeroGroup, dp }: Description): number => zeroGroup ?? dp;
