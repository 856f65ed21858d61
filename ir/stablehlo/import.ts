/** StableHLO text, as `jax.jit(f).lower(...).as_text()` prints it → a parsed module. */
import { userError } from '../diagnostics.ts';
import type { Layout } from '../layout.ts';
import { tripCountOf } from '../loops.ts';
import type { Mesh } from '../mesh.ts';
import type { Attr, Attrs, Block, Func, Module, Op, Origin, SourceText, Span, ValueId } from '../program.ts';
import { registry } from '../ops/index.ts';
import { InferError } from '../op.ts';
import { TypedBuilder } from '../typed-build.ts';
import { tensor, type TensorType, typeText } from '../types.ts';
import { AttributeReader, denseElements, type Value } from './attributes.ts';
import { type Annotation, GspmdAnnotations, withOpenDims } from './gspmd/annotations.ts';
import { deviceIndices } from './gspmd/device-index.ts';
import { manualRegions } from './gspmd/manual.ts';
import { parseUnspecifiedDims, type ShardingText } from './gspmd/sharding.ts';
import { COLLECTIVE_OPS } from './collectives.ts';
import { type Devices, lineOfDevices, writeCollective, writeDeviceId, type Writer } from './device-ops.ts';
import { EXPANSIONS } from './expansions.ts';
import { Locations } from './locations.ts';
import { opOfCall } from './named-calls.ts';
import { OP_ATTRS, type Raw } from './op-attrs.ts';
import { hasSyntax } from './print-op.ts';
import { Reader } from './reader.ts';
import { tokenize } from './tokens.ts';

export interface ImportOptions {
  /** What GSPMD's shardings are expressed on where the file has no mesh. */
  readonly mesh?: () => Mesh;
  /** Collectives and partition_id stay as StableHLO has them, with lists of devices: for passes that only lay out. */
  readonly asWritten?: boolean;
}

export function importStablehlo(source: SourceText, options: ImportOptions = {}): Module {
  const reader = new Reader(tokenize(source), source.text);
  return new Importer(reader, source, options).module();
}

/** What the text says of the layouts of an op's results, in Shardy's words or GSPMD's. */
interface Sharded {
  readonly layouts?: readonly (Layout | undefined)[];
  readonly gspmd?: ShardingText;
}

const SPELLED: ReadonlySet<string> = new Set(['sdy.constant', 'stablehlo.dot']);

/** Attributes of a custom call that are not kept as written. */
const CALL_FIELDS: ReadonlySet<string> = new Set(['sdy.sharding_rule', 'sdy.sharding', 'mhlo.sharding']);

/** Between a tensor and its shards, in programs that were written per device (`shard_map`). */
const FULL_TO_SHARD = 'SPMDFullToShardShape';
const CROSSINGS: ReadonlySet<string> = new Set([FULL_TO_SHARD, 'SPMDShardToFullShape']);

function shardedOf(fields: ReadonlyMap<string, Value>): Sharded | undefined {
  const [sdy, gspmd] = [fields.get('sdy.sharding'), fields.get('mhlo.sharding')];
  if (Array.isArray(sdy)) return { layouts: sdy as unknown as readonly Layout[] };
  return gspmd === undefined ? undefined : { gspmd: gspmd as unknown as ShardingText };
}

/** Constants, iotas and broadcast scalars cost nothing in any layout: an annotation lays them out, and binds no one else. */
const isMadeAnywhere = (op: Op | undefined, typeOf: (id: ValueId) => TensorType): boolean =>
  op !== undefined &&
  (op.kind === 'constant' ||
    op.kind === 'iota' ||
    (op.kind === 'broadcast_in_dim' && typeOf(op.operands[0] as ValueId).shape.length === 0));

/** What XLA expands before anything else looks at it. */
const EXPANDED: ReadonlySet<string> = new Set(['chlo.square', 'chlo.top_k']);

class Importer {
  private readonly r: Reader;
  private readonly source: SourceText;
  private readonly attributes: AttributeReader;
  private readonly locations: Locations;
  private readonly functions: Func[] = [];
  private builder = new TypedBuilder(registry);
  /** Names in scope, and what those defined in the region at hand stood for before it. */
  private readonly names = new Map<string, readonly ValueId[]>();
  private shadowed: [name: string, before: readonly ValueId[] | undefined][] = [];
  private readonly definitions = new Map<ValueId, Op>();

  private readonly options: ImportOptions;
  private partitions: number | undefined;
  private replicas = 1;
  private annotations: GspmdAnnotations | undefined;

  constructor(reader: Reader, source: SourceText, options: ImportOptions) {
    this.r = reader;
    this.source = source;
    this.options = options;
    this.attributes = new AttributeReader(reader);
    this.locations = new Locations(reader);
  }

