/** Attribute values: numbers, lists, dense elements, dialect attributes, layouts. */
import { closedDim, type DimSharding, type Layout, type Monoid, openDim, overlappingAxis } from '../layout.ts';
import { type AxisRef, type Mesh, sameMesh } from '../mesh.ts';
import { elementsOf, isWide } from '../elements.ts';
import type { ElementArray } from '../program.ts';
import { userError } from '../diagnostics.ts';
import { DTYPES, type DType, elementCount, type TensorType } from '../types.ts';
import type { Reader } from './reader.ts';

/** What an attribute reads as; dialect attributes give their fields, unknown ones their text. */
export type Value =
  | number
  | string
  | boolean
  | Value[]
  | { readonly [key: string]: Value }
  | Layout
  | readonly (Layout | undefined)[];

export class AttributeReader {
  private readonly r: Reader;
  readonly meshes: Mesh[] = [];

  constructor(reader: Reader) {
    this.r = reader;
  }

  /** `{a = 1, b}`; a bare name is true. Keys may be quoted. */
  dict(close = '}', open = '{'): Map<string, Value> {
    const found = new Map<string, Value>();
    this.r.list(open, close, () => {
      const key = this.r.isKind('string') ? this.r.string() : this.r.take();
      found.set(key, this.r.accept('=') ? this.value() : true);
    });
    return found;
  }

  value(): Value {
    const r = this.r;
    if (r.isKind('number') || r.isKind('hex')) {
      const value = Number(r.take());
      this.skipType();
      return value;
    }
    if (r.isKind('string')) return r.string();
    if (r.is('[')) return r.list('[', ']', () => this.value());
    if (r.is('{')) return Object.fromEntries(this.dict());
    if (r.isKind('symbol') || r.isKind('quotedSymbol')) return r.symbol();
    if (r.isKind('hash')) return this.dialect();
    if (r.is('array')) return this.array();
    if (r.is('dense')) return this.denseIntegers();
    if (r.is('<')) return Object.fromEntries(r.nested(() => this.dict('>', '<')));
    const word = r.take();
    if (word === 'true' || word === 'false') return word === 'true';
    return word;
  }

  private skipType(): void {
    if (this.r.is(':') && /^[iu]|^f|^index/.test(this.r.peek(1))) this.r.at += 2;
    else if (this.r.is(':') && this.r.tokens[this.r.at + 1]?.tokenType.name === 'tensor') this.r.at += 2;
  }

  private array(): number[] | boolean[] {
    const r = this.r;
    r.take();
    r.expect('<');
    r.take();
    const items: (number | boolean)[] = [];
    if (r.accept(':')) {
      do items.push(r.is('true') || r.is('false') ? r.take() === 'true' : r.integer());
      while (r.accept(','));
    }
    r.expect('>');
    return items as number[];
  }

  /** `dense<[[0, 1], [2, 3]]> : tensor<2x2xi64>` as nested lists. */
  private denseIntegers(): Value {
    const r = this.r;
    r.take();
    r.expect('<');
    const value = r.is('>') ? [] : this.value();
    r.expect('>');
    r.expect(':');
    const shape = r.attributeShape();
    const flat = (Array.isArray(value) ? value.flat(8) : [value]) as Value[];
    const count = shape.reduce((n, s) => n * s, 1);
    if (count > MAX_ATTRIBUTE)
      throw r.error(`an attribute of ${count} elements`, `at most ${MAX_ATTRIBUTE}`, undefined, r.at - 1);
    const full = flat.length === 1 && count !== 1 ? Array.from({ length: count }, () => flat[0] as Value) : flat;
    return shape.length === 2 ? rows(full, shape[1] as number) : full;
  }

  /** `#stablehlo.gather<…>`, `#stablehlo<precision DEFAULT>`, `#sdy.sharding<…>`. */
  private dialect(): Value {
    const r = this.r;
    const name = r.take();
    if (name === '#sdy.sharding') return this.layout();
    if (name === '#sdy.sharding_per_value') {
      r.expect('<');
      const layouts = r.list('[', ']', () => this.layout());
      r.expect('>');
      return layouts;
    }
    if (!r.is('<')) return name;
    const keyed = r.peek(2) === '=' || r.peek(1) === '>';
    if (keyed) return Object.fromEntries(r.nested(() => this.dict('>', '<')));
    return this.opaque();
  }

  /** `<comparison_direction LT>` → `LT`; anything else → its text. */
  private opaque(): string {
    const r = this.r;
    const from = r.at;
    let depth = 0;
    do {
      if (r.is('<')) depth++;
      if (r.is('>')) depth--;
      r.take();
    } while (depth > 0);
    return r.at - from === 4 ? (r.tokens[r.at - 2]?.image ?? '') : r.slice(from, r.at);
  }

