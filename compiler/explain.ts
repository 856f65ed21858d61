/**
 * Why a value has its layout, axis by axis back to the annotation; what moves it and for whom; and which other layouts it
 * met on the way. A file for each of these in explain/.
 */
import { userError } from '../ir/diagnostics.ts';
import { layoutText } from '../ir/layout.ts';
import { axisText } from '../ir/mesh.ts';
import { mainFunction, meshOf, type Origin, type ValueId, valueInfo } from '../ir/program.ts';
import { typeText } from '../ir/types.ts';
import type { Compiled } from './compile.ts';
import { chainOf, nameOf } from './explain/chain.ts';
import { type ConflictCost, conflictsOfValue, conflictText, pricedConflicts } from './explain/conflicts.ts';
import { findValues } from './explain/find-values.ts';
import { groupedMoves, type MoveMade, movesOf, movesText } from './explain/moves.ts';
import { place } from './explain/places.ts';
import { strategyOf } from './explain/strategy.ts';

export { explainOverview } from './explain/overview.ts';

/** Values told about at once: a line may hold several, and a callee's are one per call. */
const MAX_VALUES = 4;

/** `question`: a value's name in the source, with or without %; or a line, `:12` or `model.py:12`. */
export function explainValue(compiled: Compiled, question: string): string {
  if (compiled.propagated === undefined) throw userError('SH0702', 'the program was not propagated');
  const ids = findValues(compiled, question);
  const moves = movesOf(compiled);
  const conflicts = pricedConflicts(compiled, moves);
  const told = ids.slice(0, MAX_VALUES).map((id) => explainOne(compiled, id, moves, conflicts));
  if (ids.length > MAX_VALUES) told.push(`… and ${ids.length - MAX_VALUES} more`);
  return told.join('\n\n');
}

function explainOne(
  compiled: Compiled,
  id: ValueId,
  moves: readonly MoveMade[],
  conflicts: readonly ConflictCost[],
): string {
  const propagated = compiled.propagated ?? compiled.module;
  const { type, layout, origin, name } = valueInfo(mainFunction(propagated), id);
  const mesh = layout === undefined ? undefined : meshOf(propagated, layout.mesh);
  const head = `${nameOf(compiled, id)} : ${typeText(type)}${layout === undefined || mesh === undefined ? '' : ` @${layoutText(mesh, layout)}`}${place(origin, compiled.source.source)}`;
  const lines = [head];
  for (const cause of compiled.causes.get(id) ?? []) {
    lines.push(`  ${mesh === undefined ? cause.axis.name : axisText(mesh, cause.axis)} on dim ${cause.dim}`);
    lines.push(...chainOf(compiled, id, cause.axis).map((l) => `    ${l}`));
  }
  if (lines.length === 1) lines.push('  replicated: no annotation reaches it');
  lines.push(...strategyOf(compiled, name, origin?.span).map((l) => `  ${l}`));
  const isHere = (at: Origin | undefined): boolean => at?.span?.start === origin?.span?.start;
  const mine = moves.filter(
    (m) =>
      name !== undefined && ((m.value.name === name && isHere(m.value.origin)) || (m.within && isHere(m.wantedBy))),
  );
  lines.push(...groupedMoves(mine).map((group) => `  moves: ${movesText(group, compiled)}`));
  for (const conflict of conflictsOfValue(conflicts, id))
    lines.push('  met another layout in', ...conflictText(compiled, conflict).map((l) => `    ${l}`));
  return lines.join('\n');
}
