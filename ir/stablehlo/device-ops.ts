/** Ops that name devices → ours, by axes: collectives, partition_id and replica_id. */
import { userError } from '../diagnostics.ts';
import { deviceCount, fullAxis, type Mesh } from '../mesh.ts';
import type { Attrs, Block, Span, ValueId } from '../program.ts';
import { tensor, type TensorType } from '../types.ts';
import type { Value } from './attributes.ts';
import { readCollective } from './collectives.ts';

/** How the importer writes an op; `isNamed`: its results are those that the text names. */
export interface Writer {
  emit(
    isNamed: boolean,
    kind: string,
    operands: readonly ValueId[],
    types: readonly TensorType[],
    attrs: Attrs,
  ): readonly ValueId[];
  readonly span: Span;
}

export interface Devices {
  /** That device ids are of. */
  readonly mesh: Mesh;
  readonly replicas: number;
}

/** One of ours per operand; gives all results. */
export function writeCollective(
  writer: Writer,
  { mesh, replicas }: Devices,
  kind: string,
  operands: readonly { readonly id: ValueId; readonly rank: number }[],
  types: readonly TensorType[],
  fields: ReadonlyMap<string, Value>,
  regions: readonly Block[],
): readonly ValueId[] {
  return operands.flatMap(({ id, rank }, i) => {
    const made = readCollective({ kind, fields, regions, rank, mesh, replicas, span: writer.span });
    return writer.emit(operands.length === 1, made.kind, [id], types.slice(i, i + 1), made.attrs);
  });
}

/** `partition_id : ui32` is the device's place in the mesh, or its id where the mesh has an order; there is one replica. */
export function writeDeviceId(writer: Writer, { mesh, replicas }: Devices, kind: string, type: TensorType): void {
  const constant = (isNamed: boolean, of: TensorType, data: Uint32Array): ValueId =>
    writer.emit(isNamed, 'constant', [], [of], { value: { data }, dtype: 'u32', shape: of.shape })[0] as ValueId;
  if (kind === 'replica_id' && replicas !== deviceCount(mesh)) {
    constant(true, type, Uint32Array.of(0));
    return;
  }
  const axes = mesh.axes.map((a) => fullAxis(mesh, a.name));
  const place = writer.emit(false, 'axis_index', [], [tensor('i32', [])], { mesh: mesh.name, axes });
  if (mesh.deviceIds === undefined) {
    writer.emit(true, 'convert', place, [type], { dtype: 'u32' });
    return;
  }
  const table = constant(false, tensor('u32', [mesh.deviceIds.length]), Uint32Array.from(mesh.deviceIds));
  const found = writer.emit(false, 'dynamic_slice', [table, ...place], [tensor('u32', [1])], { sizes: [1] });
  writer.emit(true, 'reshape', found, [type], { shape: [] });
}

/** Of a file that names no mesh: a line of its devices. */
export function lineOfDevices(count: number, what: string, span: Span): Mesh {
  if (count > 1) return { name: 'devices', axes: [{ name: 'd', size: count }] };
  throw userError('SH0216', `${what} needs a mesh: the program does not say how many devices there are`, {
    span,
    expected: 'sdy.mesh, or mhlo.num_partitions on the module',
  });
}
