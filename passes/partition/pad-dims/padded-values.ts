/**
 * Every value of the program in the shapes that its users want: as long as its dims became, or as long as they truly
 * are; and with what they need to find in the padding. What is not at hand is made: a slice, a pad, a select.
 *
 *   %a = pad %x high=[2] : f32[12]                       // %x : f32[10]
 *   %m = select (iota < 10), %a, 1.0 : f32[12]           // for a product
 */
import type { FuncBuilder } from '../../../ir/build.ts';
import { elementsOf } from '../../../ir/elements.ts';
import { internalError } from '../../../ir/diagnostics.ts';
import { dimAxes, type Layout, layoutOf } from '../../../ir/layout.ts';
import { type PadContent, anyOf, holdsFinite, paddingOf, satisfies, zeroOf } from '../../../ir/padding.ts';
import { type Attrs, type Func, type Op, type Origin, type ValueId, valueInfo } from '../../../ir/program.ts';
import { DTYPES, tensor, type TensorType, withShape } from '../../../ir/types.ts';
import type { Extents } from './extents.ts';

/** What is known of a value of the new program. */
export interface Known {
  /** By dim; of dims that are not padded it says nothing. */
  readonly contents: readonly PadContent[];
  /** The one value of all its elements, padding included. */
  readonly splat?: number | bigint | undefined;
}

/** A value of the old program in one shape. */
interface Copy extends Known {
  readonly id: ValueId;
  readonly shape: readonly number[];
}

/** What added elements hold where nothing is needed of them: zeros. For tests: another number, or what must not be seen. */
export interface Fill {
  readonly value?: number;
  /** NaN, and this number for integers, also over what ops leave there and claim nothing of. */
  readonly poison?: number;
}

/** By dim, what the padding must hold. */
export type Needs = readonly (PadContent | undefined)[];

const same = (a: readonly number[], b: readonly number[]): boolean => a.every((n, d) => n === b[d]);

export class PaddedValues {
  readonly func: Func;
  readonly extents: Extents;
  readonly builder: FuncBuilder;
  private readonly fill: Fill;
  /** The first is how the value was made. Inner scopes see the outer ones; what they add is dropped at their end. */
  private readonly copies = new Map<ValueId, Copy[]>();
  private readonly scopes: ValueId[][] = [[]];
  /** Ops that are made anew in another shape rather than cut or padded. */
  private readonly cheap = new Map<ValueId, Op>();

  constructor(func: Func, extents: Extents, builder: FuncBuilder, fill: Fill) {
    this.func = func;
    this.extents = extents;
    this.builder = builder;
    this.fill = fill;
  }

  trueType(old: ValueId): TensorType {
    return valueInfo(this.func, old).type;
  }

  /** `id` is `old` in the shape that it has. */
  bind(old: ValueId, id: ValueId, known: Known): void {
    const copy: Copy = { ...known, id, shape: this.builder.typeOf(id).shape };
    const held = (d: number): PadContent =>
      known.splat === undefined ? (known.contents[d] ?? 'unknown') : { value: known.splat };
    this.builder.setPadding(id, paddingOf(this.trueType(old).shape, copy.shape, held));
    const copies = this.copies.get(old);
    if (copies === undefined) this.copies.set(old, [copy]);
    else copies.push(copy);
    this.scopes.at(-1)?.push(old);
  }

  /** The op may be repeated wherever its result is wanted in another shape: `at` gives its attributes there. */
  bindCheap(old: ValueId, op: Op): void {
    this.cheap.set(old, op);
  }

  /** Runs `fill` with a scope of its own. */
  scoped<T>(fill: () => T): T {
    this.scopes.push([]);
    const made = fill();
    for (const old of this.scopes.pop() ?? []) this.copies.get(old)?.pop();
    return made;
  }

