/** What moves between devices: every collective of the per-device program, with what it moves, for whom, and how often. */
import {
  type Block,
  type Func,
  isCollective,
  mainFunction,
  type Op,
  type Origin,
  synchronous,
  type ValueId,
  valueInfo,
} from '../../ir/program.ts';
import { collectiveAxes, collectiveBytes } from '../../runtime-sim/cost/collective-bytes.ts';
import type { Compiled } from '../compile.ts';
import { bytesText } from '../units.ts';
import { place, written } from './places.ts';

export interface MoveMade {
  readonly kind: string;
  readonly axes: readonly string[];
  /** Wire bytes per device, of all times it runs. */
  readonly bytes: number;
  readonly times: number;
  /** The value that it moves, in whatever layout, as the source names it. */
  readonly value: { readonly name: string | undefined; readonly origin: Origin | undefined };
  readonly reason: string;
  /** The op that wanted it. */
  readonly wantedBy: Origin | undefined;
}

/** In program order; slices and other moves of nothing left out. Empty before the local level. */
export function movesOf(compiled: Compiled): MoveMade[] {
  const { module } = compiled;
  if (module.level !== 'local' && module.level !== 'scheduled') return [];
  const func = mainFunction(module);
  const makers = new Map<ValueId, Op>();
  const found: MoveMade[] = [];
  for (const { op: issued, times } of opsWithTimes(func)) {
    const op = synchronous(issued);
    if (op.kind === 'collective_done') for (const r of op.results) makers.set(r, op);
    if (!isCollective(op)) continue;
    for (const r of op.results) makers.set(r, op);
    const { kind, bytes } = collectiveBytes(op, func, module.meshes);
    if (bytes === 0) continue;
    const root = valueInfo(func, rootOf(makers, op.operands[0] as ValueId));
    found.push({
      kind,
      axes: collectiveAxes(op).map((a) => a.name),
      bytes: bytes * times,
      times,
      value: { name: root.name, origin: root.origin },
      reason: op.origin.reason ?? 'no reason noted',
      wantedBy: written(op.origin),
    });
  }
  return found;
}

export function moveText(move: MoveMade, compiled: Compiled): string {
  const over = move.axes.length === 0 ? '' : ` over ${move.axes.join(', ')}`;
  const often = move.times > 1 ? `, ${move.times} times` : '';
  return `${move.kind}${over}, ${bytesText(move.bytes)} per device${often}: ${move.reason}${place(move.wantedBy, compiled.source.source)}`;
}

function* opsWithTimes(func: Func): Generator<{ op: Op; times: number }> {
  const stack: { block: Block; next: number; times: number }[] = [{ block: func.body, next: 0, times: 1 }];
  for (let top = stack.at(-1); top !== undefined; top = stack.at(-1)) {
    const op = top.block.ops[top.next++];
    if (op === undefined) {
      stack.pop();
      continue;
    }
    yield { op, times: top.times };
    const times = top.times * (op.kind === 'while' ? ((op.attrs.trip_count as number | undefined) ?? 1) : 1);
    for (const block of op.regions.toReversed()) stack.push({ block, next: 0, times });
  }
}

/** Back through the collectives that moved it before. */
function rootOf(makers: ReadonlyMap<ValueId, Op>, id: ValueId): ValueId {
  let at = id;
  for (let maker = makers.get(at); maker !== undefined; maker = makers.get(at)) at = maker.operands[0] as ValueId;
  return at;
}