  module(): Module {
    const r = this.r;
    let name = 'module';
    let attrs = '';
    while (r.isKind('hash')) this.locations.skipAlias();
    const wrapped = r.accept('module');
    if (wrapped) {
      if (r.isKind('symbol')) name = r.symbol();
      if (r.accept('attributes')) {
        const from = r.at + 1;
        const given = this.attributes.dict();
        const [count, replicas] = [given.get('mhlo.num_partitions'), given.get('mhlo.num_replicas')];
        attrs = r.line(from, r.at - 1);
        if (typeof count === 'number') this.partitions = count;
        if (typeof replicas === 'number') this.replicas = replicas;
      }
      r.expect('{');
    }
    while (r.at < r.tokens.length && !r.is('}')) this.topLevel();
    if (wrapped) {
      r.expect('}');
      this.locations.maybe();
    }
    while (r.isKind('hash')) this.locations.skipAlias();
    if (r.at < r.tokens.length) throw r.unexpected('the end of the file');
    if (this.functions.length === 0)
      throw userError('SH0103', 'the file holds no function', { expected: 'at least `func.func public @main(...)`' });
    this.checkCalls();
    const { functions, source } = this;
    const rest = attrs === '' ? {} : { attrs };
    return { name, level: 'parsed', meshes: this.attributes.meshes, functions, source, ...rest };
  }

  private topLevel(): void {
    const r = this.r;
    if (r.is('sdy.mesh')) this.mesh();
    else if (r.is('func.func')) this.function();
    else throw r.unexpected('func.func or sdy.mesh');
  }

  /** `sdy.mesh @mesh = <["x"=2, "y"=4], device_ids=[…]> {…}` */
  private mesh(): void {
    const r = this.r;
    r.take();
    const name = r.symbol();
    r.expect('=');
    const body = this.attributes.meshBody();
    if (r.is('{')) this.attributes.dict();
    this.locations.maybe();
    this.attributes.meshes.push({ name, ...body });
  }

  private function(): void {
    const r = this.r;
    r.take();
    const saysPublic = r.accept('public');
    const isPublic = saysPublic || !r.accept('private');
    const name = r.symbol();
    this.builder = new TypedBuilder(registry);
    this.names.clear();
    this.shadowed = [];
    const paramAttrs: (string | undefined)[] = [];
    const params = r.list('(', ')', () => {
      const arg = r.takeKind('value', 'an argument');
      r.expect(':');
      const type = r.tensorType();
      const { layout, rest } = this.valueAttrs(type);
      const origin: Origin = { span: r.span(r.at - 1), ...this.locations.maybe() };
      paramAttrs.push(rest);
      return { arg, type, origin, layout };
    });
    const results = r.accept('->') ? this.resultList() : [];
    const from = r.at + 2;
    const attrs = r.accept('attributes') && this.attributes.dict().size > 0 ? r.line(from, r.at - 1) : undefined;
    const body = this.builder.region(() => {
      for (const p of params)
        this.define(p.arg, [
          this.builder.param(p.type, {
            name: p.arg.slice(1),
            origin: p.origin,
            ...(p.layout === undefined ? {} : { layout: p.layout }),
          }),
        ]);
      r.expect('{');
      this.ops();
    });
    this.locations.maybe();
    this.functions.push({
      name,
      isPublic,
      saysPublic,
      body: this.annotations === undefined ? body : this.withRegions(body, this.annotations.meshes),
      values: this.builder.values,
      paramAttrs,
      resultTypes: results.map((x) => x.type),
      resultLayouts: results.map((x) => x.layout),
      resultAttrs: results.map((x) => x.rest),
      ...(attrs === undefined ? {} : { attrs }),
    });
  }

  /** GSPMD's manual computations, which are written flat. */
  private withRegions(body: Block, meshes: readonly Mesh[]): Block {
    return manualRegions(deviceIndices(body, this.builder, meshes), this.builder, meshes);
  }

  private resultList(): { type: TensorType; layout: Layout | undefined; rest: string | undefined }[] {
    const one = (): { type: TensorType; layout: Layout | undefined; rest: string | undefined } => {
      const type = this.r.tensorType();
      return { type, ...this.valueAttrs(type) };
    };
    return this.r.is('(')
      ? this.r.list('(', ')', one)
      : [{ type: this.r.tensorType(), layout: undefined, rest: undefined }];
  }

  /** `{sdy.sharding = …, jax.result_info = "…"}` of an argument or result: the layout, and the rest as text. */
  private valueAttrs(type: TensorType): { layout: Layout | undefined; rest: string | undefined } {
    const r = this.r;
    if (!r.is('{')) return { layout: undefined, rest: undefined };
    let layout: Layout | undefined;
    let gspmd: Annotation | undefined;
    const rest: string[] = [];
    r.list('{', '}', () => {
      const from = r.at;
      const [key, value] = this.attributes.entry();
      if (key === 'sdy.sharding') layout = this.attributes.asLayout(value);
      else if (key === 'mhlo.sharding') [gspmd] = this.gspmd.read(value as unknown as ShardingText, [type]);
      else rest.push(r.slice(from, r.at));
    });
    return { layout: layout ?? gspmd?.layout, rest: rest.length > 0 ? rest.join(', ') : undefined };
  }