  /** `<@mesh, [{"x"}, {"y", ?}p1], replicated={"z"}, unreduced={"w"}>`. */
  layout(): Layout {
    const r = this.r;
    const from = r.at;
    r.expect('<');
    const name = r.is('mesh') ? this.inlineMesh() : r.symbol();
    const mesh = this.meshes.find((m) => m.name === name);
    if (mesh === undefined)
      throw userError('SH0214', `there is no mesh @${name}`, {
        span: r.span(r.at - 1),
        expected: `one of ${this.meshes.map((m) => `@${m.name}`).join(', ') || "the module's meshes, but it has none"}`,
      });
    r.expect(',');
    const dims = r.list('[', ']', () => this.dim(mesh));
    const extra = { replicated: [] as AxisRef[], unreduced: [] as AxisRef[] };
    let monoid: Monoid | undefined;
    while (r.accept(',')) {
      const key = r.take();
      r.expect('=');
      if (r.isKind('id')) monoid = r.take() as Monoid;
      const axes = r.list('{', '}', () => this.axis(mesh));
      if (key === 'replicated') extra.replicated = axes;
      else if (key === 'unreduced') extra.unreduced = axes;
      else throw r.error(`unknown field ${key} of a sharding`, 'replicated or unreduced');
    }
    r.expect('>');
    const layout: Layout = { mesh: name, dims, ...extra, ...(monoid === undefined ? {} : { monoid }) };
    this.checkDisjoint(layout, from);
    return layout;
  }

  /** `<["x"=2, "y"=4], device_ids=[…]>` */
  meshBody(): Omit<Mesh, 'name'> {
    const r = this.r;
    r.expect('<');
    const axes = r.list('[', ']', () => {
      const axis = r.string();
      r.expect('=');
      return { name: axis, size: r.integer() };
    });
    let deviceIds: number[] | undefined;
    if (r.accept(',')) {
      if (r.take() !== 'device_ids') throw r.unexpected('device_ids');
      r.expect('=');
      deviceIds = r.integers();
    }
    r.expect('>');
    return { axes, ...(deviceIds === undefined ? {} : { deviceIds }) };
  }

  /** `mesh<["x"=2]>` inside a sharding: the module's mesh that is like it, or a new one (Shardy, lift_inlined_meshes.cc). */
  private inlineMesh(): string {
    this.r.take();
    const body = this.meshBody();
    const known = this.meshes.find((m) => sameMesh(m, { name: '', ...body }));
    if (known !== undefined) return known.name;
    const [only, ...more] = body.deviceIds ?? [];
    const maximal = body.axes.length === 0 && only !== undefined && more.length === 0;
    const base = maximal ? `maximal_mesh_${only}` : body.axes.length === 0 ? 'empty_mesh' : 'mesh';
    let name = base;
    for (let i = 0; this.meshes.some((m) => m.name === name); i++) name = `${base}_${i}`;
    this.meshes.push({ name, ...body });
    return name;
  }

  private dim(mesh: Mesh): DimSharding {
    const r = this.r;
    let open = false;
    const axes: AxisRef[] = [];
    r.list('{', '}', () => {
      if (r.accept('?')) open = true;
      else axes.push(this.axis(mesh));
    });
    let priority = 0;
    if (/^p\d+$/.test(r.image)) priority = Number(r.take().slice(1));
    return open ? openDim(axes, priority) : closedDim(axes, priority);
  }

  private axis(mesh: Mesh): AxisRef {
    const r = this.r;
    const at = r.at;
    const name = r.string();
    const axis = mesh.axes.find((a) => a.name === name);
    if (axis === undefined) {
      throw userError('SH0210', `mesh @${mesh.name} has no axis "${name}"`, {
        span: r.span(at),
        expected: `one of ${mesh.axes.map((a) => `"${a.name}"`).join(', ')}`,
      });
    }
    if (!r.accept(':')) return { name, pre: 1, size: axis.size };
    r.expect('(');
    const pre = r.integer();
    r.expect(')');
    const size = r.integer();
    if (pre < 1 || size < 1 || axis.size % (pre * size) !== 0)
      throw userError('SH0215', `"${name}":(${pre})${size} is not a sub-axis of an axis of size ${axis.size}`, {
        span: r.span(at),
        expected: 'pre × size that divides the axis',
      });
    return { name, pre, size };
  }

  private checkDisjoint(layout: Layout, from: number): void {
    const twice = overlappingAxis(layout);
    if (twice === undefined) return;
    throw userError('SH0211', `axis "${twice.name}" is used twice in one sharding`, {
      span: this.r.span(from),
      expected: 'every axis at most once',
      help: 'an axis splits the devices once; a second dim needs another axis',
    });
  }
}

