/** What every part of the importer reads and writes with: the cursor, the names in scope, the function being built. */
import { userError } from '../../diagnostics.ts';
import type { Layout } from '../../layout.ts';
import { registry } from '../../ops/index.ts';
import type { Block, Func, Op, Origin, SourceText, Span, ValueId } from '../../program.ts';
import { TypedBuilder } from '../../typed-build.ts';
import { fitsType, type TensorType, typeText } from '../../types.ts';
import { AttributeReader, type Value } from '../attributes.ts';
import { type Devices, lineOfDevices } from '../device-ops.ts';
import { GspmdAnnotations } from '../gspmd/annotations.ts';
import type { ShardingText } from '../gspmd/sharding.ts';
import { Locations } from '../locations.ts';
import type { Reader } from '../reader.ts';
import type { Sizes } from './bounded.ts';
import type { ImportOptions } from './options.ts';

/** `%a:2` of `%a:2, %b = …` */
export interface Named {
  readonly name: string;
  readonly count: number;
}

/** How an op begins: the token it starts at, its results' names, its own name as written and without the dialect. */
export interface Head {
  readonly from: number;
  readonly names: readonly Named[];
  readonly spelled: string;
  readonly kind: string;
}

/** What the text says of the layouts of an op's results, in Shardy's words or GSPMD's. */
export interface Sharded {
  readonly layouts?: readonly (Layout | undefined)[];
  readonly gspmd?: ShardingText;
}

export interface Typed {
  readonly name: string;
  readonly type: TensorType;
}

export class ImportContext {
  readonly r: Reader;
  readonly source: SourceText;
  readonly options: ImportOptions;
  readonly attributes: AttributeReader;
  readonly locations: Locations;
  readonly functions: Func[] = [];
  readonly definitions = new Map<ValueId, Op>();
  /** Values with dims whose size only the run knows. */
  readonly bounded = new Map<ValueId, Sizes>();
  /** By channel, what a send of this function gave. */
  readonly sent = new Map<number, readonly ValueId[]>();
  /** Functions that became the region of an op which named them. */
  readonly asRegions = new Set<string>();
  builder = new TypedBuilder(registry);
  /** Of the module's attributes. */
  partitions: number | undefined;
  replicas = 1;
  private readonly readOp: (c: ImportContext) => void;
  /** Names in scope, and what those defined in the region at hand stood for before it; a function's own stay. */
  private names = new Map<string, readonly ValueId[]>();
  private readonly tuples = new WeakSet<readonly ValueId[]>();
  private shadowed: [name: string, before: readonly ValueId[] | undefined][] | undefined;
  private found: GspmdAnnotations | undefined;

  constructor(reader: Reader, source: SourceText, options: ImportOptions, readOp: (c: ImportContext) => void) {
    this.r = reader;
    this.source = source;
    this.options = options;
    this.readOp = readOp;
    reader.asWritten = options.asWritten === true;
    this.attributes = new AttributeReader(reader, options.asWritten === true);
    this.locations = new Locations(reader);
  }

  beginFunction(): void {
    this.builder = new TypedBuilder(registry);
    this.names.clear();
    this.sent.clear();
    this.bounded.clear();
    this.shadowed = undefined;
  }

  // --- layouts --------------------------------------------------------------------------------------------------------

  /** Undefined until the first annotation is met. */
  get annotations(): GspmdAnnotations | undefined {
    return this.found;
  }

  /** Made when the first annotation is met: by then the meshes of the file are known. */
  get gspmd(): GspmdAnnotations {
    if (this.found === undefined) {
      const { meshes } = this.attributes;
      const given = meshes.length > 0 ? meshes : this.options.mesh === undefined ? [] : [this.options.mesh()];
      this.found = new GspmdAnnotations(this.r.tokens, this.partitions, given);
      meshes.push(...this.found.meshes.filter((m) => !meshes.includes(m)));
    }
    return this.found;
  }

  /** What device ids mean: places in the file's mesh, or GSPMD's, or else a line of devices. */
  devices(what: string, from: number): Devices {
    const { meshes } = this.attributes;
    const annotated = (): boolean => this.r.tokens.some((t) => /^"?mhlo\.sharding"?$/.test(t.image));
    const found = meshes[0] ?? (annotated() ? this.gspmd.meshes[0] : undefined);
    if (found !== undefined) return { mesh: found, replicas: this.replicas };
    const mesh = lineOfDevices((this.partitions ?? 1) * this.replicas, what, this.r.span(from));
    meshes.push(mesh);
    return { mesh, replicas: this.replicas };
  }

  // --- names ----------------------------------------------------------------------------------------------------------

  use(): ValueId {
    const { r } = this;
    const image = r.takeKind('value', 'a value');
    const [name, index] = image.split('#') as [string, string?];
    const id = this.names.get(name)?.[index === undefined ? 0 : Number(index)];
    if (id !== undefined) return id;
    throw userError('SH0201', `${image} is not defined here`, {
      span: r.span(r.at - 1),
      expected: 'a value defined above, in this function or an enclosing region',
    });
  }

  /** `%a, %b` up to what is no value. */
  uses(): ValueId[] {
    const operands: ValueId[] = [];
    while (this.r.isKind('value')) {
      operands.push(...this.useAll());
      this.r.accept(',');
    }
    return operands;
  }