  /** Made when the first annotation is met: by then the meshes of the file are known. */
  private get gspmd(): GspmdAnnotations {
    if (this.annotations === undefined) {
      const { meshes } = this.attributes;
      const given = meshes.length > 0 ? meshes : this.options.mesh === undefined ? [] : [this.options.mesh()];
      this.annotations = new GspmdAnnotations(this.r.tokens, this.partitions, given);
      meshes.push(...this.annotations.meshes.filter((m) => !meshes.includes(m)));
    }
    return this.annotations;
  }

  // --- ops ----------------------------------------------------------------------------------------------------------

  /** Ops up to the closing brace, which is taken. */
  private ops(): void {
    this.r.nested(() => {
      while (!this.r.accept('}')) this.op();
    });
  }

  private op(): void {
    const r = this.r;
    const from = r.at;
    const names = this.resultNames();
    if (r.isKind('string')) return this.generic(from, names);
    const name = r.takeKind('id', 'an operation');
    const kind = name.replace(/^(?:stablehlo|chlo|func|sdy|mhlo)\./, '');
    switch (kind) {
      case 'constant':
        return this.constant(from, names);
      case 'return':
        return this.return(from);
      case 'call':
        return this.call(from, names);
      case 'while':
        return this.while(from, names);
      case 'reduce':
        return this.reduce(from, names);
      case 'sharding_constraint':
      case 'reshard':
        return this.constraint(from, names, kind);
      case 'custom_call':
        return this.customCall(from, names);
      case 'manual_computation':
      case 'named_computation':
        return this.computation(from, names, kind);
      case 'data_flow_edge':
      case 'func_data_flow_edge':
        return this.dataFlowEdge(from, names, kind);
      case 'composite':
        return this.composite(from, names);
      case 'tuple':
      case 'get_tuple_element':
        return this.tuple(names);
      case 'partition_id':
      case 'replica_id':
        if (this.options.asWritten === true) return this.pretty(from, names, kind);
        return writeDeviceId(this.writer(from, names), this.devices(kind, from), kind, this.types([])[0] as TensorType);
      default:
        return this.pretty(from, names, kind);
    }
  }

  private resultNames(): { name: string; count: number }[] {
    const r = this.r;
    const names: { name: string; count: number }[] = [];
    if (!r.isKind('value')) return names;
    do {
      const name = r.takeKind('value', 'a result');
      names.push({ name, count: r.accept(':') ? r.integer() : 1 });
    } while (r.accept(','));
    r.expect('=');
    return names;
  }

  /** `"stablehlo.gather"(%a, %b) <{…}> ({…}, {…}) {…} : (…) -> …` */
  private generic(from: number, names: readonly { name: string; count: number }[]): void {
    const r = this.r;
    const kind = r.string().replace(/^(?:stablehlo|chlo|func|sdy)\./, '');
    if (kind === 'tuple' || kind === 'get_tuple_element') return this.genericTuple(names);
    const operands = r.list('(', ')', () => this.use());
    const verbatim = new Map<string, string>();
    const fields = new Fields();
    if (r.accept('<')) {
      fields.add(this.attributes.dict('}', '{', verbatim));
      r.expect('>');
    }
    const regions = r.is('(') ? r.list('(', ')', () => this.region()) : [];
    if (r.is('{')) fields.add(this.attributes.dict('}', '{', verbatim));
    const types = this.types(operands);
    if (COLLECTIVE_OPS.has(kind) && this.options.asWritten !== true) {
      const given = operands.map((id) => ({ id, rank: this.builder.typeOf(id).shape.length }));
      const devices = this.devices(kind, from);
      const results = writeCollective(this.writer(from, names), devices, kind, given, types, fields, regions);
      const [name] = names;
      if (operands.length > 1 && name !== undefined) this.define(name.name, results);
      return;
    }
    this.finish(
      from,
      names,
      kind === 'if' ? 'case' : kind,
      operands,
      types,
      { fields, verbatim, lists: [], words: [] },
      regions,
    );
  }

  /** `stablehlo.op %a, %b, key = value, WORD {…} : types` */
  private pretty(from: number, names: readonly { name: string; count: number }[], kind: string): void {
    const r = this.r;
    const operands: ValueId[] = [];
    const fields = new Fields();
    const verbatim = new Map<string, string>();
    const words: string[] = [];
    const lists: number[][] = [];
    while (!r.is(':') && !r.is('{')) {
      if (r.accept(',') || r.accept('(') || r.accept(')')) continue;
      if (r.isKind('value')) operands.push(this.use());
      else if (r.is('[')) lists.push(...r.list('[', ']', () => this.range()));
      else if (r.peek(1) === '=') {
        const key = r.take();
        r.take();
        const start = r.at;
        fields.set(key, this.field());
        verbatim.set(key, r.slice(start, r.at));
      } else words.push(r.takeKind('id', 'an operand, an attribute or `:`'));
    }
    if (r.is('{')) fields.add(this.attributes.dict('}', '{', verbatim));
    this.finish(from, names, kind, operands, this.types(operands), { fields, verbatim, words, lists }, []);
  }

