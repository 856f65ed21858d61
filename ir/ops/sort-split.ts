/**
 * How a sort is split over the shards of its own dim: shards sort what they hold and exchange parts of it, in one of two
 * ways, whichever moves less.
 *
 * - columns: Leighton's columnsort (Tight bounds on the complexity of parallel sorting, 1985), a column a shard. Sort; deal
 *   each column out to all; sort; give each a run of every column; sort. What is out of place then lies within p·(p - 1)
 *   elements, so neighbours exchange as many across their border. Columns must hold twice as many, and divide by p: up to
 *   p - 1 places are added to each, and taken out at the end.
 * - network: Batcher's merge exchange for any number of shards (Knuth, vol. 3, 5.2.2, algorithm M): in each round pairs
 *   exchange all they hold, one keeps the smaller half, the other the larger.
 *
 * Equal elements must come out as on one device, so the order has to be total. Where the comparator alone does not tell
 * all elements apart, they carry the place where they stood: an iota that the sort takes already (argsort), or one more.
 */
import type { OpAttrs } from '../attrs.ts';
import type { Maker, OpView } from '../op.ts';
import type { Block, Op, ValueId } from '../program.ts';
import { byteSize, type DType, DTYPES, isInexact, tensor, type TensorType } from '../types.ts';

type SortView = Pick<OpView<OpAttrs['sort']>, 'attrs' | 'operands' | 'regions' | 'makers'>;

export interface SortSplit {
  readonly way: 'columns' | 'network';
  /** Elements that a shard sorts at a time. */
  readonly column: number;
  /** Elements that neighbours exchange across their border. */
  readonly border: number;
  readonly rounds: readonly Round[];
  readonly marks: Marks;
  /** Elements received along the dim, and collectives one after another, per operand. */
  readonly elements: number;
  readonly exchanges: number;
}

/** What tells elements apart that the comparator takes for equal, and padding from elements. */
export type Marks =
  /** The comparator's order is total, and there is no padding. */
  | { readonly kind: 'none' }
  /** Of one operand, whose places are not asked for: is it padding? */
  | { readonly kind: 'padding' }
  /** An operand counts the places; `operand` absent: one more operand does. */
  | { readonly kind: 'places'; readonly operand?: number; readonly dtype: DType };

/** Pairs (low, high) of shards that exchange. */
export type Round = readonly (readonly [low: number, high: number])[];

/** Undefined where it cannot be split: no elements to exchange, or a comparator that is no order once there are NaNs. */
export function sortSplit(view: SortView, shards: number): SortSplit | undefined {
  const { attrs, operands } = view;
  const extent = operands[0]?.shape[attrs.dim] as number;
  if (extent === 0 || extent % shards !== 0 || shards === 1 || !isOrder(view)) return undefined;
  const held = extent / shards;
  const ways = [byColumns(view, held, shards), byNetwork(view, held, shards)].filter((w) => w !== undefined);
  return ways.reduce((best, w) => (bytesOf(view, w) < bytesOf(view, best) ? w : best));
}

/** Elements received, as if every operand had the width of the first: what is carried besides counts too. */
export function receivedBySort(view: SortView, split: SortSplit): number[] {
  const [first] = view.operands as readonly [TensorType];
  const more = (split.elements * markBytes(split.marks)) / byteSize(tensor(first.dtype, [1]));
  return view.operands.map((_, i) => (i === 0 ? split.elements + more : split.elements));
}

function byColumns(view: SortView, held: number, shards: number): SortSplit | undefined {
  const column = Math.ceil(held / shards) * shards;
  const border = shards * (shards - 1);
  if (column < 2 * border) return undefined;
  const added = column - held;
  const marks = marksOf(view, column * shards, added > 0);
  const elements = (2 * column * (shards - 1)) / shards + 2 * border + added * (shards - 1);
  return { way: 'columns', column, border, rounds: [], marks, elements, exchanges: added > 0 ? 5 : 4 };
}

function byNetwork(view: SortView, held: number, shards: number): SortSplit {
  const rounds = mergeRounds(shards);
  const marks = marksOf(view, held * shards, false);
  return {
    way: 'network',
    column: held,
    border: 0,
    rounds,
    marks,
    elements: held * rounds.length,
    exchanges: rounds.length,
  };
}

function bytesOf(view: SortView, { elements, marks }: SortSplit): number {
  return elements * (view.operands.reduce((n, t) => n + byteSize(tensor(t.dtype, [1])), 0) + markBytes(marks));
}

function markBytes(marks: Marks): number {
  if (marks.kind === 'none') return 0;
  if (marks.kind === 'padding') return 1;
  return marks.operand === undefined ? DTYPES[marks.dtype].bytes : 0;
}

