/** How much a one-device run of a program has to do and to hold: told from its ops alone, before it starts. */
import type { Registry } from '../ir/op.ts';
import { mainFunction, type Module, type Op, valueInfo } from '../ir/program.ts';
import { elementCount, type TensorType } from '../ir/types.ts';

export interface Work {
  /** Matrix arithmetic as its ops count it, of others an operation per element; loops times their trips. */
  readonly flops: number;
  /** Elements of all results, those in loops left out. */
  readonly elements: number;
}

/** Calls nested deeper are not followed: the program calls itself, and is refused elsewhere. */
const MAX_CALLS = 64;

export function workOf(module: Module, registry: Registry): Work {
  const main = mainFunction(module);
  let [flops, elements] = [0, 0];
  const stack = [{ func: main, block: main.body, times: 1, calls: 0 }];
  for (let next = stack.pop(); next !== undefined; next = stack.pop()) {
    const { func } = next;
    for (const op of next.block.ops) {
      const types = (ids: typeof op.operands): TensorType[] => ids.map((v) => valueInfo(func, v).type);
      const results = types(op.results);
      const count = results.reduce((n, t) => n + elementCount(t), 0);
      elements += next.times === 1 ? count : 0;
      const view = { kind: op.kind, attrs: op.attrs, regions: op.regions, operands: types(op.operands), results };
      flops += next.times * (registry[op.kind]?.flops?.(view) ?? count);
      const times = next.times * (op.kind === 'while' ? ((op.attrs.trip_count as number | undefined) ?? 1) : 1);
      if (op.kind === 'while' || op.kind === 'case')
        for (const block of op.regions) stack.push({ ...next, block, times });
      if (op.kind === 'manual_computation')
        for (const block of op.regions) stack.push({ ...next, block, times: times * manualShards(module, op) });
      const callee = op.kind === 'call' ? module.functions.find((f) => f.name === op.attrs.callee) : undefined;
      if (callee !== undefined && next.calls < MAX_CALLS)
        stack.push({ func: callee, block: callee.body, times, calls: next.calls + 1 });
    }
  }
  return { flops, elements };
}

/** Shards of a manual computation, each of which the one-device program runs. */
function manualShards(module: Module, op: Op): number {
  const axes = module.meshes[0]?.axes ?? [];
  const manual = op.attrs.manual_axes as readonly string[];
  return axes.filter((a) => manual.includes(a.name)).reduce((n, a) => n * a.size, 1);
}
