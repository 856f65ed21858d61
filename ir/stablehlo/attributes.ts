/** Attribute values: numbers, lists, dense elements, dialect attributes, layouts. */
import {
  closedDim,
  type DimSharding,
  type Layout,
  MONOIDS,
  type Monoid,
  openDim,
  overlappingAxis,
  replicatedLayout,
} from '../layout.ts';
import { inMeshOrder, mergeNeighbours } from '../axes.ts';
import { type AxisRef, type Mesh, meshMistake, sameAxes } from '../mesh.ts';
import { axesText } from './sharding-text.ts';
import { inlinedMesh, liftedMesh } from '../inlined-mesh.ts';
import { type CollectiveAxes, type Move, SDY_COLLECTIVES } from './sdy-collectives.ts';
import { userError } from '../diagnostics.ts';
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
  /** Meshes that are written inside a sharding stay there. */
  private readonly asWritten: boolean;

  constructor(reader: Reader, asWritten = false) {
    this.r = reader;
    this.asWritten = asWritten;
  }

  /** `{a = 1, b}`; a bare name is true. Keys may be quoted. `texts` is given each value as it is written. */
  dict(close = '}', open = '{', texts?: Map<string, string>): Map<string, Value> {
    const found = new Map<string, Value>();
    const { r } = this;
    r.list(open, close, () => {
      const from = r.at + 2;
      const [key, value] = this.entry();
      found.set(key, value);
      texts?.set(key, r.at > from ? r.line(from, r.at) : '');
    });
    return found;
  }

  /** `key = value`, or a bare key. A GSPMD sharding keeps its place, for the code frames of what is wrong in it. */
  entry(): [key: string, value: Value] {
    const r = this.r;
    const key = r.isKind('string') ? r.string() : r.take();
    const isSharding = key === 'sdy.sharding' || key === 'mhlo.sharding';
    if (!isSharding && !r.accept('=')) return [key, true];
    if (isSharding) r.expect('=');
    if (key === 'sdy.sharding') return [key, this.shardings()];
    if (key !== 'mhlo.sharding') return [key, this.value()];
    if (!r.isKind('string')) throw r.unexpected('a sharding in quotes: "{devices=[2,1]<=[2]}"');
    const { start } = r.span(r.at);
    return [key, { text: r.string(), start: start + 1 }];
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
    if (r.is('#sdy.sharding')) return this.layout();
    const name = r.take();
    if (name === '#sdy.sharding_per_value') {
      r.expect('<');
      const layouts = this.layouts();
      r.expect('>');
      return layouts;
    }
    if (name === '#sdy.mesh') return this.meshBody() as unknown as Value;
    const alias = r.aliases.get(name);
    if (alias !== undefined) return r.readAt(alias, () => this.value());
    if (!r.is('<')) return name;
    if (name === '#sdy') return this.later();
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

  /** `#sdy<axis_ref_list{"x"}>`: what it says depends on a mesh that is named elsewhere, so only its place is kept. */
  private later(): Value {
    const { r } = this;
    const at = r.at + 2;
    r.skipBrackets();
    return { at };
  }

  /** `[<@mesh, […]>, …]` */
  layouts(): Layout[] {
    return this.r.list('[', ']', () => this.layout());
  }

  /** `<@mesh, [{"x"}, {"y", ?}p1], replicated={"z"}, unreduced={"w"}>`, with or without `#sdy.sharding` before it. */
  layout(): Layout {
    const r = this.r;
    const alias = r.aliases.get(r.image);
    if (alias !== undefined) {
      r.take();
      return r.readAt(alias, () => this.layout());
    }
    r.accept('#sdy.sharding');
    const from = r.at;
    r.expect('<');
    const name = r.isKind('symbol') || r.isKind('quotedSymbol') ? r.symbol() : this.inlineMesh();
    const mesh = this.meshes.find((m) => m.name === name);
    if (mesh === undefined)
      throw userError('SH0214', `there is no mesh @${name}`, {
        span: r.span(r.at - 1),
        expected: `one of ${this.meshes.map((m) => `@${m.name}`).join(', ') || "the module's meshes, but it has none"}`,
      });
    r.expect(',');
    const dims = r.list('[', ']', () => this.dim(mesh));
    const extra: { replicated?: AxisRef[]; unreduced?: AxisRef[] } = {};
    let monoid: Monoid | undefined;
    while (r.accept(',')) {
      const key = r.take();
      r.expect('=');
      if (r.isKind('id')) monoid = this.monoid();
      const axes = r.list('{', '}', () => this.axis(mesh));
      if ((key === 'replicated' || key === 'unreduced') && extra[key] === undefined) extra[key] = axes;
      else throw r.error(`field ${key} of a sharding is unknown, or there twice`, 'replicated or unreduced');
    }
    r.expect('>');
    const { replicated = [], unreduced = [] } = extra;
    const layout: Layout = { mesh: name, dims, replicated, unreduced, ...(monoid === undefined ? {} : { monoid }) };
    this.checkDisjoint(layout, from);
    this.checkOrder(layout, mesh, from);
    return layout;
  }

  /** A sharding that stands alone, not one per result. */
  asLayout(value: unknown): Layout {
    if (!Array.isArray(value)) return value as Layout;
    throw this.r.error('one sharding is meant here', '#sdy.sharding<@mesh, [{"x"}, {}]>', undefined, this.r.at - 1);
  }

  /** `#sdy.sharding<…>` or `#sdy.sharding_per_value<[…]>`, and nothing else. */
  private shardings(): Value {
    const { r } = this;
    if (/^#sdy\.sharding(_per_value)?$/.test(r.image) || r.aliases.has(r.image)) return this.dialect();
    throw this.r.unexpected('#sdy.sharding<@mesh, [{"x"}, {}]>');
  }

  private monoid(): Monoid {
    const name = this.r.take();
    const known = MONOIDS.find((m) => m === name);
    if (known === undefined)
      throw this.r.error(`unknown reduction ${name}`, MONOIDS.join(', '), undefined, this.r.at - 1);
    return known;
  }

  /** `<["x"=2, "y"=4], device_ids=[…]>`, with or without `#sdy.mesh` before it. */
  meshBody(): Omit<Mesh, 'name'> {
    const r = this.r;
    const alias = r.aliases.get(r.image);
    if (alias !== undefined) {
      r.take();
      return r.readAt(alias, () => this.meshBody());
    }
    r.accept('#sdy.mesh');
    const from = r.at;
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
    const mistake = meshMistake({ axes, ...(deviceIds === undefined ? {} : { deviceIds }) });
    if (mistake !== undefined)
      throw userError('SH0213', mistake.message, { span: r.span(from), expected: mistake.expected });
    const isIota = axes.length > 0 && deviceIds?.every((id, i) => id === i) === true;
    return { axes, ...(deviceIds === undefined || isIota ? {} : { deviceIds }) };
  }

  /** One device, whatever its axes. */
  isMaximal(name: string): boolean {
    const mesh = this.meshes.find((m) => m.name === name);
    return mesh?.axes.length === 0 && mesh.deviceIds?.length === 1;
  }

  /** A layout on one device says nothing of dims (`<@maximal_mesh_0, []>`): whole in all of them, unless kept as written. */
  ofRank(layout: Layout, rank: number): Layout {
    if (this.asWritten || layout.dims.length > 0 || !this.isMaximal(layout.mesh)) return layout;
    return replicatedLayout(layout.mesh, rank);
  }

  /** What a collective of the sdy dialect says of axes, as it stands before the operand. */
  collectiveAxes(kind: string, meshName: string): CollectiveAxes {
    const { r } = this;
    const mesh = this.meshes.find((m) => m.name === meshName) as Mesh;
    const list = (): AxisRef[] => r.list('{', '}', () => this.axis(mesh));
    switch (SDY_COLLECTIVES[kind]?.form) {
      case 'per dim':
        return { axes: r.list('[', ']', list) };
      case 'list':
        return { axes: list() };
      case 'moves':
        return { moves: r.list('[', ']', () => this.move(list)) };
      default:
        return {};
    }
  }

  /** `{"x"}: 0->1` */
  private move(list: () => AxisRef[]): Move {
    const { r } = this;
    const axes = list();
    r.expect(':');
    const source = r.integer();
    r.expect('->');
    return { axes, source, target: r.integer() };
  }

  /** `mesh<["x"=2]>` inside a sharding: kept as it is, or as a mesh of the module's. */
  private inlineMesh(): string {
    this.r.accept('mesh');
    const body = this.meshBody();
    const mesh = this.asWritten ? inlinedMesh(body) : liftedMesh(body, this.meshes);
    if (!this.meshes.some((m) => m.name === mesh.name)) this.meshes.push(mesh);
    return mesh.name;
  }

  private dim(mesh: Mesh): DimSharding {
    const r = this.r;
    let open = false;
    const axes: AxisRef[] = [];
    r.list('{', '}', () => {
      if (r.accept('?')) open = true;
      else axes.push(this.axis(mesh));
    });
    const priority = this.priority();
    if (priority !== undefined && !open && axes.length === 0)
      throw userError('SH0229', 'a closed dim without axes has a priority', {
        span: r.span(r.at - 1),
        expected: '{}, or {?}p1: what may be sharded',
      });
    return open ? openDim(axes, priority) : closedDim(axes, priority);
  }

  /** `p1` */
  private priority(): number | undefined {
    const { r } = this;
    if (!/^p\d+$/.test(r.image)) return undefined;
    const text = r.take().slice(1);
    if (!/^(0|[1-9]\d{0,14})$/.test(text))
      throw r.error(`p${text} is no priority`, 'p0, p1, …, without leading zeros', undefined, r.at - 1);
    return Number(text);
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
    if (pre < 1 || size < 2 || size === axis.size || axis.size % (pre * size) !== 0)
      throw userError('SH0215', `"${name}":(${pre})${size} is not a sub-axis of an axis of size ${axis.size}`, {
        span: r.span(at),
        expected: 'pre × size that divides the axis, a size above 1 and below that of the axis',
      });
    return { name, pre, size };
  }

  /** Neighbouring sub-axes are written as one, replicated and unreduced axes in the mesh's order. */
  private checkOrder({ dims, replicated, unreduced }: Layout, mesh: Mesh, from: number): void {
    const wrong = (message: string, axes: readonly AxisRef[]): Error =>
      userError('SH0229', message, {
        span: this.r.span(from),
        expected: axesText(mesh, axes),
      });
    const parted = [...dims.map((d) => d.axes), replicated, unreduced].find(
      (axes) => mergeNeighbours(axes).length !== axes.length,
    );
    if (parted !== undefined) throw wrong('two neighbouring sub-axes make one', mergeNeighbours(parted));
    for (const axes of [replicated, unreduced])
      if (!sameAxes(axes, inMeshOrder(axes, mesh)))
        throw wrong('replicated and unreduced axes stand in the order of the mesh', inMeshOrder(axes, mesh));
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
