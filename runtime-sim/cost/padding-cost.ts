/**
 * What padding costs: of the matrix arithmetic and of the wire, what is spent on elements that are not there. The devices
 * that hold a dim's end compute and send padding alone; figures are of one device on average, per step.
 *
 *   dot of f32[13+2, 29+1] by f32[29+1, 8]:   1 - 13/15 · 29/30 of its flops
 */
import { collectives } from '../../ir/ops/collectives.ts';
import type { OpView, Registry } from '../../ir/op.ts';
import type { DimPadding } from '../../ir/padding.ts';
import { Places } from '../../ir/places.ts';
import {
  type Block,
  type Func,
  isCollective,
  mainFunction,
  type Module,
  type Op,
  synchronous,
  type ValueId,
  valueInfo,
} from '../../ir/program.ts';
import type { TensorType } from '../../ir/types.ts';
import { collectiveBytes } from './collective-bytes.ts';
import { isMatrixOp } from './op-cost.ts';

export interface PaddingCost {
  /** Of dots and convolutions, and of collectives. */
  readonly flops: number;
  readonly wireBytes: number;
  /** The same shares of all of them, from 0 to 1. */
  readonly flopsShare: number;
  readonly wireShare: number;
  /** By source line and padded dims, dearest first. */
  readonly causes: readonly PaddingCause[];
}

interface PaddingCause {
  /** `model.py:12`; empty for what no source line asked for. */
  readonly place: string;
  /** `13 → 15, 29 → 30`. */
  readonly dims: string;
  readonly flops: number;
  readonly wireBytes: number;
}

/** `module` is at the local or scheduled level. O(ops). */
export function paddingCost(module: Module, registry: Registry): PaddingCost {
  const func = mainFunction(module);
  const places = new Places(module.source);
  const causes = new Map<string, PaddingCause>();
  const all = { flops: 0, wireBytes: 0 };
  for (const { op, times } of opsWithTimes(func)) {
    const spent = spentBy(synchronous(op), func, module, registry);
    if (spent === undefined) continue;
    all.flops += spent.flops * times;
    all.wireBytes += spent.wireBytes * times;
    const share = 1 - spent.padded.reduce((used, p) => (used * p.size) / p.padded, 1);
    if (share === 0 || (spent.flops === 0 && spent.wireBytes === 0)) continue;
    const place = places.of(op.origin);
    const dims = [...new Set(spent.padded.map((p) => `${p.size} → ${p.padded}`))].sort().join(', ');
    const known = causes.get(`${place} ${dims}`) ?? { place, dims, flops: 0, wireBytes: 0 };
    causes.set(`${place} ${dims}`, {
      ...known,
      flops: known.flops + spent.flops * times * share,
      wireBytes: known.wireBytes + spent.wireBytes * times * share,
    });
  }
  const list = [...causes.values()];
  const flops = list.reduce((n, c) => n + c.flops, 0);
  const wireBytes = list.reduce((n, c) => n + c.wireBytes, 0);
  const [flopsShare, wireShare] = [shareOf(flops, all.flops), shareOf(wireBytes, all.wireBytes)];
  const weight = (c: PaddingCause): number => shareOf(c.flops, all.flops) + shareOf(c.wireBytes, all.wireBytes);
  return { flops, wireBytes, flopsShare, wireShare, causes: list.sort((a, b) => weight(b) - weight(a)) };
}

const shareOf = (part: number, whole: number): number => (whole === 0 ? 0 : part / whole);

interface Spent {
  readonly flops: number;
  readonly wireBytes: number;
  readonly padded: readonly DimPadding[];
}

/** Of one run of a dot, convolution or collective. */
function spentBy(op: Op, func: Func, module: Module, registry: Registry): Spent | undefined {
  const paddingOf = (v: ValueId | undefined): readonly (DimPadding | undefined)[] =>
    (v === undefined ? undefined : valueInfo(func, v).padding) ?? [];
  if (isCollective(op)) {
    const { bytes } = collectiveBytes(op, func, module.meshes);
    const padded = paddingOf(op.operands[0]).filter((p) => p !== undefined);
    return { flops: 0, wireBytes: bytes, padded };
  }
  const def = registry[op.kind] ?? collectives[op.kind];
  if (!isMatrixOp(op.kind) || def === undefined) return undefined;
  const types = (ids: readonly ValueId[]): TensorType[] => ids.map((v) => valueInfo(func, v).type);
  const { kind, attrs, regions } = op;
  const view: OpView = { kind, attrs, regions, operands: types(op.operands), results: types(op.results) };
  const rule = def.factors(view);
  const byFactor = new Map<number, DimPadding>();
  const visit = (ids: readonly ValueId[], tensors: typeof rule.operands): void =>
    ids.forEach((v, t) =>
      paddingOf(v).forEach((padding, d) => {
        const f = tensors[t]?.[d]?.[0];
        if (padding !== undefined && f !== undefined) byFactor.set(f, padding);
      }),
    );
  visit(op.operands, rule.operands);
  visit(op.results, rule.results);
  return { flops: def.flops?.(view) ?? 0, wireBytes: 0, padded: [...byFactor.values()] };
}

function* opsWithTimes(func: Func): Generator<{ op: Op; times: number }> {
  const stack: { block: Block; times: number }[] = [{ block: func.body, times: 1 }];
  for (let top = stack.pop(); top !== undefined; top = stack.pop()) {
    for (const op of top.block.ops) {
      yield { op, times: top.times };
      const times = top.times * (op.kind === 'while' ? ((op.attrs.trip_count as number | undefined) ?? 1) : 1);
      if (op.kind === 'while' || op.kind === 'case') for (const block of op.regions) stack.push({ block, times });
    }
  }
}
