/** Device meshes: named axes with sizes, and sub-axes of them. */

export interface Mesh {
  readonly name: string;
  readonly axes: readonly MeshAxis[];
  /** Physical device of each mesh position in row-major order; absent = 0, 1, 2, … */
  readonly deviceIds?: readonly number[];
  /** Written inside the shardings that use it (ir/inlined-mesh.ts); its name is its text. */
  readonly inlined?: true;
  /** Other attributes, kept as StableHLO text. */
  readonly attrs?: string;
}

export interface MeshAxis {
  readonly name: string;
  readonly size: number;
}

/**
 * An axis or a sub-axis of it. `x:(pre)size` is the `size`-long factor of x after reshaping x to [pre, size, rest];
 * the whole axis has pre 1 and size = the axis' size. (Shardy, docs/sharding_representation.md, "Axis splitting".)
 */
export interface AxisRef {
  readonly name: string;
  readonly pre: number;
  readonly size: number;
}

/** More devices than any machine has; keeps products far from 2^53. */
export const MAX_DEVICES = 2 ** 24;

/** What is wrong with the axes or the order of devices of a mesh that somebody wrote; undefined = nothing. */
export function meshMistake({
  axes,
  deviceIds,
}: Omit<Mesh, 'name'>): { message: string; expected: string } | undefined {
  const odd = axes.find((a) => !Number.isSafeInteger(a.size) || a.size < 1);
  if (odd !== undefined) return { message: `axis ${odd.name} has size ${odd.size}`, expected: 'a whole number from 1' };
  const twice = axes.find((a, i) => axes.findIndex((b) => b.name === a.name) !== i);
  if (twice !== undefined) return { message: `axis ${twice.name} is twice in the mesh`, expected: 'every axis once' };
  const count = axes.reduce((n, a) => n * a.size, 1);
  if (count > MAX_DEVICES) return { message: `the mesh has ${count} devices`, expected: `at most ${MAX_DEVICES}` };
  if (deviceIds === undefined) return undefined;
  // Without axes it is one device, whichever.
  if (axes.length === 0)
    return deviceIds.length === 1 && (deviceIds[0] as number) >= 0
      ? undefined
      : { message: 'a mesh without axes is one device', expected: 'axes, or the id of one device' };
  const isOrder =
    deviceIds.length === count &&
    new Set(deviceIds).size === count &&
    deviceIds.every((id) => Number.isInteger(id) && id >= 0 && id < count);
  return isOrder
    ? undefined
    : { message: 'this is not an order of the devices', expected: `every number from 0 to ${count - 1} once` };
}

/** Alike in axes and in the order of devices, whatever they are called. */
export const sameMesh = (a: Mesh, b: Mesh): boolean =>
  a.axes.length === b.axes.length &&
  a.axes.every((x, i) => x.name === b.axes[i]?.name && x.size === b.axes[i]?.size) &&
  (a.deviceIds ?? []).join() === (b.deviceIds ?? []).join();

/** Neither axes nor a device: it stands where some mesh has to. */
export const isPlaceholder = (mesh: Mesh): boolean => mesh.axes.length === 0 && mesh.deviceIds === undefined;

export const deviceCount = (mesh: Mesh): number => mesh.axes.reduce((n, a) => n * a.size, 1);

export function axisSize(mesh: Mesh, name: string): number {
  const axis = mesh.axes.find((a) => a.name === name);
  if (axis === undefined) throw new Error(`mesh @${mesh.name} has no axis "${name}"`);
  return axis.size;
}

export const fullAxis = (mesh: Mesh, name: string): AxisRef => ({ name, pre: 1, size: axisSize(mesh, name) });

export const sameAxis = (a: AxisRef, b: AxisRef): boolean => a.name === b.name && a.pre === b.pre && a.size === b.size;
export const sameAxes = (a: readonly AxisRef[], b: readonly AxisRef[]): boolean =>
  a.length === b.length && a.every((x, i) => sameAxis(x, b[i] as AxisRef));

/** Two refs overlap when their divisor intervals [pre, pre*size) on the same axis intersect. */
export const overlaps = (a: AxisRef, b: AxisRef): boolean =>
  a.name === b.name && a.pre < b.pre * b.size && b.pre < a.pre * a.size;

export const axesSize = (axes: readonly AxisRef[]): number => axes.reduce((n, a) => n * a.size, 1);

export const isFullAxis = (mesh: Mesh, a: AxisRef): boolean => a.pre === 1 && a.size === axisSize(mesh, a.name);

/** `x` or `x:(1)4`. */
export const axisText = (mesh: Mesh, a: AxisRef): string =>
  isFullAxis(mesh, a) ? a.name : `${a.name}:(${a.pre})${a.size}`;

/** Mesh coordinates of the device at a row-major position, one per axis. */
export function coordinates(mesh: Mesh, position: number): number[] {
  const coords = new Array<number>(mesh.axes.length);
  let rest = position;
  for (let i = mesh.axes.length - 1; i >= 0; i--) {
    const size = (mesh.axes[i] as MeshAxis).size;
    coords[i] = rest % size;
    rest = Math.floor(rest / size);
  }
  return coords;
}

/** Index along one (sub-)axis of the device at a row-major mesh position. */
export function axisIndex(mesh: Mesh, ref: AxisRef, position: number): number {
  let stride = 1;
  for (let i = mesh.axes.length - 1; i >= 0; i--) {
    const axis = mesh.axes[i] as MeshAxis;
    if (axis.name === ref.name) {
      const coordinate = Math.floor(position / stride) % axis.size;
      return Math.floor(coordinate / (axis.size / (ref.pre * ref.size))) % ref.size;
    }
    stride *= axis.size;
  }
  throw new Error(`mesh @${mesh.name} has no axis "${ref.name}"`);
}

/** Combined index along several axes, the first being major. */
export const axesIndex = (mesh: Mesh, axes: readonly AxisRef[], position: number): number =>
  axes.reduce((index, a) => index * a.size + axisIndex(mesh, a, position), 0);