  /** A value, a pair `[0] x [0]`, or a convolution's `[b, f]x[i, o]->[b, f]`. */
  private field(): Value {
    if (this.r.isKind('number')) return this.r.integer(); // no `: type` of its own: the op's types follow
    const value = this.attributes.value();
    if (!this.r.accept('x')) return value;
    const second = this.attributes.value();
    return this.r.accept('->') ? [value, second, this.attributes.value()] : [value, second];
  }

  /** `1:3:2` of slice. */
  private range(): number[] {
    const numbers = [this.r.integer()];
    while (this.r.accept(':')) numbers.push(this.r.integer());
    return numbers;
  }

  /** `: tensor` (all alike), `: t, t` (last = result), or `: (t, t) -> (t)`. */
  private types(operands: readonly ValueId[]): TensorType[] {
    const r = this.r;
    r.expect(':');
    if (r.is('(')) {
      const from = r.at;
      const given = r.list('(', ')', () => r.tensorType());
      this.checkOperands(operands, given, from);
      if (r.accept('->')) return r.is('(') ? r.list('(', ')', () => r.tensorType()) : [r.tensorType()];
      return given;
    }
    const given = [r.tensorType()];
    while (r.accept(',')) given.push(r.tensorType());
    if (r.accept('->')) return r.is('(') ? r.list('(', ')', () => r.tensorType()) : [r.tensorType()];
    return given.slice(-1);
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
      if (actual !== type)
        throw userError(
          'SH0204',
          `operand ${i + 1} is a ${typeText(actual)}, but the op takes it as ${typeText(type)}`,
          {
            span: this.r.span(at),
            expected: typeText(actual),
            help: 'the type after `:` must be the type that the value was defined with',
          },
        );
    });
  }

  private constant(from: number, names: readonly { name: string; count: number }[]): void {
    const r = this.r;
    const layouts = this.opLayouts();
    const { data, type } = denseElements(r, () => r.tensorType());
    const attrs = { value: { data }, dtype: type.dtype, shape: type.shape };
    this.emit(from, names, 'constant', [], [type], attrs, [], layouts);
  }

  private return(from: number): void {
    const r = this.r;
    const operands: ValueId[] = [];
    while (r.isKind('value')) {
      operands.push(this.use());
      r.accept(',');
    }
    if (operands.length > 0) {
      r.expect(':');
      do r.tensorType();
      while (r.accept(','));
    }
    this.emit(from, [], 'return', operands, [], {}, []);
  }

  private call(from: number, names: readonly { name: string; count: number }[]): void {
    const callee = this.r.symbol();
    const operands = this.r.list('(', ')', () => this.use());
    const layouts = this.opLayouts();
    this.emit(from, names, 'call', operands, this.types(operands), { callee }, [], layouts);
  }

  /** `stablehlo.composite "name" %a {…, decomposition = @f} : (t) -> t`: a call of what it is composed of. */
  private composite(from: number, names: readonly { name: string; count: number }[]): void {
    const r = this.r;
    r.string();
    const operands: ValueId[] = [];
    while (r.isKind('value')) {
      operands.push(this.use());
      r.accept(',');
    }
    const fields = this.attributes.dict();
    const callee = String(fields.get('decomposition'));
    this.emit(from, names, 'call', operands, this.types(operands), { callee }, [], shardedOf(fields));
  }

  /** A tuple is the list of its values, `%t[1]` one of them. */
  private tuple(names: readonly { name: string; count: number }[]): void {
    const r = this.r;
    const held: ValueId[] = [];
    while (r.isKind('value')) {
      const all = this.names.get(r.image) ?? [];
      const [one] = [this.use()];
      if (r.accept('[')) {
        const picked = all[r.integer()];
        r.expect(']');
        held.push(picked ?? one);
      } else held.push(one);
      r.accept(',');
    }
    r.expect(':');
    this.tupleTypes();
    for (const { name } of names) this.define(name, held);
  }

  /** `"stablehlo.get_tuple_element"(%t) <{index = 1 : i32}> : (tuple<…>) -> t` */
  private genericTuple(names: readonly { name: string; count: number }[]): void {
    const r = this.r;
    const held = r.list('(', ')', () => {
      const all = this.names.get(r.image) ?? [];
      const one = this.use();
      return all.includes(one) ? all : [one];
    });
    const fields = new Fields();
    if (r.accept('<')) {
      fields.add(this.attributes.dict('}', '{'));
      r.expect('>');
    }
    if (r.is('{')) fields.add(this.attributes.dict('}', '{'));
    r.expect(':');
    this.tupleTypes();
    const index = fields.get('index');
    const values = held.flat();
    const picked = typeof index === 'number' ? values[index] : undefined;
    for (const { name } of names) this.define(name, picked === undefined ? values : [picked]);
  }

  /** Types of a tuple's values are known already. */
  private tupleTypes(): void {
    const r = this.r;
    const one = (): void => {
      if (!r.accept('tuple')) r.tensorType();
      else r.nested(() => r.list('<', '>', one));
    };
    if (!r.is('(')) return one();
    r.list('(', ')', one);
    r.expect('->');
    one();
  }

  /** `stablehlo.custom_call @target(%a) {…} : (t) -> t`; attributes are kept as written, but for Shardy's. */
  private customCall(from: number, names: readonly { name: string; count: number }[]): void {
    const r = this.r;
    const target = r.symbol();
    const operands = r.list('(', ')', () => this.use());
    const kept: string[] = [];
    const fields = new Map<string, Value>();
    if (r.is('{')) {
      r.list('{', '}', () => {
        const start = r.at;
        const [key, value] = this.attributes.entry();
        if (CALL_FIELDS.has(key)) fields.set(key, value);
        else kept.push(r.line(start, r.at));
      });
    }
    const rule = fields.get('sdy.sharding_rule');
    const sharded = shardedOf(fields);
    const types = this.types(operands);
    const known = opOfCall(target, fields.get('backend_config'), kept.join());
    if (known !== undefined) {
      this.emit(from, names, known.kind, operands, types, known.attrs, [], sharded);
      return;
    }
    const attrs: Attrs = {
      target,
      verbatim: kept.join(', '),
      result_types: types.map(typeText),
      ...(rule === undefined ? {} : { rule: String(rule) }),
      // A call without results keeps where it runs.
      ...(types.length > 0 || sharded?.layouts === undefined ? {} : { effect_layouts: sharded.layouts }),
    };
    this.emit(from, names, 'custom_call', operands, types, attrs, [], sharded);
  }

  /** `stablehlo.while(%a = %0, …) : types cond {…} do {…}` */
  private while(from: number, names: readonly { name: string; count: number }[]): void {
    const r = this.r;
    const carried = r.list('(', ')', () => {
      const name = r.takeKind('value', 'a loop variable');
      r.expect('=');
      return { name, init: this.use() };
    });
    r.expect(':');
    const types: TensorType[] = [];
    if (carried.length > 0)
      do types.push(r.tensorType());
      while (r.accept(','));
    const layouts = r.accept('attributes') ? this.opLayouts() : undefined;
    r.expect('cond');
    const params = carried.map((c, i) => ({ name: c.name, type: types[i] as TensorType }));
    const cond = this.region(params);
    r.expect('do');
    const body = this.region(params);
    const operands = carried.map((c) => c.init);
    const trips = tripCountOf({ operands, regions: [cond, body] }, this.definitions);
    this.emit(
      from,
      names,
      'while',
      operands,
      types,
      trips === null ? {} : { trip_count: trips },
      [cond, body],
      layouts,
    );
  }

  /** Both forms of reduce: `applies stablehlo.add`, or a `reducer(…)` region. */
  private reduce(from: number, names: readonly { name: string; count: number }[]): void {
    const r = this.r;
    const pairs: [ValueId, ValueId][] = [];
    do {
      r.expect('(');
      const input = this.use();
      r.expect('init');
      r.expect(':');
      pairs.push([input, this.use()]);
      r.expect(')');
    } while (r.accept(','));
    const applied = r.accept('applies') ? r.take().replace('stablehlo.', '') : undefined;
    r.expect('across');
    r.expect('dimensions');
    r.expect('=');
    const dims = r.integers();
    const layouts = this.opLayouts();
    const operands = [...pairs.map((p) => p[0]), ...pairs.map((p) => p[1])];
    const types = this.types(operands);
    const region =
      applied === undefined
        ? this.reducer()
        : this.simpleRegion(applied, types[0] as TensorType, { span: r.span(from) });
    this.emit(from, names, 'reduce', operands, types, { dims }, [region], layouts);
  }

  /** `reducer(%a: t, %b: t) (%c: t, %d: t) {…}`: pairs (accumulated, element) per input. */
  private reducer(): Block {
    const r = this.r;
    r.expect('reducer');
    const groups: { name: string; type: TensorType }[][] = [];
    while (r.is('(')) {
      groups.push(this.typedNames());
    }
    return this.region([...groups.map((g) => g[0]), ...groups.map((g) => g[1])].filter((p) => p !== undefined));
  }

  private simpleRegion(kind: string, type: TensorType, origin: Origin): Block {
    const scalar = tensor(type.dtype, []);
    return this.builder.region(() => {
      const [a, b] = [this.builder.param(scalar), this.builder.param(scalar)];
      const made = this.builder.op(kind, [a, b], [scalar], origin);
      this.builder.op('return', made, [], origin);
    });
  }

  private constraint(from: number, names: readonly { name: string; count: number }[], kind: string): void {
    const operand = this.use();
    const layout = this.attributes.layout();
    const type = this.builder.typeOf(operand);
    if (layout.dims.length !== type.shape.length) {
      throw userError(
        'SH0212',
        `the sharding has ${layout.dims.length} dims, the tensor ${typeText(type)} has ${type.shape.length}`,
        { span: this.r.span(from), expected: `${type.shape.length} dims` },
      );
    }
    this.emit(from, names, kind, [operand], this.types([operand]), { layout }, []);
  }

  /** The layouts of an op's results, where an attribute dict is next and has them. */
  private opLayouts(): Sharded | undefined {
    return this.r.is('{') ? shardedOf(this.attributes.dict()) : undefined;
  }

  /**
   * `sdy.manual_computation(%a) in_shardings=[…] out_shardings=[…] manual_axes={"x"} (%b: t) {…} : (t) -> t`, and
   * `sdy.named_computation<"f">(%a) …`, whose shardings may be absent.
   */
  private computation(from: number, names: readonly { name: string; count: number }[], kind: string): void {
    const r = this.r;
    let name: string | undefined;
    if (r.accept('<')) {
      name = r.string();
      r.expect('>');
    }
    const operands = r.list('(', ')', () => this.use());
    const given: Record<string, Attr> = {};
    while (r.isKind('id')) {
      const key = r.take();
      r.expect('=');
      if (key === 'manual_axes') given[key] = r.list('{', '}', () => r.string());
      else if (key === 'in_shardings') given.in_layouts = r.list('[', ']', () => this.attributes.layout());
      else if (key === 'out_shardings') given.out_layouts = r.list('[', ']', () => this.attributes.layout());
      else throw r.error(`unknown field ${key}`, 'in_shardings, out_shardings or manual_axes');
    }
    const params = this.typedNames();
    const region = this.region(params);
    if (r.is('{')) this.attributes.dict();
    const attrs: Attrs = { ...(name === undefined ? {} : { name }), ...given };
    this.emit(from, names, kind, operands, this.types(operands), attrs, [region]);
  }

  /** `(%a: t, %b: t)` */
  private typedNames(): { name: string; type: TensorType }[] {
    const r = this.r;
    return r.list('(', ')', () => {
      const name = r.takeKind('value', 'a parameter');
      r.expect(':');
      const type = r.tensorType();
      this.locations.maybe();
      return { name, type };
    });
  }

  /** `sdy.data_flow_edge %a sharding=<@mesh, […]> : t` */
  private dataFlowEdge(from: number, names: readonly { name: string; count: number }[], kind: string): void {
    const r = this.r;
    const operand = this.use();
    let layouts: Sharded | undefined;
    if (r.accept('sharding')) {
      r.expect('=');
      layouts = { layouts: [this.attributes.layout()] };
    }
    layouts ??= this.opLayouts();
    this.emit(from, names, kind, [operand], this.types([operand]), {}, [], layouts);
  }

  private writer(from: number, names: readonly { name: string; count: number }[]): Writer {
    return {
      span: this.r.span(from),
      emit: (isNamed, kind, operands, types, attrs) =>
        this.emit(from, isNamed ? names : [], kind, operands, types, attrs, []),
    };
  }

  /** What device ids mean: places in the file's mesh, or GSPMD's, or else a line of devices. */
  private devices(what: string, from: number): Devices {
    const { meshes } = this.attributes;
    const annotated = (): boolean => this.r.tokens.some((t) => /^"?mhlo\.sharding"?$/.test(t.image));
    const found = meshes[0] ?? (annotated() ? this.gspmd.meshes[0] : undefined);
    if (found !== undefined) return { mesh: found, replicas: this.replicas };
    const mesh = lineOfDevices((this.partitions ?? 1) * this.replicas, what, this.r.span(from));
    meshes.push(mesh);
    return { mesh, replicas: this.replicas };
  }

  // --- regions and values -------------------------------------------------------------------------------------------

  /** `{ ^bb0(%a: t): … }` or `{ … }` with parameters known from outside. */
  private region(params?: readonly { name: string; type: TensorType }[]): Block {
    const r = this.r;
    const outer = this.shadowed;
    this.shadowed = [];
    const block = this.builder.region(() => {
      r.expect('{');
      const found = params ?? (r.isKind('block') ? this.blockParams() : []);
      for (const p of found) this.define(p.name, [this.builder.param(p.type, { name: p.name.slice(1) })]);
      this.ops();
    });
    for (const [name, ids] of this.shadowed.reverse())
      if (ids === undefined) this.names.delete(name);
      else this.names.set(name, ids);
    this.shadowed = outer;
    return block;
  }

  private blockParams(): { name: string; type: TensorType }[] {
    const r = this.r;
    r.take();
    const params = r.is('(') ? this.typedNames() : [];
    r.expect(':');
    return params;
  }

  private use(): ValueId {
    const r = this.r;
    const image = r.takeKind('value', 'a value');
    const [name, index] = image.split('#') as [string, string?];
    const ids = this.names.get(name);
    const id = ids?.[index === undefined ? 0 : Number(index)];
    if (id === undefined) {
      throw userError('SH0201', `${image} is not defined here`, {
        span: r.span(r.at - 1),
        expected: 'a value defined above, in this function or an enclosing region',
      });
    }
    return id;
  }

  private define(name: string, ids: readonly ValueId[]): void {
    this.shadowed.push([name, this.names.get(name)]);
    this.names.set(name, ids);
  }

  private finish(
    from: number,
    names: readonly { name: string; count: number }[],
    kind: string,
    operands: readonly ValueId[],
    types: readonly TensorType[],
    raw: Omit<Raw, 'operands' | 'results'>,
    regions: readonly Block[],
  ): void {
    if (kind === 'dot')
      return this.finish(
        from,
        names,
        'dot_general',
        operands,
        types,
        dotAsGeneral(raw, this.builder.typeOf(operands[0] as ValueId)),
        regions,
      );
    const full: Raw = { ...raw, operands: operands.map((v) => this.builder.typeOf(v)), results: types };
    if (Object.hasOwn(EXPANSIONS, kind)) return this.expand(from, names, kind, operands, full, regions);
    if (kind === 'create_token') return void this.emit(from, names, 'after_all', [], types, {}, []);
    const results =
      kind === 'sharding_group'
        ? []
        : kind === 'optimization_barrier'
          ? operands.map((v) => this.builder.typeOf(v))
          : types;
    const own = raw.fields.get('sdy.sharding_rule');
    const known = Object.hasOwn(OP_ATTRS, kind) ? OP_ATTRS[kind]?.(full) : {};
    const extra = extraText(kind, raw);
    const attrs = {
      ...known,
      ...(extra === '' ? {} : { extra }),
      ...(own === undefined ? {} : { rule: String(own) }),
    };
    this.emit(from, names, kind, operands, results, attrs, regions, shardedOf(raw.fields));
  }

  /** An op that stands for others: its names are those of what it means. */
  private expand(
    from: number,
    names: readonly { name: string; count: number }[],
    kind: string,
    operands: readonly ValueId[],
    raw: Raw,
    regions: readonly Block[],
  ): void {
    const span = this.r.span(from);
    this.builder.origin = { span, ...this.locations.maybe() };
    const before = this.builder.values.length;
    try {
      const maker = (v: ValueId): Op | undefined => this.definitions.get(v);
      const made = EXPANSIONS[kind]?.({ b: this.builder, operands, raw, regions, maker }) ?? [];
      this.checkResults(kind, made, raw.results, span);
      this.bindMade(names, made, before, shardedOf(raw.fields));
    } catch (error) {
      if (error instanceof InferError) throw userError('SH0204', `${kind}: ${error.message}`, { span });
      throw error;
    }
  }

  /** Values made from `before` on take the names and layouts of the op as it was written. */
  private bindMade(
    names: readonly { name: string; count: number }[],
    made: readonly ValueId[],
    before: number,
    sharded: Sharded | undefined,
  ): void {
    const { origin } = this.builder;
    const types = made.map((v) => this.builder.typeOf(v));
    const asked = sharded?.gspmd === undefined ? [] : this.gspmd.read(sharded.gspmd, types);
    made.forEach((v, i) => {
      const layout = sharded?.layouts?.[i];
      if (layout !== undefined && v >= before) this.builder.setLayout(v, layout);
    });
    const results = made.map((v, i) => this.constrained(v, asked[i], [], {}, origin));
    let next = 0;
    for (const { name, count } of names) {
      const ids = results.slice(next, next + count);
      next += count;
      ids.forEach((v, i) => {
        if (v >= before)
          this.builder.nameLike(v, {
            type: this.builder.typeOf(v),
            name: count === 1 ? name.slice(1) : `${name.slice(1)}#${i}`,
            origin,
          });
      });
      this.define(name, ids);
    }
  }

  private checkResults(kind: string, made: readonly ValueId[], stated: readonly TensorType[], span: Span): void {
    made.forEach((v, i) => {
      const type = this.builder.typeOf(v);
      if (type !== stated[i])
        throw userError(
          'SH0204',
          `${kind} gives ${typeText(type)}, but is written to give ${stated[i] === undefined ? 'nothing' : typeText(stated[i])}`,
          { span, expected: typeText(type) },
        );
    });
  }

  private emit(
    from: number,
    names: readonly { name: string; count: number }[],
    kind: string,
    operands: readonly ValueId[],
    types: readonly TensorType[],
    attrs: Attrs,
    regions: readonly Block[],
    sharded?: Sharded,
  ): readonly ValueId[] {
    const origin: Origin = { span: this.r.span(from), ...this.spelled(from, names.length), ...this.locations.maybe() };
    const named = names.flatMap((n) =>
      Array.from({ length: n.count }, (_, i) => (n.count === 1 ? n.name : `${n.name}#${i}`)),
    );
    if (kind !== 'return' && named.length !== types.length && named.length > 0)
      throw this.r.error(
        `the op has ${types.length} results, ${named.length} are named`,
        `${types.length} names`,
        undefined,
        from,
      );
    const asked =
      sharded?.gspmd === undefined || sharded.layouts !== undefined ? [] : this.gspmd.read(sharded.gspmd, types);
    const made =
      attrs.target === 'Sharding'
        ? operands
        : this.push(kind, operands, types, attrs, regions, origin, { ...sharded, asked });
    const open = attrs.target === 'Sharding' ? this.unspecifiedDims(from) : [];
    const results = made.map((id, i) => this.constrained(id, asked[i], open, attrs, origin));
    results.forEach((id, i) => {
      if (named[i] !== undefined)
        this.builder.nameLike(id, { type: types[i] as TensorType, name: named[i].slice(1), origin });
    });
    let next = 0;
    for (const n of names) {
      this.define(n.name, results.slice(next, next + n.count));
      next += n.count;
    }
    return results;
  }

  private push(
    kind: string,
    operands: readonly ValueId[],
    types: readonly TensorType[],
    attrs: Attrs,
    regions: readonly Block[],
    origin: Origin,
    sharded: Sharded & { asked: readonly Annotation[] },
  ): readonly ValueId[] {
    const results = types.map((type, i) => {
      const layout = sharded.layouts?.[i];
      return this.builder.value(type, { origin, ...(layout === undefined ? {} : { layout }) });
    });
    const [crossing] = CROSSINGS.has(attrs.target as string) ? sharded.asked : [];
    const op: Op = {
      kind,
      operands,
      results,
      attrs: crossing === undefined ? attrs : { ...attrs, crossing },
      regions,
      origin,
    };
    this.builder.push(op);
    for (const id of results) this.definitions.set(id, op);
    return results;
  }

  /** What GSPMD annotates is fixed there: a constraint stands for it, and later uses read the constrained value. */
  private constrained(
    id: ValueId,
    asked: Annotation | undefined,
    open: readonly number[],
    attrs: Attrs,
    origin: Origin,
  ): ValueId {
    const type = this.builder.typeOf(id);
    if (asked?.group !== undefined)
      this.builder.push({
        kind: 'sharding_group',
        operands: [id],
        results: [],
        attrs: { group: asked.group },
        regions: [],
        origin,
      });
    if (asked?.layout === undefined || type.shape.length === 0 || attrs.target === FULL_TO_SHARD) return id;
    if (isMadeAnywhere(this.definitions.get(id), (v) => this.builder.typeOf(v))) {
      this.builder.setLayout(id, withOpenDims(asked.layout, open));
      return id;
    }
    const [made] = this.builder.op('sharding_constraint', [id], [type], origin, {
      layout: withOpenDims(asked.layout, open),
    });
    return made as ValueId;
  }

  /** From the `backend_config` of the call that began at this token. */
  private unspecifiedDims(from: number): readonly number[] {
    for (let at = from; at < this.r.at; at++) {
      const value = this.r.tokens[at + 2];
      if (this.r.tokens[at]?.image !== 'backend_config' || value?.tokenType.name !== 'string') continue;
      return parseUnspecifiedDims({ text: value.image.slice(1, -1), start: value.startOffset + 1 });
    }
    return [];
  }

  /** Names that the IR folds into another op's. */
  private spelled(from: number, names: number): { spelled?: string } {
    const at = names === 0 ? from : this.nameToken(from);
    const name = this.r.tokens[at]?.image.replaceAll('"', '') ?? '';
    return SPELLED.has(name) || (name.startsWith('chlo.') && !EXPANDED.has(name)) ? { spelled: name } : {};
  }

  private nameToken(from: number): number {
    let at = from;
    while (this.r.tokens[at]?.image !== '=') at++;
    return at + 1;
  }

  private checkCalls(): void {
    const known = new Set(this.functions.map((f) => f.name));
    for (const f of this.functions) {
      const stack: Block[] = [f.body];
      for (let block = stack.pop(); block !== undefined; block = stack.pop()) {
        for (const op of block.ops) {
          if (op.kind === 'call' && !known.has(op.attrs.callee as string)) {
            throw userError('SH0220', `there is no function @${String(op.attrs.callee)}`, {
              ...(op.origin.span === undefined ? {} : { span: op.origin.span }),
              expected: `one of ${[...known]
                .slice(0, 8)
                .map((k) => `@${k}`)
                .join(', ')}`,
            });
          }
          stack.push(...op.regions);
        }
      }
    }
  }
}