/** What a sort of `count` places in all has to carry; `added`: some of them are none of the dim's. */
export function marksOf({ attrs, operands, regions, makers = [] }: SortView, count: number, added: boolean): Marks {
  const padding = added || attrs.size !== undefined;
  if (operands.length === 1 && isTotal(regions[0])) return { kind: padding ? 'padding' : 'none' };
  const operand = makers.findIndex((m, i) => countsPlaces(m, attrs.dim, operands[i], count));
  if (operand >= 0) return { kind: 'places', operand, dtype: (operands[operand] as TensorType).dtype };
  return { kind: 'places', dtype: count <= 1 << 16 ? 'u16' : 'u32' };
}

function countsPlaces(maker: Maker | undefined, dim: number, type: TensorType | undefined, count: number): boolean {
  if (maker?.kind !== 'iota' || maker.attrs?.dim !== dim || type === undefined) return false;
  const { class: cls, bits } = DTYPES[type.dtype];
  return cls === 'unsigned' ? count <= 2 ** bits : cls === 'signed' && count <= 2 ** (bits - 1);
}

/** `(a, b) → a < b` of numbers that are the same where neither is before the other. */
function isTotal(region: Block | undefined): boolean {
  const [op, end] = region?.ops ?? [];
  if (region === undefined || op?.kind !== 'compare' || end?.kind !== 'return') return false;
  const [a, b] = op.operands;
  const onParams = a !== b && [a, b].every((v) => region.params.includes(v as ValueId));
  return onParams && end.operands[0] === op.results[0];
}

/**
 * Floats compared otherwise than by TOTALORDER have an order but for NaN, and ≤ says of equals both that one is first and
 * that the other is: what then comes out depends on the algorithm, so those sorts stay whole.
 */
export function isOrder({ regions: [region], operands }: Pick<SortView, 'regions' | 'operands'>): boolean {
  if (region === undefined || !putsNoneBeforeEquals(region)) return false;
  const exact = new Set(region.params.filter((_, i) => !isInexact((operands[i >> 1] as TensorType).dtype)));
  return region.ops.every((op) => {
    if (op.regions.length > 0) return false;
    if (givesExact(op, exact)) for (const r of op.results) exact.add(r);
    const { direction, compare_type } = op.attrs as Partial<OpAttrs['compare']>;
    if (op.kind !== 'compare' || direction === 'EQ' || direction === 'NE') return true;
    const hasNoNaN = compare_type === 'TOTALORDER' || op.operands.every((v) => exact.has(v));
    return (direction === 'LT' || direction === 'GT') && hasNoNaN;
  });
}

/** Is the answer no where both sides are the same? Found by numbering values, so that what is computed of each side is one. */
function putsNoneBeforeEquals({ params, ops }: Block): boolean {
  const numbers = new Map(params.map((p, i) => [p, `side ${i >> 1}`]));
  const read = (v: ValueId | undefined): string => numbers.get(v as ValueId) ?? `value ${v}`;
  for (const op of ops) {
    const [a, b, c] = op.operands.map(read);
    if (op.kind === 'return') return a === NO;
    const no =
      (op.kind === 'compare' && a === b && ['LT', 'GT'].includes(String(op.attrs.direction))) ||
      (op.kind === 'and' && (a === NO || b === NO)) ||
      (op.kind === 'or' && a === NO && b === NO) ||
      (op.kind === 'select' && b === NO && c === NO);
    const made = `${op.kind}(${a}, ${b}, ${c}) ${JSON.stringify(op.attrs, exactly)}`;
    for (const r of op.results) numbers.set(r, no ? NO : made);
  }
  return false;
}

const NO = 'no';

/** JSON knows no NaN, no infinity, no -0 and no wide integers. */
const exactly = (_: string, v: unknown): unknown =>
  typeof v === 'bigint' || typeof v === 'number' ? (Object.is(v, -0) ? '-0' : String(v)) : v;

/** Integers or truths, as far as the op itself says; what a region reads from outside is not known to be. */
function givesExact({ kind, attrs, operands }: Op, exact: ReadonlySet<ValueId>): boolean {
  if (kind === 'compare' || kind === 'is_finite') return true;
  const { dtype } = attrs as { readonly dtype?: DType };
  return dtype === undefined ? operands.every((v) => exact.has(v)) : !isInexact(dtype);
}

/** Batcher's merge exchange: ⌈log₂ p⌉·(⌈log₂ p⌉ + 1) / 2 rounds. */
export function mergeRounds(shards: number): Round[] {
  const found: Round[] = [];
  const top = 2 ** (Math.ceil(Math.log2(shards)) - 1);
  for (let p = top; p >= 1; p /= 2) {
    for (let q = top, r = 0, d = p; ; d = q - p, q /= 2, r = p) {
      const lows = Array.from({ length: shards - d }, (_, i) => i).filter((i) => (i & p) === r);
      if (lows.length > 0) found.push(lows.map((i) => [i, i + d]));
      if (q === p) break;
    }
  }
  return found;
}