  /** A fresh value that stands for `old` in another shape, laid out as far as its dims divide. */
  like(old: ValueId, shape: readonly number[]): ValueId {
    const info = valueInfo(this.func, old);
    if (same(shape, info.type.shape) && info.layout === undefined) return this.builder.value(info.type, info);
    const layout = this.extents.layout(old, shape);
    const made = this.builder.value(withShape(info.type, shape), {
      ...info,
      ...(layout === undefined ? {} : { layout }),
    });
    this.builder.setPadding(made, paddingOf(info.type.shape, shape));
    return made;
  }

  /** The value in this shape, its padding as needed. */
  get(old: ValueId, shape: readonly number[], op: Op, needs: Needs = []): Copy {
    const fits = (c: Copy): boolean =>
      same(c.shape, shape) &&
      shape.every((n, d) => n === this.size(old, d) || satisfies(c.contents[d] ?? 'unknown', needs[d]));
    const copies = this.copies.get(old) ?? [];
    const found = copies.find(fits);
    if (found !== undefined) return found;
    const shaped = copies.find((c) => same(c.shape, shape)) ?? this.reshaped(old, shape, op, needs);
    return shape.reduce<Copy>((copy, n, d) => {
      const need = needs[d];
      if (n === this.size(old, d) || need === undefined || satisfies(copy.contents[d] ?? 'unknown', need)) return copy;
      return this.masked(
        old,
        copy,
        d,
        need === 'finite' || need === 'unknown' ? zeroOf(this.trueType(old).dtype) : need.value,
        op,
      );
    }, shaped);
  }

  /** What a copy in this shape will hold if nothing is asked of it. */
  expected(old: ValueId, shape: readonly number[]): Known {
    const copies = this.copies.get(old) ?? [];
    const found = copies.find((c) => same(c.shape, shape));
    if (found !== undefined || copies[0] === undefined) return found ?? { contents: [] };
    const { contents, splat, shape: from } = copies[0];
    if (splat !== undefined) return { contents: [], splat };
    const type = this.trueType(old);
    const fill: PadContent = this.fill.poison !== undefined ? anyOf(type.dtype) : { value: this.filler(type) };
    return { contents: shape.map((n, d) => (n > (from[d] as number) ? fill : (contents[d] ?? 'unknown'))) };
  }

  /** Overwrites what nothing is claimed of. */
  poison(old: ValueId, op: Op): void {
    const copies = this.copies.get(old) ?? [];
    const [made] = copies;
    if (made === undefined || made.splat !== undefined) return;
    made.shape.forEach((n, d) => {
      const last = copies.at(-1) as Copy;
      if (n === this.size(old, d) || typeof last.contents[d] === 'object') return;
      const masked = this.masked(old, last, d, poisonOf(this.trueType(old), this.fill.poison ?? 0), op);
      const contents = masked.contents.map((c, e) => (e === d ? (last.contents[d] ?? 'unknown') : c));
      copies[copies.indexOf(masked)] = { ...masked, contents };
    });
    const last = copies.pop() as Copy;
    copies.unshift(last);
  }

  private filler(type: TensorType): number | bigint {
    const value = this.fill.value ?? 0;
    if (this.fill.poison !== undefined) return poisonOf(type, this.fill.poison);
    return typeof zeroOf(type.dtype) === 'bigint' ? BigInt(value) : value;
  }

  private size(old: ValueId, d: number): number {
    return this.trueType(old).shape[d] as number;
  }

  // --- other shapes -------------------------------------------------------------------------------------------------

  private reshaped(old: ValueId, shape: readonly number[], op: Op, needs: Needs): Copy {
    const cheap = this.cheap.get(old);
    if (cheap !== undefined) return this.remade(old, cheap, shape);
    const from = this.copies.get(old)?.[0];
    if (from === undefined) throw internalError(`pad-dims: operand ${old} of ${op.kind} is not made yet`);
    return shape.every((n, d) => n <= (from.shape[d] as number))
      ? this.sliced(old, from, shape, op)
      : this.padded(old, from, shape, op, needs);
  }

