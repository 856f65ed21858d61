/** Do all devices that a collective joins get to it? Where only some do, they wait for ever. */
import type { OpAttrs } from '../ir/attrs.ts';
import { devicePairs, groupsOf, shiftPairs } from '../ir/device-groups.ts';
import { userError } from '../ir/diagnostics.ts';
import type { Layout } from '../ir/layout.ts';
import type { AxisRef, Mesh } from '../ir/mesh.ts';
import { joinedAxes } from '../ir/ops/collectives.ts';
import { layoutPairs } from '../ir/permute.ts';
import type { Op } from '../ir/program.ts';

/** Throws if some of a group run and some do not. `active` by device of the mesh. */
export function expectMeeting(op: Op, mesh: Mesh, active: Uint8Array | undefined): void {
  if (active === undefined) return;
  for (const group of meetings(op, mesh)) {
    const here = group.find((d) => active[d] === 1);
    const away = group.find((d) => active[d] !== 1);
    if (here === undefined || away === undefined) continue;
    throw userError(
      'SH0234',
      `deadlock: device ${here} waits in ${op.kind} for device ${away}, which took another way`,
      {
        span: op.origin.span,
        expected: 'a predicate around a collective that is the same on all devices that the collective joins',
      },
    );
  }
}

/** Devices that wait for each other: groups, or a permute's two ends. */
export function meetings(op: Op, mesh: Mesh): readonly (readonly number[])[] {
  switch (op.kind) {
    case 'all_slice':
      return [];
    case 'collective_shift':
      return shiftPairs(mesh, op.attrs as unknown as OpAttrs['collective_shift']);
    case 'device_permute':
      return devicePairs(mesh, op.attrs as unknown as OpAttrs['device_permute']);
    case 'collective_permute':
      return layoutPairs(mesh, op.attrs.from as Layout, op.attrs.to as Layout);
    case 'all_to_all':
      return (op.attrs.moves as OpAttrs['all_to_all']['moves']).flatMap((m) => groupsIn(op, mesh, m.axes));
    default:
      return groupsIn(op, mesh, joinedAxes(op));
  }
}

const groupsIn = (op: Op, mesh: Mesh, axes: readonly AxisRef[]): number[][] =>
  groupsOf(mesh, axes, op.attrs.groups as OpAttrs['all_reduce']['groups']);
