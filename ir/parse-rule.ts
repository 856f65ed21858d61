/**
 * Rules as they are written, and as MLIR prints them: `<([i, k], [k, j])->([i, j]) {i=8, j=16, k=32} reduction={k}, custom>`.
 * Factors are i to z, then z_1, z_2, …, all of them listed with their sizes in that order.
 */
import { type Factor, type FactorKind, factorName, type FactorRule } from './factors.ts';

const FACTOR = '(?:z_[1-9]\\d*|[i-z])';
const list = (item: string): string => `(?:${item}(?:\\s*,\\s*${item})*)?`;
const TENSOR = `\\[\\s*${list(`${FACTOR}+`)}\\s*\\]`;
const TENSORS = `\\(\\s*(${TENSOR}(?:\\s*,\\s*${TENSOR})*)\\s*\\)`;
const set = (name: string): string => `(?:\\s*${name}\\s*=\\s*\\{\\s*(${FACTOR}(?:\\s*,\\s*${FACTOR})*)\\s*\\})?`;
const RULE = new RegExp(
  `^\\s*<?\\s*${TENSORS}\\s*->\\s*${TENSORS}\\s*(?:\\{\\s*(${list(`${FACTOR}\\s*=\\s*\\d+`)})\\s*\\})?` +
    `${set('reduction')}${set('need_replication')}${set('permutation')}${set('blocked_propagation')}` +
    `\\s*(?:,\\s*custom)?\\s*>?\\s*$`,
);

/** Undefined: it does not read as one. */
export function parseRule(text: string): FactorRule | undefined {
  const found = RULE.exec(text);
  if (found === null) return undefined;
  const [, operands = '', results = '', sizes = '', ...sets] = found;
  const named = [...sizes.matchAll(new RegExp(`(${FACTOR})\\s*=\\s*(\\d+)`, 'g'))];
  const index = new Map(named.map(([, name], i) => [name as string, i]));
  if (named.some(([, name, size], i) => name !== factorName(i) || !Number.isSafeInteger(Number(size))))
    return undefined;
  const indices = (names: string): number[] => (names.match(NAMES) ?? []).map((n) => index.get(n) ?? -1);
  const [reduce, replicate, permute, blocked] = sets.map((s) => indices(s ?? '')) as [
    number[],
    number[],
    number[],
    number[],
  ];
  const special = [...reduce, ...replicate, ...permute];
  if (new Set(special).size !== special.length || special.includes(-1)) return undefined;
  if ([reduce, replicate, permute, blocked].some((l) => l.some((f, i) => f <= (l[i - 1] ?? -1)))) return undefined;
  const kind = (f: number): FactorKind =>
    reduce.includes(f) ? 'reduce' : replicate.includes(f) ? 'replicate' : permute.includes(f) ? 'permute' : 'pass';
  const factors = named.map(
    ([, , size], f): Factor => ({
      size: Number(size),
      kind: kind(f),
      ...(blocked.includes(f) ? { blocked: true } : {}),
    }),
  );
  const side = (tensors: string): number[][][] =>
    [...tensors.matchAll(/\[([^\]]*)\]/g)].map(([, dims = '']) =>
      dims.trim() === '' ? [] : dims.split(',').map((d) => indices(d)),
    );
  const rule = { factors, operands: side(operands), results: side(results) };
  return [...rule.operands, ...rule.results].flat(2).includes(-1) ? undefined : rule;
}

const NAMES = new RegExp(FACTOR, 'g');