  private remade(old: ValueId, op: Op, shape: readonly number[]): Copy {
    const id = this.like(old, shape);
    const operands = op.operands.map((v) => this.get(v, this.trueType(v).shape, op).id);
    this.builder.push({ ...op, operands, results: [id], attrs: { ...op.attrs, shape } });
    const known = this.copies.get(old)?.[0] ?? { contents: [] };
    return this.added(old, id, known);
  }

  private sliced(old: ValueId, from: Copy, shape: readonly number[], op: Op): Copy {
    const attrs = { start: shape.map(() => 0), limit: shape, strides: shape.map(() => 1) };
    return this.made(
      old,
      shape,
      'slice',
      [from.id],
      attrs,
      this.reason(op, `${op.kind} takes the true elements`),
      from,
    );
  }

  private padded(old: ValueId, from: Copy, shape: readonly number[], op: Op, needs: Needs): Copy {
    const type = this.trueType(old);
    const grows = shape.map((n, d) => n > (from.shape[d] as number));
    const wanted = needs.find((n, d) => grows[d] === true && typeof n === 'object');
    const value = typeof wanted === 'object' ? wanted.value : this.filler(type);
    const origin = this.reason(op, this.growth(old, shape));
    const fill = this.scalar(type, value, origin);
    const high = shape.map((n, d) => n - (from.shape[d] as number));
    const zeros = shape.map(() => 0);
    const held: PadContent = this.fill.poison !== undefined && wanted === undefined ? anyOf(type.dtype) : { value };
    // Elements that two dims' padding share hold the new value: what the other held stays true if it is the same.
    const contents = shape.map((_, d) => (grows[d] === true ? held : joined(from.contents[d] ?? 'unknown', held)));
    return this.made(old, shape, 'pad', [from.id, fill], { low: zeros, high, interior: zeros }, origin, { contents });
  }

  /** Why, in the user's words. */
  private growth(old: ValueId, shape: readonly number[]): string {
    const { layout, name } = valueInfo(this.func, old);
    const dims = shape.flatMap((n, d) => {
      const size = this.size(old, d);
      const axes =
        layout === undefined
          ? ''
          : dimAxes(layout, d)
              .map((a) => `${a.name}=${a.size}`)
              .join(', ');
      return n === size
        ? []
        : [`dim ${d} of ${size} elements is padded to ${n}${axes === '' ? '' : `, which divide by ${axes}`}`];
    });
    return `${name === undefined ? '' : `%${name}: `}${dims.join('; ')}`;
  }

  // --- masks --------------------------------------------------------------------------------------------------------

  private masked(old: ValueId, copy: Copy, dim: number, value: number | bigint, op: Op): Copy {
    const { dtype } = this.trueType(old);
    const { layout } = this.builder.values[copy.id] ?? {};
    const [shape, size] = [copy.shape, this.size(old, dim)];
    const origin = this.reason(op, `${op.kind} would see the padding after element ${size} of dim ${dim}`);
    const whole = this.trueType(old).shape;
    const inside = this.inside(shape, whole, dim, size, layout, origin);
    const fill = this.splat(tensor(dtype, shape), value, layout, origin);
    this.builder.setPadding(
      fill,
      paddingOf(whole, shape, () => ({ value })),
    );
    const contents = shape.map((_, d) => (d === dim ? { value } : joined(copy.contents[d] ?? 'unknown', { value })));
    return this.made(old, shape, 'select', [inside, copy.id, fill], {}, origin, { contents });
  }

