/** Seconds of handing activations from a pipeline stage to another: a permute between devices a stage apart. */
import { fullAxis, type Mesh } from '../../ir/mesh.ts';
import { loadCost } from '../../runtime-sim/cost/collective-cost.ts';
import type { Machine } from '../../runtime-sim/machine/machine.ts';
import type { Description } from './description.ts';

export interface HandingOn {
  readonly seconds: number;
  readonly wireBytes: Readonly<Record<string, number>>;
}

/**
 * `bytes`: of one device. What all devices of tensor parallelism hold alike is sent in parts and gathered on arrival
 * (arXiv:2104.04473, section 4.1).
 */
export function handingOn(bytes: number, d: Description, { network }: Machine): HandingOn {
  const alike = d.sequenceParallel || d.featureParallel ? 1 : d.tp;
  const part = bytes / alike;
  const sent = { collective_permute: part };
  const away = d.tp * d.cp * d.dp;
  if (network.kind === 'torus') {
    const { linkBandwidth, efficiency, hopLatency, setup, dcn, pod } = network;
    const within = away * d.pp <= pod.reduce((n, p) => n * p, 1);
    const seconds = within
      ? setup + hopLatency + bytes / (linkBandwidth * efficiency)
      : dcn.setup + dcn.latency + part / (dcn.bandwidth * dcn.efficiency);
    return { seconds, wireBytes: sent };
  }
  const level = network.levels.find((l) => l.devices === undefined || away * 2 <= l.devices) ?? network.levels.at(-1);
  if (level === undefined) return { seconds: 0, wireBytes: {} };
  const send = network.setup + level.latency + part / (level.bandwidth * level.efficiency);
  if (alike === 1) return { seconds: send, wireBytes: sent };
  const gather = gatherSeconds(part, bytes, d.tp, network);
  return { seconds: send + gather, wireBytes: { ...sent, all_gather: bytes - part } };
}

function gatherSeconds(
  operand: number,
  whole: number,
  tp: number,
  network: Machine['network'] & { kind: 'switch' },
): number {
  const mesh: Mesh = { name: 'stage', axes: [{ name: 'tensor', size: tp }] };
  const load = { kind: 'all_gather', mesh, operand, whole, axes: [fullAxis(mesh, 'tensor')] } as const;
  return loadCost(load, { network } as Machine, undefined).seconds;
}
