/** The whole program at a glance: what moves most and why, and where layouts met that cannot be had at once. */
import { mainFunction } from '../../ir/program.ts';
import { paddingCost } from '../../runtime-sim/cost/padding-cost.ts';
import type { Compiled } from '../compile.ts';
import { paddingLines } from '../padding-lines.ts';
import { bytesText, meshText } from '../units.ts';
import { conflictText, pricedConflicts } from './conflicts.ts';
import { bytesOf, groupedMoves, type MoveMade, movesOf, movesText } from './moves.ts';
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

function groupText(compiled: Compiled, group: readonly MoveMade[], total: number): string {
  const [first] = group as [MoveMade];
  const bytes = bytesOf(group);
  const share = total === 0 ? '' : `${Math.round((100 * bytes) / total)} %`.padStart(5);
  const value =
    first.value.name === undefined
      ? ''
      : ` of %${first.value.name}${place(first.value.origin, compiled.source.source)}`;
  return `${share}  ${movesText(group, compiled)}${value}`;
}
