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
import type { AxisRef } from '../../ir/mesh.ts';
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
  /** It is part of how that op is computed: shards exchange parts of what it reads. */
  readonly within: boolean;
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
    if (isCollective(op) || op.kind === 'collective_done' || isCut(op)) for (const r of op.results) makers.set(r, op);
    if (!isCollective(op)) continue;
    const { kind, bytes } = collectiveBytes(op, func, module.meshes);
    if (bytes === 0) continue;
    const root = valueInfo(func, rootOf(makers, op.operands[0] as ValueId));
    found.push({
      kind,
      axes: axesOf(op).map((a) => a.name),
      bytes: bytes * times,
      times,
      value: { name: root.name, origin: root.origin },
      reason: op.origin.reason ?? 'no reason noted',
      wantedBy: written(op.origin),
      within: op.origin.pass === 'localize',
    });
  }
  return found;
}

/** The same collective of the same value for the same op, as in the layers of a model, is told once; most bytes first. */
export function groupedMoves(moves: readonly MoveMade[]): MoveMade[][] {
  const groups = new Map<string, MoveMade[]>();
  for (const m of moves) {
    const key = `${m.kind} ${m.axes.join()} ${m.reason} ${JSON.stringify([m.value.name, m.wantedBy?.user ?? m.wantedBy?.span])}`;
    groups.set(key, [...(groups.get(key) ?? []), m]);
  }
  return [...groups.values()].sort((a, b) => bytesOf(b) - bytesOf(a));
}

export const bytesOf = (moves: readonly MoveMade[]): number => moves.reduce((n, m) => n + m.bytes, 0);

/** One line for a group. */
export const movesText = (group: readonly MoveMade[], compiled: Compiled): string =>
  moveText(
    { ...(group[0] as MoveMade), bytes: bytesOf(group), times: group.reduce((n, m) => n + m.times, 0) },
    compiled,
  );

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

/** Back through the collectives that moved it before, and the cuts of what is sent. */
function rootOf(makers: ReadonlyMap<ValueId, Op>, id: ValueId): ValueId {
  let at = id;
  for (let maker = makers.get(at); maker !== undefined; maker = makers.get(at)) at = maker.operands[0] as ValueId;
  return at;
}

const isCut = ({ kind, origin }: Op): boolean =>
  origin.pass === 'localize' && (kind === 'slice' || kind === 'dynamic_slice');

/** Also those along which parts of shards are sent. */
const axesOf = (op: Op): readonly AxisRef[] =>
  op.kind === 'device_permute' || op.kind === 'collective_shift'
    ? (op.attrs.axes as readonly AxisRef[])
    : collectiveAxes(op);