const rows = (flat: readonly Value[], width: number): Value[] =>
  Array.from(
    { length: Math.ceil(flat.length / Math.max(1, width)) },
    (_, i) => flat.slice(i * width, (i + 1) * width) as Value[],
  );

/** Paddings and layouts have an entry per dim or so: a splat of more would only fill the memory. */
const MAX_ATTRIBUTE = 1e6;

/** The elements of `dense<…>` of a known type: splat, nested lists, hex bit patterns, or a hex blob. */
export function denseElements(r: Reader, type: () => TensorType): { data: ElementArray; type: TensorType } {
  r.expect('dense');
  r.expect('<');
  const images: string[] = [];
  let depth = 0;
  while (!(depth === 0 && r.is('>'))) {
    if (r.is('[') || r.is('(')) depth++;
    else if (r.is(']') || r.is(')')) depth--;
    else if (!r.is(',')) images.push(r.image);
    r.take();
  }
  r.expect('>');
  r.expect(':');
  const known = type();
  const [first] = images;
  if (first?.startsWith('"0x')) return { data: blob(first.slice(3, -1), known.dtype), type: known };
  const complex = DTYPES[known.dtype].class === 'complex';
  const expected = elementCount(known) * (complex ? 2 : 1);
  if (images.length !== expected && images.length !== (complex ? 2 : 1))
    throw r.error(
      `a constant of ${expected} elements is given ${images.length}`,
      `${expected} elements or one for all`,
      undefined,
      r.at - 1,
    );
  return { data: fromImages(images, known.dtype), type: known };
}

function fromImages(images: readonly string[], dtype: DType): ElementArray {
  const { class: cls, bits } = DTYPES[dtype];
  if (isWide(dtype))
    return elementsOf(
      dtype,
      images.map((i) => BigInt(i)),
    );
  const number = (image: string): number => {
    if (image === 'true') return 1;
    if (image === 'false') return 0;
    return image.startsWith('0x') && (cls === 'float' || cls === 'complex')
      ? fromBits(image, cls === 'complex' ? (bits === 64 ? 'f32' : 'f64') : dtype)
      : Number(image);
  };
  return elementsOf(dtype, images.map(number));
}

/** The float with this bit pattern. */
function fromBits(image: string, dtype: DType): number {
  const view = new DataView(new ArrayBuffer(8));
  const raw = BigInt(image);
  switch (dtype) {
    case 'f64':
      view.setBigUint64(0, raw);
      return view.getFloat64(0);
    case 'bf16':
      view.setUint32(0, Number(raw) * 65536);
      return view.getFloat32(0);
    case 'f16':
      return halfFromBits(Number(raw));
    default:
      view.setUint32(0, Number(raw));
      return view.getFloat32(0);
  }
}

function halfFromBits(bits: number): number {
  const sign = bits & 0x8000 ? -1 : 1;
  const [exponent, fraction] = [(bits >> 10) & 31, bits & 1023];
  if (exponent === 31) return fraction === 0 ? sign * Number.POSITIVE_INFINITY : Number.NaN;
  return sign * (exponent === 0 ? fraction * 2 ** -24 : (1 + fraction / 1024) * 2 ** (exponent - 15));
}

/** Raw little-endian bytes in hex. */
function blob(hex: string, dtype: DType): ElementArray {
  const bytes = Buffer.from(hex, 'hex');
  const { class: cls, bits } = DTYPES[dtype];
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const size = Math.max(1, bits / 8);
  const count = Math.floor(bytes.length / size);
  if (bits === 64 && cls === 'signed')
    return BigInt64Array.from({ length: count }, (_, i) => view.getBigInt64(i * 8, true));
  if (bits === 64 && cls === 'unsigned')
    return BigUint64Array.from({ length: count }, (_, i) => view.getBigUint64(i * 8, true));
  const read = (i: number): number => {
    const o = i * size;
    if (cls === 'pred') return view.getUint8(o);
    if (cls === 'signed')
      return size === 1 ? view.getInt8(o) : size === 2 ? view.getInt16(o, true) : view.getInt32(o, true);
    if (cls === 'unsigned')
      return size === 1 ? view.getUint8(o) : size === 2 ? view.getUint16(o, true) : view.getUint32(o, true);
    if (dtype === 'f64') return view.getFloat64(o, true);
    if (size === 2) return fromBits(`0x${view.getUint16(o, true).toString(16)}`, dtype);
    return view.getFloat32(o, true);
  };
  return elementsOf(
    dtype,
    Array.from({ length: count }, (_, i) => read(i)),
  );
}
