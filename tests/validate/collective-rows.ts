/** Bandwidths of one collective on an idle network. */
import { registry } from '../../compiler/index.ts';
import type { Mesh } from '../../ir/mesh.ts';
import { mainFunction } from '../../ir/program.ts';
import { tensor } from '../../ir/types.ts';
import { CostModel } from '../../runtime-sim/cost/cost-model.ts';
import type { Machine } from '../../runtime-sim/machine/machine.ts';
import type { PlacementWish } from '../../runtime-sim/machine/placement.ts';
import { axis, program } from '../run/programs.ts';
import type { Row } from './row.ts';

type Kind = 'all_gather' | 'all_reduce';

/** On a ring, a line or a node of n devices: along one dim of a torus that has `shape`. */
function collectiveSeconds(on: Machine, kind: Kind, members: number, bytes: number, shape?: readonly number[]): number {
  const pod = on.network.kind === 'torus' ? on.network.pod : [];
  const mesh: Mesh = { name: 'm', axes: [{ name: 'x', size: members }] };
  const wish: PlacementWish = pod.length > 0 ? { shape: shape ?? [members, ...pod.slice(1).map(() => 1)] } : {};
  const whole = tensor('i8', [bytes]);
  const part = kind === 'all_gather' ? tensor('i8', [bytes / members]) : whole;
  const attrs = kind === 'all_gather' ? { axes: [[axis(mesh, 'x')]] } : { axes: [axis(mesh, 'x')], monoid: 'sum' };
  const module = program(mesh, 'local', (b) => ({
    values: b.op(kind, [b.param(part)], [whole], {}, { mesh: 'm', ...attrs }),
    layouts: [undefined],
  }));
  return new CostModel(module, registry, on, wish).collective(mainFunction(module).body.ops[0] as never).seconds;
}

const BOOK = 'scaling book, measured';
const size = (bytes: number): string =>
  bytes >= 1e9 ? `${(bytes / 1e9).toFixed(1)} GB` : `${(bytes / 1e6).toPrecision(2)} MB`;

/** Size over time, as the book's plots have it. */
function bandwidthRows(
  chip: string,
  kind: Kind,
  members: number,
  points: readonly (readonly [bytes: number, rate: number])[],
): Row[] {
  return points.map(([about, published]) => {
    const bytes = members * Math.round(about / members);
    return {
      set: BOOK,
      what: `${kind} of ${size(bytes)} on ${members}`,
      chip,
      unit: 'GB/s',
      published: published / 1e9,
      tolerance: 0.25,
      predict: (on, { dispatch }) => bytes / (dispatch + collectiveSeconds(on, kind, members, bytes)) / 1e9,
    };
  });
}

/** Its worked case that was measured: a line of 4 on v5e. */
function lineRow(what: string, bytes: number, published: number): Row {
  return {
    set: BOOK,
    what: `${what} gathered on a line of 4`,
    chip: 'tpu-v5e',
    unit: 'µs',
    published,
    tolerance: 0.25,
    predict: (on) => 1e6 * collectiveSeconds(on, 'all_gather', 4, bytes, [4, 1]),
  };
}

/** NCCL's bus bandwidth, which counts what a ring sends. */
function busRows(chip: string, members: number, rates: readonly number[]): Row[] {
  return [1, 4, 16, 64, 128, 256, 1024].map((mib, i) => {
    const bytes = mib * 2 ** 20;
    const sent = (2 * bytes * (members - 1)) / members;
    return {
      set: 'NCCL all-reduce (vTrain)',
      what: `${mib} MiB on ${members} × ${chip}`,
      chip,
      unit: 'GB/s bus',
      published: rates[i] as number,
      tolerance: 0.25,
      predict: (on) => sent / collectiveSeconds(on, 'all_reduce', members, bytes) / 1e9,
    };
  });
}

export const collectiveRows = (): Row[] => [
  ...bandwidthRows('tpu-v5e', 'all_gather', 16, [
    [131e3, 0.85e10],
    [0.52e6, 2.7e10],
    [4.2e6, 7.2e10],
    [17e6, 8.65e10],
    [134e6, 8.95e10],
    [1e9, 9.0e10],
  ]),
  lineRow('bf16[256, 256]', 2 ** 17, 8),
  lineRow('bf16[2048, 8192]', 2 ** 25, 680),
  ...bandwidthRows('tpu-v5p', 'all_reduce', 4, [
    [4.2e6, 3.1e10],
    [17e6, 8.75e10],
    [134e6, 10.2e10],
    [1e9, 10.35e10],
    [8.6e9, 10.85e10],
    [34e9, 10.9e10],
  ]),
  ...bandwidthRows('h100', 'all_reduce', 8, [
    [4.2e6, 2.6e10],
    [17e6, 7.3e10],
    [134e6, 1.67e11],
    [268e6, 1.85e11],
    [1.1e9, 2.01e11],
    [8.6e9, 2.1e11],
  ]),
  ...bandwidthRows('h100', 'all_gather', 8, [
    [4.2e6, 2.8e10],
    [17e6, 9.2e10],
    [134e6, 2.68e11],
    [268e6, 3.2e11],
    [1.1e9, 3.78e11],
    [4.3e9, 4.01e11],
  ]),
  ...busRows('a100', 8, [20, 77, 126, 203, 202, 217, 229]),
  ...busRows('a100', 4, [31, 81, 140, 185, 202, 209, 222]),
  ...busRows('a100', 2, [24, 69, 127, 166, 176, 184, 197]),
  ...busRows('v100', 8, [23, 49, 107, 129, 132, 133, 135]),
];