/** Attributes by name, which remembers what it was asked for. */
class Fields extends Map<string, Value> {
  readonly asked = new Set<string>();

  override get(key: string): Value | undefined {
    this.asked.add(key);
    return super.get(key);
  }

  override has(key: string): boolean {
    this.asked.add(key);
    return super.has(key);
  }

  add(more: ReadonlyMap<string, Value>): void {
    for (const [k, v] of more) this.set(k, v);
  }
}

/** Attributes that the op's own do not tell, as written: all of them where the printer has no form for its kind. */
function extraText(kind: string, { fields, verbatim }: Omit<Raw, 'operands' | 'results'>): string {
  const isTold = (key: string): boolean => hasSyntax(kind) && fields instanceof Fields && fields.asked.has(key);
  return [...verbatim]
    .filter(([key]) => !isTold(key) && !key.startsWith('sdy.') && key !== 'mhlo.sharding')
    .map(([key, text]) => (text === '' ? key : `${key} = ${text}`))
    .join(', ');
}

/** `stablehlo.dot`: a matrix or vector product, the last dim of the left with the first of the right. */
function dotAsGeneral(raw: Omit<Raw, 'operands' | 'results'>, left: TensorType): Omit<Raw, 'operands' | 'results'> {
  const fields = new Fields();
  fields.add(raw.fields);
  fields.set('contracting_dims', [[left.shape.length - 1], [0]]);
  return { ...raw, fields };
}
