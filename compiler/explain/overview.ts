/** The whole program at a glance: what moves most and why, and where layouts met that cannot be had at once. */
import { mainFunction } from '../../ir/program.ts';
import { paddingCost } from '../../runtime-sim/cost/padding-cost.ts';
import type { Compiled } from '../compile.ts';
import { paddingLines } from '../padding-lines.ts';
import { bytesText, meshText } from '../units.ts';
import { conflictText, pricedConflicts } from './conflicts.ts';
import { type MoveMade, movesOf, moveText } from './moves.ts';
import { place } from './places.ts';

/** Lists are shown up to here; the rest is counted. */
const SHOWN = 10;

export function explainOverview(compiled: Compiled): string {
  const moves = movesOf(compiled);
  const conflicts = pricedConflicts(compiled, moves);
  const total = moves.reduce((n, m) => n + m.bytes, 0);
  const { values } = mainFunction(compiled.propagated ?? compiled.module);
  const { level } = compiled.module;
  const axes = compiled.module.meshes[0]?.axes ?? [];
  return [
    `${values.length} values on ${meshText(axes.map((a) => [a.name, a.size]))}; ${bytesText(total)} on the wire per device and step`,
    '',
    moves.length === 0 ? 'nothing moves between devices' : 'what moves, most first',
    ...groupedMoves(moves)
      .slice(0, SHOWN)
      .map((group) => `  ${groupText(compiled, group, total)}`),
    ...more(groupedMoves(moves).length),
    '',
    conflicts.length === 0
      ? 'no layouts met that cannot be had at once'
      : 'layouts that met and cannot be had at once, dearest first',
    ...conflicts.slice(0, SHOWN).flatMap((c) => conflictText(compiled, c).map((l) => `  ${l}`)),
    ...more(conflicts.length),
    '',
    ...(level === 'local' || level === 'scheduled'
      ? paddingLines(paddingCost(compiled.module, compiled.registry))
      : []),
    'ask about one: shardc explain FILE %value, FILE :line, FILE model.py:line',
  ].join('\n');
}

const more = (count: number): string[] => (count > SHOWN ? [`  … and ${count - SHOWN} more`] : []);

/** The same collective of the same value for the same op, as in the layers of a model, is told once. */
function groupedMoves(moves: readonly MoveMade[]): MoveMade[][] {
  const groups = new Map<string, MoveMade[]>();
  for (const m of moves) {
    const key = `${m.kind} ${m.axes.join()} ${m.reason} ${JSON.stringify([m.value.name, m.wantedBy?.user ?? m.wantedBy?.span])}`;
    groups.set(key, [...(groups.get(key) ?? []), m]);
  }
  return [...groups.values()].sort((a, b) => bytesOf(b) - bytesOf(a));
}

const bytesOf = (moves: readonly MoveMade[]): number => moves.reduce((n, m) => n + m.bytes, 0);

function groupText(compiled: Compiled, group: readonly MoveMade[], total: number): string {
  const [first] = group as [MoveMade];
  const bytes = bytesOf(group);
  const share = total === 0 ? '' : `${Math.round((100 * bytes) / total)} %`.padStart(5);
  const value =
    first.value.name === undefined
      ? ''
      : ` of %${first.value.name}${place(first.value.origin, compiled.source.source)}`;
  return `${share}  ${moveText({ ...first, bytes, times: group.reduce((n, m) => n + m.times, 0) }, compiled)}${value}`;
}