  /** pred of the whole shape, of which `whole` is true: does the element lie in the first `size` of the dim? */
  inside(
    shape: readonly number[],
    whole: readonly number[],
    dim: number,
    size: number,
    layout: Layout | undefined,
    origin: Origin,
  ): ValueId {
    const lineLayout = layout === undefined ? undefined : layoutOf(layout.mesh, [dimAxes(layout, dim)]);
    const line = [shape[dim] as number];
    // Elsewhere this very number may be asked of it: the mask must stay one at another extent.
    const no: PadContent = { value: 0 };
    const end = [whole[dim] as number];
    const iota = this.op('iota', [], tensor('i32', line), { dim: 0, dtype: 'i32', shape: line }, lineLayout, origin);
    const limit = this.splat(tensor('i32', line), size, lineLayout, origin);
    const within = this.op(
      'compare',
      [iota, limit],
      tensor('pred', line),
      { direction: 'LT', compare_type: 'SIGNED' },
      lineLayout,
      origin,
    );
    this.builder.setPadding(
      iota,
      paddingOf(end, line, () => 'finite'),
    );
    this.builder.setPadding(
      limit,
      paddingOf(end, line, () => ({ value: size })),
    );
    this.builder.setPadding(
      within,
      paddingOf(end, line, () => no),
    );
    if (shape.length === 1) return within;
    const spread = this.op('broadcast_in_dim', [within], tensor('pred', shape), { dims: [dim], shape }, layout, origin);
    this.builder.setPadding(
      spread,
      paddingOf(whole, shape, (d) => (d === dim ? no : 'unknown')),
    );
    return spread;
  }

  // --- ops of this pass ---------------------------------------------------------------------------------------------

  op(
    kind: string,
    operands: readonly ValueId[],
    type: TensorType,
    attrs: Attrs,
    layout: Layout | undefined,
    origin: Origin,
  ): ValueId {
    const [id] = this.builder.op(kind, operands, [type], origin, attrs);
    if (layout !== undefined) this.builder.setLayout(id as ValueId, layout);
    return id as ValueId;
  }

  splat(type: TensorType, value: number | bigint, layout: Layout | undefined, origin: Origin): ValueId {
    const data = elementsOf(type.dtype, DTYPES[type.dtype].class === 'complex' ? [value, 0] : [value]);
    return this.op('constant', [], type, { value: { data }, dtype: type.dtype, shape: type.shape }, layout, origin);
  }

  scalar(type: TensorType, value: number | bigint, origin: Origin): ValueId {
    const mesh = this.func.values.find((v) => v.layout !== undefined)?.layout?.mesh;
    return this.splat(tensor(type.dtype, []), value, mesh === undefined ? undefined : layoutOf(mesh, []), origin);
  }

  reason(op: Op, reason: string): Origin {
    return { pass: 'pad-dims', from: [op.origin], reason };
  }

  private made(
    old: ValueId,
    shape: readonly number[],
    kind: string,
    operands: readonly ValueId[],
    attrs: Attrs,
    origin: Origin,
    known: Known,
  ): Copy {
    const id = this.like(old, shape);
    this.builder.values[id] = { ...(this.builder.values[id] as { type: TensorType }), origin };
    this.builder.push({ kind, operands, results: [id], attrs, regions: [], origin });
    return this.added(old, id, { contents: known.contents, splat: known.splat });
  }

  private added(old: ValueId, id: ValueId, known: Known): Copy {
    this.bind(old, id, known);
    return this.copies.get(old)?.at(-1) as Copy;
  }
}

/** What a dim's padding holds after part of it was overwritten with another dim's. */
const joined = (held: PadContent, by: PadContent): PadContent =>
  satisfies(by, held) ? held : holdsFinite(held) && holdsFinite(by) ? 'finite' : 'unknown';

/** What no right program lets through. */
function poisonOf({ dtype }: TensorType, integer: number): number | bigint {
  const { class: cls, bits } = DTYPES[dtype];
  if (cls === 'float' || cls === 'complex') return Number.NaN;
  if (cls === 'pred') return 1;
  return bits === 64 ? BigInt(integer) : Math.min(integer, 2 ** (bits - 1) - 1);
}
