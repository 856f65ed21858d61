/**
 * The program of one device: every `axis_index` becomes the number it is there.
 *
 *   %i = axis_index axes={x} : i32[]       // mesh x=2 y=4, device 6
 *   →  %i = constant 1 : i32[]
 *
 * The module stays at the local level: same types, same collectives.
 */
import { userError } from '../../ir/diagnostics.ts';
import { type AxisRef, deviceCount, type Mesh } from '../../ir/mesh.ts';
import { type Block, meshOf, type Module, type Op } from '../../ir/program.ts';

/** `device` is a position in the mesh, row-major over its axes. */
export function specialize(module: Module, device: number): Module {
  const devices = Math.min(...module.meshes.map(deviceCount));
  if (device >= devices) {
    throw userError('SH0706', `there is no device ${device}`, {
      expected: `0 to ${devices - 1}: the mesh has ${devices} devices`,
    });
  }
  const constant = (op: Op): Op => {
    const index = positionOn(meshOf(module, op.attrs.mesh as string), op.attrs.axes as readonly AxisRef[], device);
    return { ...op, kind: 'constant', attrs: { value: { data: Int32Array.of(index) } } };
  };
  const block = (b: Block): Block => ({
    ...b,
    ops: b.ops.map((op) =>
      op.kind === 'axis_index'
        ? constant(op)
        : op.regions.length === 0
          ? op
          : { ...op, regions: op.regions.map(block) },
    ),
  });
  return { ...module, functions: module.functions.map((f) => ({ ...f, body: block(f.body) })) };
}

/** Index along the axes, the first the slowest. */
function positionOn(mesh: Mesh, axes: readonly AxisRef[], device: number): number {
  let index = 0;
  for (const axis of axes) {
    const at = mesh.axes.findIndex((a) => a.name === axis.name);
    const inner = mesh.axes.slice(at + 1).reduce((n, a) => n * a.size, 1);
    const size = mesh.axes[at]?.size ?? 1;
    const minor = size / (axis.pre * axis.size);
    index = index * axis.size + (Math.floor((Math.floor(device / inner) % size) / minor) % axis.size);
  }
  return index;
}
