/** What an op needs in its operands' padding, and what its results then hold in theirs: the rules of its factors, dim by dim. */
import type { OpAttrs } from '../../../ir/attrs.ts';
import type { Layout } from '../../../ir/layout.ts';
import { IDEMPOTENT, identityOf } from '../../../ir/monoid.ts';
import type { AnyOpDef, OpView } from '../../../ir/op.ts';
import { splatValue } from '../../../ir/ops/shaping.ts';
import { anyOf, COPIES, type PadContent, satisfies } from '../../../ir/padding.ts';
import type { DType } from '../../../ir/types.ts';
import { majorOf, type PadView } from './joins.ts';
import type { Known, Needs } from './padded-values.ts';

/** `grows`: is any dim of the factor longer than it truly is? Null = nothing known beforehand would do. */
export function needsOf(
  view: OpView,
  { rule, pads }: PadView,
  known: readonly Known[],
  grows: (factor: number) => boolean,
): Needs[] | null {
  const needs: (PadContent | undefined)[][] = view.operands.map(() => []);
  for (const [f, pad] of pads.entries()) {
    if (pad?.needs === undefined || !grows(f)) continue;
    const wanted = pad.needs(heldIn(view, rule, f, known));
    if (wanted === null) return null;
    wanted.forEach((need, i) =>
      rule.operands[i]?.forEach((dims, d) => {
        if (majorOf(rule, dims) === f) (needs[i] as PadContent[])[d] = need ?? 'unknown';
      }),
    );
  }
  return needs;
}

/** `known` of the operands as the op takes them. */
export function givenBy(def: AnyOpDef, view: OpView, { rule, pads }: PadView, known: readonly Known[]): Known[] {
  const splat = splatOf(def, view, rule, known);
  return view.results.map(({ dtype }, r) => {
    const contents = (rule.results[r] ?? []).map((dims): PadContent => {
      const f = majorOf(rule, dims);
      const pad = f === undefined ? null : (pads[f] ?? null);
      if (f === undefined || pad === null) return 'unknown';
      const given = pad.gives?.(heldIn(view, rule, f, known))[r] ?? 'unknown';
      return given === 'unknown' ? anyOf(dtype) : given;
    });
    return { contents, splat };
  });
}

/** What each operand holds in the factor's padding, or everywhere where it lacks the factor. */
function heldIn(view: OpView, rule: PadView['rule'], f: number, known: readonly Known[]): PadContent[] {
  return view.operands.map(({ dtype }, i) => {
    const { contents, splat } = known[i] ?? { contents: [] };
    if (splat !== undefined) return { value: splat };
    const d = rule.operands[i]?.findIndex((dims) => majorOf(rule, dims) === f) ?? -1;
    const held = contents[d] ?? 'unknown';
    return held === 'unknown' ? anyOf(dtype) : held;
  });
}

/** The one value of all elements: of constants, and what moves or maps them. */
function splatOf(
  def: AnyOpDef,
  view: OpView,
  rule: PadView['rule'],
  known: readonly Known[],
): number | bigint | undefined {
  if (view.kind === 'constant') return splatValue(view.attrs as OpAttrs['constant']);
  if (known.length === 0 || known.some((k) => k.splat === undefined)) return undefined;
  const pad = def.padRule?.(view, 0, rule);
  const maps = pad === COPIES || rule.elementwise === true;
  const [given] = maps ? (pad?.gives?.(known.map((k) => ({ value: k.splat as number | bigint }))) ?? []) : [];
  return typeof given === 'object' ? given.value : undefined;
}

/** What padding holds once the devices' parts of it are combined, where that is owed. */
export function combinedPadding(held: PadContent, { unreduced, monoid = 'sum' }: Layout, dtype: DType): PadContent {
  if (unreduced.length === 0 || IDEMPOTENT.has(monoid)) return held;
  return satisfies(held, { value: identityOf(monoid, dtype) }) ? held : anyOf(dtype);
}
