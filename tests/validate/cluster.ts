/** What a source's cluster has other than the machine file: by its own words or the part's datasheet, never fitted. */
import type { Machine } from '../../runtime-sim/machine/machine.ts';

export interface Cluster {
  /** Bytes/s between nodes of 8 devices. */
  readonly nodeBandwidth: number;
  readonly memory?: { readonly bytes: number; readonly bandwidth: number };
}

export function onCluster(on: Machine, { nodeBandwidth, memory }: Cluster): Machine {
  const { network } = on;
  if (network.kind !== 'switch') return on;
  const last = network.levels.length - 1;
  const levels = network.levels.map((level, i) => (i === last ? { ...level, bandwidth: nodeBandwidth / 8 } : level));
  const name = `${on.name}, ${nodeBandwidth / 1e9} GB/s a node${memory === undefined ? '' : `, ${memory.bytes / 1e9} GB`}`;
  return { ...on, name, memory: { ...on.memory, ...memory }, network: { ...network, levels } };
}
