/** What the candidates of an op follow from, layouts aside: its rule, how it combines, which sums may pass through it. */
import { isSplat } from '../../../ir/elements.ts';
import type { FactorRule } from '../../../ir/factors.ts';
import type { Monoid } from '../../../ir/layout.ts';
import { identityOf } from '../../../ir/monoid.ts';
import { type AnyOpDef, haloOfFactor, type OpView, splitRule } from '../../../ir/op.ts';
import { type Elements, type Func, type Op, type ValueId, valueInfo, walkOps } from '../../../ir/program.ts';
import { byteSize, type TensorType, withShape } from '../../../ir/types.ts';
import type { OpShape } from '../candidates.ts';

/** The op that makes a value wherever it is wanted, for constants and the like. */
export type Cheap = (v: ValueId) => Op | undefined;

export function viewOf(func: Func, op: Op): OpView {
  const types = (ids: readonly ValueId[]): TensorType[] => ids.map((v) => valueInfo(func, v).type);
  return {
    kind: op.kind,
    attrs: op.attrs,
    regions: op.regions,
    operands: types(op.operands),
    results: types(op.results),
  };
}

/** Types of an op as they are without padding. */
export function trueSizes(func: Func, op: Op): Pick<OpView, 'operands' | 'results'> {
  const types = (ids: readonly ValueId[]): TensorType[] =>
    ids.map((v) => {
      const { type, padding } = valueInfo(func, v);
      return withShape(
        type,
        type.shape.map((n, d) => padding?.[d]?.size ?? n),
      );
    });
  return { operands: types(op.operands), results: types(op.results) };
}

export function opShape(op: Op, def: AnyOpDef, view: OpView, cheap: Cheap, readsAlone: boolean): OpShape {
  const rule: FactorRule = splitRule(def, view);
  const monoid = def.combiner?.(view) ?? null;
  const combiner = monoid !== null && startsAtIdentity(op, view, monoid, cheap) ? monoid : null;
  const narrowing =
    op.kind === 'convert' && byteSize(view.results[0] as TensorType) < byteSize(view.operands[0] as TensorType);
  const made: OpView = { ...view, makers: op.operands.map(cheap) };
  const halo = (f: number, shards: number): readonly number[] | null => haloOfFactor(def, made, rule, f, shards);
  const exchanges = (f: number, shards: number): number => def.exchanges?.(made, f, shards) ?? 1;
  const shapes = { operands: view.operands.map((t) => t.shape), results: view.results.map((t) => t.shape) };
  const zeros = op.operands.map((v) => isZero(cheap(v), cheap));
  // Sums are not rounded to fewer bits before they are paid.
  const linear = narrowing ? [] : (def.linearity?.(view) ?? []);
  return { rule, combiner, halo, exchanges, shapes, spare: undefined, movable: [], readsAlone, linear, zeros };
}

/** A reduce whose start value is not the monoid's identity must not start on every shard. */
function startsAtIdentity(op: Op, view: OpView, monoid: Monoid, cheap: Cheap): boolean {
  if (op.kind !== 'reduce' && op.kind !== 'reduce_window') return true;
  return op.operands.slice(op.operands.length / 2).every((v, i) => {
    const constant = cheap(v);
    const data = constant?.kind === 'constant' ? (constant.attrs.value as Elements).data : undefined;
    return data !== undefined && data[0] === identityOf(monoid, (view.results[i] as TensorType).dtype);
  });
}

/** Ops with the same signature and the same layouts around them choose among the same candidates. */
export function signatureOf(op: Op, view: OpView, cheap: Cheap, readsAlone: boolean): string {
  const types = [...view.operands, ...view.results].map((t) => `${t.dtype}${t.shape.join('x')}`);
  const same = op.operands.map((v) => op.operands.indexOf(v)).join('');
  const constants = op.operands.map((v) => (isZero(cheap(v), cheap) ? '=0' : splatText(cheap(v)))).join(',');
  return `${op.kind} ${types.join(',')} ${same} ${constants} ${readsAlone} ${attrsKey(op)}`;
}

/** A constant's one value: whether a reduction starts at its identity is part of the choice; what an iota counts, too. */
function splatText(op: Op | undefined): string {
  if (op === undefined) return '';
  if (op.kind === 'iota') return `#${String(op.attrs.dim)}`;
  const data = op.kind === 'constant' ? (op.attrs.value as Elements).data : undefined;
  return data?.length === 1 ? `=${String(data[0])}` : '=';
}

/** Attributes, and the regions with their values numbered in order of definition. */
function attrsKey(op: Op): string {
  const number = new Map<ValueId, number>();
  const numbered = (v: ValueId): number => {
    const known = number.get(v);
    if (known !== undefined) return known;
    number.set(v, number.size);
    return number.size - 1;
  };
  const attrs = (o: Op): string => JSON.stringify(o.attrs, (_, v) => (typeof v === 'bigint' ? String(v) : v));
  const parts = [attrs(op)];
  for (const region of op.regions) {
    parts.push(region.params.map(numbered).join());
    for (const o of walkOps(region))
      parts.push(`${o.kind}(${o.operands.map(numbered).join()})${attrs(o)}${o.results.map(numbered).join()}`);
  }
  return parts.join(';');
}

/** Zero, also broadcast. */
export function isZero(op: Op | undefined, cheap: Cheap): boolean {
  let at = op;
  while (at?.kind === 'broadcast_in_dim') at = cheap(at.operands[0] as ValueId);
  if (at?.kind !== 'constant') return false;
  const { data } = at.attrs.value as Elements;
  return data.every((x) => Number(x) === 0 && !Object.is(x, -0)) && isSplat(data, at.attrs.dtype as never);
}
