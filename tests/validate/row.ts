/** One published figure and how the model predicts it. A row holds its numbers; nothing is looked up by a model's name. */
import type { Machine } from '../../runtime-sim/machine/machine.ts';
import type { Cluster } from './cluster.ts';

export interface Row {
  readonly set: string;
  readonly what: string;
  readonly chip: string;
  readonly unit: string;
  readonly published: number;
  /** Largest |predicted / published − 1| that counts as met. */
  readonly tolerance: number;
  /** What a cluster has other than the preset. */
  readonly cluster?: Cluster;
  /** A file without which the row cannot be predicted. */
  readonly needs?: string;
  predict(on: Machine, bench: Bench): number;
}

/** Of a measurement, not of a machine. */
export interface Bench {
  /** Seconds from the host's call of a program to its first op, where a source times programs of one op by the host's clock. */
  readonly dispatch: number;
}

export const nameOf = ({ set, what }: Row): string => `${set}: ${what}`;
