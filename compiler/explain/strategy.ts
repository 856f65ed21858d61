/**
 * What an op might have done instead, with bytes:
 *
 *   chosen: {x, y} · {y, _} → {x, _; unreduced=y}, 8 ways: 12.0 KB on the wire around it, per device
 *     %y all_reduce 12.0 KB
 *   rejected: {x, _} · {_, _} → {x, _}, 2 ways: 24.0 KB, 12.0 KB more
 *     %w all_gather 20.0 KB, %x all_gather 4.0 KB
 */
import { type Layout, layoutText } from '../../ir/layout.ts';
import { type Func, meshOf, type Span, type ValueId, valueInfo } from '../../ir/program.ts';
import { type Alternative, alternativesOf } from '../../passes/partition/decide/alternatives.ts';
import type { CopiedValue } from '../../passes/partition/decide/solution.ts';
import type { Compiled } from '../compile.ts';
import { bytesText } from '../units.ts';

/** Rejected ones are shown up to here; the rest is counted. */
const MOST_SHOWN = 6;

/** Lines for the values of that name and place; none where nothing was to choose. */
export function strategyOf(compiled: Compiled, name: string | undefined, span: Span | undefined): string[] {
  const { decided } = compiled;
  if (decided === undefined || name === undefined) return [];
  const { func, solution, known } = decided;
  const id = func.values.findIndex((v) => v.name === name && v.origin?.span?.start === span?.start) as ValueId;
  const node = id < 0 ? undefined : solution.graph.values[id]?.maker;
  if (node === undefined) return [];
  const [chosen, ...rejected] = alternativesOf(node, solution, known);
  if (chosen === undefined || rejected.length === 0) return [];
  const mesh = meshOf(compiled.source, (valueInfo(func, id).layout ?? (chosen.results[0] as Layout)).mesh);
  const side = (layouts: readonly Layout[]): string => layouts.map((l) => layoutText(mesh, l)).join(' · ');
  const what = (a: Alternative): string =>
    node.kind === 'tie'
      ? `${side(a.results.slice(0, 1))}: ${bytesText(a.bytes)}`
      : `${side(a.operands)} → ${side(a.results)}, ${a.shards} ways: ${bytesText(a.bytes)}`;
  const moves = (a: Alternative): string[] =>
    a.moves.length === 0 ? [] : [`  ${a.moves.map((m) => moveText(func, m)).join(', ')}`];
  const lines = [`chosen: ${what(chosen)} on the wire around it, per device`, ...moves(chosen)];
  for (const a of rejected.slice(0, MOST_SHOWN)) lines.push(`rejected: ${what(a)}, ${why(a, chosen)}`, ...moves(a));
  if (rejected.length > MOST_SHOWN) lines.push(`rejected: ${rejected.length - MOST_SHOWN} more, none with fewer bytes`);
  return lines;
}

/** Slices cost nothing, and are left out. */
function moveText(func: Func, { value, plan, bytes }: CopiedValue): string {
  const kinds = plan.steps.map((s) => s.kind).filter((kind) => kind !== 'all_slice');
  return `%${valueInfo(func, value).name ?? value} ${kinds.join(' + ')} ${bytesText(bytes)}`;
}

function why(a: Alternative, chosen: Alternative): string {
  if (a.shards < chosen.shards && a.bytes <= chosen.bytes)
    return `splits the work ${a.shards} ways instead of ${chosen.shards}`;
  if (a.bytes > chosen.bytes) return `${bytesText(a.bytes - chosen.bytes)} more`;
  return a.bytes < chosen.bytes ? 'slower on the machine' : 'no fewer bytes';
}
