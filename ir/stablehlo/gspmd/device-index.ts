/**
 * JAX computes `axis_index` of a shard_map from the device's number. As an index along axes it says what it is of, and
 * may stand where the other axes are not manual.
 *
 *   %0 = axis_index {x, y};  %1 = remainder (divide (convert %0), 4), 2      // x=2, y=4
 *   →  %1 = convert (axis_index {x})
 */
import type { FuncBuilder } from '../../build.ts';
import { type AxisRef, fullAxis, type Mesh } from '../../mesh.ts';
import type { Block, Elements, Op, ValueId } from '../../program.ts';
import { tensor } from '../../types.ts';

/** Of a block without the nested ones: a function's, where JAX writes it. */
export function deviceIndices(block: Block, builder: FuncBuilder, meshes: readonly Mesh[]): Block {
  const makers = new Map<ValueId, Op>(block.ops.flatMap((op) => op.results.map((r) => [r, op] as const)));
  const ops = block.ops.flatMap((op) => {
    const axes = axesOf(op, makers, meshes);
    if (axes === undefined) return [op];
    const index = builder.value(tensor('i32', []), { origin: op.origin });
    const attrs = { mesh: axes.mesh.name, axes: axes.axes };
    const { origin } = op;
    return [
      { kind: 'axis_index', operands: [], results: [index], attrs, regions: [], origin },
      { kind: 'convert', operands: [index], results: op.results, attrs: { dtype: 'u32' }, regions: [], origin },
    ];
  });
  return ops.length === block.ops.length ? block : { ...block, ops: withoutUnread(ops) };
}

/** Axes of which `(device / minor) mod count` is the index. */
function axesOf(
  op: Op,
  makers: ReadonlyMap<ValueId, Op>,
  meshes: readonly Mesh[],
): { mesh: Mesh; axes: AxisRef[] } | undefined {
  const maker = (of: Op | undefined, i: number): Op | undefined => makers.get(of?.operands[i] as ValueId);
  const division = op.kind === 'remainder' ? maker(op, 0) : undefined;
  const device = division?.kind === 'divide' ? maker(division, 0) : undefined;
  const index = device?.kind === 'convert' ? maker(device, 0) : undefined;
  const mesh = index?.kind === 'axis_index' ? meshes.find((m) => m.name === index.attrs.mesh) : undefined;
  const [count, minor] = [numberOf(maker(op, 1)), numberOf(maker(division, 1))];
  const of = index?.attrs.axes as readonly AxisRef[] | undefined;
  if (mesh === undefined || count === undefined || minor === undefined || of?.length !== mesh.axes.length)
    return undefined;
  const axes: AxisRef[] = [];
  let [behind, size] = [1, 1];
  for (const axis of mesh.axes.toReversed()) {
    if (behind >= minor && size < count) {
      axes.unshift(fullAxis(mesh, axis.name));
      size *= axis.size;
    } else behind *= axis.size;
    if (size === count) break;
  }
  return behind === minor && size === count && axes.length > 0 ? { mesh, axes } : undefined;
}

function numberOf(op: Op | undefined): number | undefined {
  if (op?.kind !== 'constant') return undefined;
  const { data } = op.attrs.value as Elements;
  return data.length === 1 ? Number(data[0]) : undefined;
}

/** The device's number itself may not stand in a computation that has not all axes in its hand. */
function withoutUnread(ops: readonly Op[]): Op[] {
  const read = new Set<ValueId>();
  const kept: Op[] = [];
  for (const op of ops.toReversed()) {
    const isNumber = op.kind === 'axis_index' || op.kind === 'convert' || op.kind === 'divide';
    if (isNumber && !op.results.some((r) => read.has(r))) continue;
    const stack = [op];
    for (let o = stack.pop(); o !== undefined; o = stack.pop()) {
      for (const v of o.operands) read.add(v);
      for (const r of o.regions) stack.push(...r.ops);
    }
    kept.push(op);
  }
  return kept.toReversed();
}
