/**
 * A per-device program that was emitted as StableHLO, read back to the local level: one manual computation over all axes
 * that is all of @main (as shardc writes it), or a @main that speaks to other devices itself (as XLA's own partitioner
 * leaves it), whose arguments may then be anything on any device.
 */
import { isCollective, mainFunction, type Module, type Op, type ValueId, valueInfo, walkOps } from '../program.ts';
import type { Layout } from '../layout.ts';

/** Undefined: the program is one for all devices. */
export function perDevice(module: Module): Module | undefined {
  if (module.level === 'local' || module.level === 'scheduled') return module;
  const main = mainFunction(module);
  const [whole, end, more] = main.body.ops;
  if (whole?.kind === 'manual_computation') {
    const isAll = more === undefined && end?.kind === 'return' && sameValues(end.operands, whole.results);
    return isAll && sameValues(whole.operands, main.body.params) && takesAllAxes(module, whole)
      ? unwrapped(module, whole)
      : undefined;
  }
  const ops = module.functions.flatMap((f) => [...walkOps(f.body)]);
  const speaks = ops.some((op) => isCollective(op) || op.kind === 'axis_index');
  return speaks && !ops.some((op) => op.kind === 'manual_computation') ? { ...module, level: 'local' } : undefined;
}

/** The body takes main's place, its parameters laid out as the computation says. */
function unwrapped(module: Module, op: Op): Module {
  const main = mainFunction(module);
  const [body] = op.regions;
  const inside = op.attrs.in_layouts as readonly Layout[];
  const outside = op.attrs.out_layouts as readonly Layout[];
  if (body === undefined) return module;
  const values = [...main.values];
  body.params.forEach((p, i) => {
    values[p] = { ...valueInfo(main, p), layout: inside[i] as Layout };
  });
  const resultTypes = (body.ops.at(-1)?.operands ?? []).map((v) => valueInfo(main, v).type);
  const func = { ...main, body, values, resultTypes, resultLayouts: outside };
  return { ...module, level: 'local', functions: module.functions.map((f) => (f === main ? func : f)) };
}

function takesAllAxes(module: Module, op: Op): boolean {
  const [layout] = [...(op.attrs.in_layouts as readonly Layout[]), ...(op.attrs.out_layouts as readonly Layout[])];
  const mesh = module.meshes.find((m) => m.name === layout?.mesh) ?? module.meshes[0];
  const manual = op.attrs.manual_axes as readonly string[];
  return mesh?.axes.every((a) => manual.includes(a.name)) === true;
}

const sameValues = (a: readonly ValueId[], b: readonly ValueId[]): boolean =>
  a.length === b.length && a.every((v, i) => v === b[i]);