  /** A value, or all of a tuple that goes by one name. */
  useAll(): readonly ValueId[] {
    const all = this.names.get(this.r.image);
    const one = this.use();
    return all !== undefined && this.tuples.has(all) ? all : [one];
  }

  /** A bare name is the first of an op's several results, and all of a tuple. */
  defineTuple(name: string, ids: readonly ValueId[]): void {
    this.tuples.add(ids);
    this.define(name, ids);
  }

  define(name: string, ids: readonly ValueId[]): void {
    this.shadowed?.push([name, this.names.get(name)]);
    this.names.set(name, ids);
  }

  // --- types ----------------------------------------------------------------------------------------------------------

  /** `: tensor` (all alike), `: t, t` (last = result), or `: (t, t) -> (t)`; a tuple is the list of its types. */
  types(operands: readonly ValueId[]): TensorType[] {
    return this.typesOf(operands).types;
  }

  /** And whether they are those of one tuple, which goes by one name. */
  typesOf(operands: readonly ValueId[]): { readonly types: TensorType[]; readonly isTuple: boolean } {
    const { r } = this;
    r.expect(':');
    if (r.is('(')) {
      const from = r.at;
      const given = r.list('(', ')', () => r.namedLeaves()).flat();
      this.checkOperands(operands, given, from);
      return r.accept('->') ? this.resultTypes() : { types: given, isTuple: false };
    }
    const given = [r.tensorType()];
    while (r.accept(',')) given.push(r.tensorType());
    return r.accept('->') ? this.resultTypes() : { types: given.slice(-1), isTuple: false };
  }

  private resultTypes(): { readonly types: TensorType[]; readonly isTuple: boolean } {
    const { r } = this;
    const isTuple = r.is('tuple') || (r.is('(') && r.peek(1) === 'tuple');
    return { types: r.is('(') ? r.list('(', ')', () => r.namedLeaves()).flat() : r.namedLeaves(), isTuple };
  }

  private checkOperands(operands: readonly ValueId[], given: readonly TensorType[], at: number): void {
    if (given.length !== operands.length)
      throw this.r.error(
        `the op has ${operands.length} operands and ${given.length} operand types`,
        'one type per operand',
        undefined,
        at,
      );
    given.forEach((type, i) => {
      const actual = this.builder.typeOf(operands[i] as ValueId);
      if (fitsType(actual, type)) return;
      throw userError('SH0204', `operand ${i + 1} is a ${typeText(actual)}, but the op takes it as ${typeText(type)}`, {
        span: this.r.span(at),
        expected: typeText(actual),
        help: 'the type after `:` must be the type that the value was defined with',
      });
    });
  }

  /** `(%a: t, %b: t)` */
  typedNames(read = (): TensorType => this.r.staticType()): Typed[] {
    const { r } = this;
    return r.list('(', ')', () => {
      const name = r.takeKind('value', 'a parameter');
      r.expect(':');
      const type = read();
      this.locations.maybe();
      return { name, type };
    });
  }

  // --- regions --------------------------------------------------------------------------------------------------------

  /** `{ ^bb0(%a: t): … }` or `{ … }` with parameters known from outside. */
  region(params?: readonly Typed[]): Block {
    const { r } = this;
    const outer = this.shadowed;
    const shadowed: NonNullable<typeof this.shadowed> = [];
    this.shadowed = shadowed;
    const block = this.builder.region(() => {
      r.expect('{');
      for (const p of params ?? this.blockParams())
        this.define(p.name, [this.builder.param(p.type, { name: p.name.slice(1) })]);
      this.ops();
    });
    for (const [name, ids] of shadowed.reverse())
      if (ids === undefined) this.names.delete(name);
      else this.names.set(name, ids);
    this.shadowed = outer;
    return block;
  }

  /** A region that sees nothing from outside. */
  isolatedRegion(params?: readonly Typed[]): Block {
    const { names } = this;
    this.names = new Map();
    const block = this.region(params);
    this.names = names;
    return block;
  }

  /** `^bb0(%a: t):`, where one stands. */
  blockParams(read?: () => TensorType): readonly Typed[] {
    const { r } = this;
    if (!r.isKind('block')) return [];
    r.take();
    const params = r.is('(') ? this.typedNames(read) : [];
    r.expect(':');
    return params;
  }

  /** Ops up to the closing brace, which is taken. */
  ops(): void {
    this.r.nested(() => {
      while (!this.r.accept('}')) this.readOp(this);
    });
  }

  // --- places ---------------------------------------------------------------------------------------------------------

  span({ from }: Head): Span {
    return this.r.span(from);
  }

  /** Takes the `loc(...)` that ends an op. */
  origin({ from }: Head): Origin {
    return { span: this.r.span(from), ...this.locations.maybe() };
  }
}

/** Of an attribute dict. */
export function shardedOf(fields: ReadonlyMap<string, Value>): Sharded | undefined {
  const [sdy, gspmd] = [fields.get('sdy.sharding'), fields.get('mhlo.sharding')];
  if (sdy !== undefined) return { layouts: sdy as unknown as readonly Layout[] };
  return gspmd === undefined ? undefined : { gspmd: gspmd as unknown as ShardingText };
}
