/** Where layouts met that no op can have at once: both sides with their sources, who won and why, and what it costs. */
import { axisText } from '../../ir/mesh.ts';
import { mainFunction, meshOf, type ValueId, valueInfo } from '../../ir/program.ts';
import type { Candidate, Conflict } from '../../passes/propagate/propagate.ts';
import type { Compiled } from '../compile.ts';
import { bytesText } from '../units.ts';
import { nameOf, sourceOf } from './chain.ts';
import { type MoveMade, moveText } from './moves.ts';
import { place, placeKey } from './places.ts';

export interface ConflictCost {
  readonly conflict: Conflict;
  /** The collectives that the op asked for. */
  readonly moves: readonly MoveMade[];
  readonly bytes: number;
}

/** With what each costs, the dearest first. */
export function pricedConflicts(compiled: Compiled, moves: readonly MoveMade[]): ConflictCost[] {
  const byOp = new Map<string, MoveMade[]>();
  for (const move of moves) {
    const key = placeKey(move.wantedBy);
    byOp.set(key, [...(byOp.get(key) ?? []), move]);
  }
  return compiled.conflicts
    .map((conflict) => {
      const mine = byOp.get(placeKey(conflict.op.origin)) ?? [];
      return { conflict, moves: mine, bytes: mine.reduce((n, m) => n + m.bytes, 0) };
    })
    .sort((a, b) => b.bytes - a.bytes);
}

export function conflictText(compiled: Compiled, { conflict, moves, bytes }: ConflictCost): string[] {
  const { op, candidates, winner, why } = conflict;
  const side = (c: Candidate, i: number): string =>
    `  ${winner === i ? 'won ' : winner === undefined ? '    ' : 'lost'} ${axesText(compiled, c)} on dim ${c.dim} of ${nameOf(compiled, c.value)} (${c.factor} of the op): ${sourceOf(compiled, c.value, c.axes[0] as Candidate['axes'][number])}`;
  return [
    `${op.kind}${place(op.origin, compiled.source.source)}${bytes > 0 ? `: ${bytesText(bytes)} per device` : ''}`,
    ...candidates.map(side),
    `  why  ${why}`,
    ...moves.map((m) => `  paid ${moveText(m, compiled)}`),
  ];
}

/** Those that a value takes part in. */
export const conflictsOfValue = (all: readonly ConflictCost[], id: ValueId): ConflictCost[] =>
  all.filter((c) => c.conflict.candidates.some((side) => side.value === id));

export function axesText(compiled: Compiled, { value, axes }: Candidate): string {
  const func = mainFunction(compiled.propagated ?? compiled.module);
  const { layout } = valueInfo(func, value);
  const mesh = layout === undefined ? undefined : meshOf(compiled.propagated ?? compiled.module, layout.mesh);
  return axes.map((a) => (mesh === undefined ? a.name : axisText(mesh, a))).join('+');
}
