/**
 * Collectives of a program that is no shard_map: XLA has every device hold the operand whole, and does what is
 * written. That is a manual computation, whose result the devices must agree on: one that differs between them is the
 * user's mistake, and told where the program is run.
 *
 *   %1 = all_gather %0 axes=[{x}, {}]
 *   →  %1 = manual_computation %0 in=[@{_, _}] out=[@{_, _}] (%p) { %q = all_gather %p axes=[{x}, {}]; return %q }
 */
import { FuncBuilder } from '../build.ts';
import { replicatedLayout } from '../layout.ts';
import type { Mesh } from '../mesh.ts';
import { joinedAxes } from '../ops/collectives.ts';
import { type Block, type Func, type Op, walkOps } from '../program.ts';

/** Those that XLA's partitioner takes so; it refuses all_reduce and collective_broadcast outside of a shard_map. */
const TAKEN: ReadonlySet<string> = new Set([
  'all_gather',
  'all_to_all',
  'collective_permute',
  'collective_shift',
  'device_permute',
  'reduce_scatter',
]);

export function aroundCollectives(functions: readonly Func[], meshes: readonly Mesh[]): readonly Func[] {
  const found = functions.some((f) => [...walkOps(f.body)].some(isTaken));
  if (!found) return functions;
  const inManual = calledInManual(functions);
  return functions.map((f) => (inManual.has(f.name) ? f : rewritten(f, meshes)));
}

const isTaken = (op: Op): boolean => TAKEN.has(op.kind) && joinedAxes(op).length > 0;
const isManual = (op: Op): boolean => op.kind === 'manual_computation';

/** Functions that some manual computation calls, and those that these call. */
function calledInManual(functions: readonly Func[]): ReadonlySet<string> {
  const byName = new Map(functions.map((f) => [f.name, f]));
  const calls = (block: Block): string[] =>
    [...walkOps(block)].flatMap((op) => (op.kind === 'call' ? [op.attrs.callee as string] : []));
  const found = new Set<string>();
  const computations = functions.flatMap((f) => [...walkOps(f.body)].filter(isManual));
  const next = computations.flatMap((op) => op.regions.flatMap(calls));
  for (let name = next.pop(); name !== undefined; name = next.pop()) {
    if (found.has(name)) continue;
    found.add(name);
    const callee = byName.get(name);
    if (callee !== undefined) next.push(...calls(callee.body));
  }
  return found;
}

function rewritten(func: Func, meshes: readonly Mesh[]): Func {
  const b = new FuncBuilder(func.values);
  const block = (given: Block): Block =>
    b.region(() => {
      for (const p of given.params) b.paramAt(p);
      for (const op of given.ops) {
        if (isTaken(op)) alone(b, op, meshes);
        else if (isManual(op)) b.push(op);
        else b.push({ ...op, regions: op.regions.map(block) });
      }
    });
  const body = block(func.body);
  return { ...func, body, values: b.values };
}

function alone(b: FuncBuilder, op: Op, meshes: readonly Mesh[]): void {
  const mesh = meshes.find((m) => m.name === op.attrs.mesh) as Mesh;
  const whole = (v: Op['results'][number]) => replicatedLayout(mesh.name, b.typeOf(v).shape.length);
  const region = b.region(() => {
    const params = op.operands.map((v) => b.param(b.typeOf(v)));
    const types = op.results.map((v) => b.typeOf(v));
    b.op('return', b.op(op.kind, params, types, op.origin, op.attrs), [], op.origin);
  });
  b.push({
    kind: 'manual_computation',
    operands: op.operands,
    results: op.results,
    attrs: {
      in_layouts: op.operands.map(whole),
      out_layouts: op.results.map(whole),
      manual_axes: mesh.axes.map((a) => a.name),
    },
    regions: [region],
    origin: op.origin,
  });
}
