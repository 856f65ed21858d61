/**
 * A global program, calls and layouts included, as MLIR prints it: what `shardc sdy-opt` and `--emit sdy` give, and what
 * import.ts reads back. Per-device programs are export.ts'.
 */
import { type EditBlock, type EditFunc, type EditModule, type EditOp, type EditValue, withInner } from '../edit.ts';
import type { Layout } from '../layout.ts';
import { meshBodyText } from '../inlined-mesh.ts';
import type { Mesh } from '../mesh.ts';
import { reducerOf } from '../ops/monoid.ts';
import { isCollective } from '../program.ts';
import { cutAt, entriesOf } from './attribute-entries.ts';
import { mlirName } from './mlir-names.ts';
import { type Channels, CollectivePrinter } from './print-collective.ts';
import { hasSyntax, plainOp, propertiesOf, tensorText } from './print-op.ts';
import { type SsaNames, ssaNames } from './ssa-names.ts';
import { debugAttributes, ruleAttribute, sdyAttributes } from './sdy-attributes.ts';
import { collectiveAxesText, collectiveForm } from './sdy-collectives.ts';
import { perValueText, shardingText } from './sharding-text.ts';

export const printSdy = (module: EditModule): string => new SdyPrinter(module).module();

class SdyPrinter {
  private readonly edit: EditModule;
  private readonly lines: string[] = [];
  private names: SsaNames = new Map();
  /** Of collectives in manual computations, which take several lines. */
  private readonly made = new Map<EditValue, string>();
  private readonly collectives = new Map<string, CollectivePrinter>();
  private readonly channels: Channels = { last: 0 };
  private depth = 0;

  constructor(module: EditModule) {
    this.edit = module;
  }

  module(): string {
    const { name, meshes, functions } = this.edit;
    const attributes = prefixed(' attributes ', bracketed('{', this.edit.attrs ?? '', '}'));
    this.line(`module${name === 'module' ? '' : ` @${name}`}${attributes} {`);
    this.nested(() => {
      for (const mesh of meshes.filter((m) => m.inlined !== true))
        this.line(`${meshText(mesh)}${prefixed(' ', bracketed('{', mesh.attrs ?? '', '}'))}`);
      for (const mesh of meshesOfOne(this.edit)) this.line(meshText(mesh));
      for (const func of functions) this.func(func);
    });
    this.line('}');
    return `${this.lines.join('\n')}\n`;
  }

  private func(func: EditFunc): void {
    this.names = ssaNames(func);
    const params = func.body.params.map(
      (p, i) => `${this.argument(p)}${this.attrs(p.layout, func.paramAttrs[i], func.debug.params[i])}`,
    );
    const results = func.resultTypes.map(
      (t, i) => `${tensorText(t)}${this.attrs(func.resultLayouts[i], func.resultAttrs[i], func.debug.results[i])}`,
    );
    const bare = results.length === 1 && !results[0]?.endsWith('}') ? results[0] : `(${results.join(', ')})`;
    this.line(
      `func.func ${func.isPublic ? (func.saysPublic ? 'public ' : '') : 'private '}@${func.name}(${params.join(', ')})${results.length === 0 ? '' : ` -> ${bare}`}${this.funcAttrs(func)} {`,
    );
    this.nested(() => this.ops(func.body));
    this.line('}');
  }

  private funcAttrs(func: EditFunc): string {
    const original = func.original === undefined ? [] : [`sdy.original_func_name = "${func.original}"`];
    const entries = [...entriesOf(func.attrs ?? ''), ...original].sort();
    return prefixed(' attributes ', bracketed('{', entries.join(', '), '}'));
  }

  /** Sorted by name, as MLIR does. */
  private attrs(layout: Layout | undefined, rest = '', debug: Readonly<Record<string, string>> = {}): string {
    const parts = [...entriesOf(rest), ...Object.entries(debug).map(([k, v]) => `${k} = ${v}`)];
    if (layout !== undefined) parts.push(`sdy.sharding = #sdy.sharding${this.sharding(layout)}`);
    const name = (entry: string): string => cutAt(entry)[0];
    const sorted = parts.sort((a, b) => (name(a) < name(b) ? -1 : 1));
    return parts.length === 0 ? '' : ` {${sorted.join(', ')}}`;
  }

  private sharding(layout: Layout): string {
    return shardingText(this.edit.mesh(layout.mesh), layout);
  }

  private ops(block: EditBlock): void {
    for (const op of block.ops()) this.op(op);
  }

  // --- ops ------------------------------------------------------------------------------------------------------------

  private op(op: EditOp): void {
    switch (op.kind) {
      case 'return':
        return this.line(
          `${mlirName(op)}${prefixed(' ', this.uses(op.operands))}${prefixed(' : ', types(op.operands))}`,
        );
      case 'call':
        return this.line(
          `${this.results(op)}${op.parent === undefined ? '' : 'func.'}call @${String(op.attrs.callee)}(${this.uses(op.operands)})${this.dict(op)} : ${signature(op)}`,
        );
      case 'while':
        return this.loop(op);
      case 'manual_computation':
      case 'named_computation':
        return this.computation(op);
      case 'reduce':
        return this.reduce(op);
      case 'optimization_barrier':
        return this.line(
          `${this.results(op)}stablehlo.optimization_barrier${this.dict(op)} ${this.uses(op.operands)} : ${types(op.operands)}`,
        );
      case 'axis_index':
        return this.collective(op);
      default:
        if (isCollective(op) && op.attrs.mesh !== undefined) return this.collective(op);
        return op.regions.length > 0 || properties(op) !== undefined ? this.generic(op) : this.plain(op);
    }
  }

  private plain(op: EditOp): void {
    const head = this.results(op);
    const operands = op.operands.map((v) => this.name(v));
    const layout = op.attrs.layout as Layout | undefined;
    if (collectiveForm(op.kind) !== undefined) return this.sdyCollective(op);
    const type = op.results[0] === undefined ? '' : tensorText(op.results[0].type);
    switch (op.kind) {
      case 'sharding_constraint':
      case 'reshard':
        return this.line(
          `${head}sdy.${op.kind} ${operands[0]} ${this.sharding(layout as Layout)}${this.dict(op)} : ${type}`,
        );
      case 'sharding_group':
        return this.line(
          `sdy.sharding_group ${operands[0]} group_id=${String(op.attrs.group)} : ${types(op.operands)}`,
        );
      case 'propagation_barrier':
        return this.line(
          `${head}sdy.propagation_barrier ${operands[0]} allowed_direction=${String(op.attrs.direction)}${this.dict(op)} : ${type}`,
        );
      case 'data_flow_edge': {
        const sharding = op.result.layout === undefined ? '' : ` sharding=${this.sharding(op.result.layout)}`;
        return this.line(`${head}sdy.data_flow_edge ${operands[0]}${sharding}${this.dict(op)} : ${type}`);
      }
      case 'func_data_flow_edge':
        return this.line(`${head}sdy.func_data_flow_edge ${operands[0]}${this.dict(op)} : ${type}`);
      case 'top_k': {
        const call = `stablehlo.custom_call @mhlo.topk(${operands[0]})`;
        const attributes = `mhlo.attributes = {k = ${String(op.attrs.k)} : i64, largest = true}`;
        return this.line(`${head}${this.withAttributes(`${call} {${attributes}} : ${signature(op)}`, this.dict(op))}`);
      }
      case 'custom_call':
        return this.line(
          `${head}stablehlo.custom_call @${String(op.attrs.target)}(${operands.join(', ')})${this.dict(op)} : ${signature(op)}`,
        );
      default: {
        const text = plainOp(
          op,
          operands,
          op.operands.map((v) => v.type),
          op.results.map((r) => r.type),
        );
        return this.line(`${head}${this.withAttributes(spelled(op, text), this.dict(op))}`);
      }
    }
  }

  /** `sdy.all_gather [{}, {"x"}] %0 out_sharding=<@mesh, […]> : t` */
  private sdyCollective(op: EditOp): void {
    const layout = op.result.layout as Layout;
    const axes = collectiveAxesText(this.edit.mesh(layout.mesh), op.kind, op.attrs);
    const head = `${this.results(op)}${op.kind} ${axes === undefined ? '' : `${axes} `}${this.uses(op.operands)}`;
    this.line(`${head} out_sharding=${this.sharding(layout)}${this.dict(op)} : ${tensorText(op.result.type)}`);
  }

  /** Attributes stand before the types; a constant's before its elements. */
  private withAttributes(text: string, dict: string): string {
    if (dict === '') return text;
    const constant = /^(?:stablehlo|sdy)\.constant /.exec(text)?.[0];
    if (constant !== undefined) return `${constant.trimEnd()}${dict} ${text.slice(constant.length)}`;
    const at = text.lastIndexOf(' : ');
    if (text.slice(0, at).endsWith('}')) return `${text.slice(0, at - 1)}, ${dict.slice(2)}${text.slice(at)}`;
    return `${text.slice(0, at)}${dict}${text.slice(at)}`;
  }

  /** ` {sdy.sharding = …, sdy.sharding_rule = …}`, sorted by name as MLIR does. */
  private dict(op: EditOp): string {
    const own = sdyAttributes(this.edit, op);
    const found = new Map(discardable(op).map((entry) => cutAt(entry)));
    const effects = (op.attrs.effect_layouts ?? []) as readonly Layout[];
    const layouts = op.results.length === 0 ? effects : op.results.map((r) => r.layout);
    const device = op.attrs.device as number | undefined;
    const shardings =
      device !== undefined
        ? onOneDevice(device, op.results.length)
        : saysItsOwn(op)
          ? undefined
          : perValueText(this.edit, layouts);
    if (shardings !== undefined) found.set('sdy.sharding', shardings);
    const rule = ruleAttribute(op);
    if (rule !== undefined) found.set('sdy.sharding_rule', rule);
    const told = op.kind === 'data_flow_edge' ? {} : own;
    for (const [k, v] of Object.entries({ ...told, ...debugAttributes(op) })) if (k.startsWith('sdy.')) found.set(k, v);
    if (found.size === 0) return '';
    return ` {${[...found]
      .sort(([a], [b]) => (a < b ? -1 : 1))
      .map(([k, v]) => (v === '' ? k : `${k} = ${v}`))
      .join(', ')}}`;
  }

  /** A user's, on the device's shard: as it stands in the program of one device. */
  private collective(op: EditOp): void {
    const mesh = String(op.attrs.mesh);
    let printer = this.collectives.get(mesh);
    if (printer === undefined) {
      printer = new CollectivePrinter(
        this.edit.mesh(mesh),
        (text, name = `%collective_${this.lines.length}`) => {
          this.line(`${name} = ${text}`);
          return name;
        },
        this.channels,
      );
      this.collectives.set(mesh, printer);
    }
    const [operand] = op.operands;
    this.made.set(
      op.result,
      operand === undefined
        ? printer.axisIndex(op)
        : printer.print(op, this.name(operand), operand.type, op.result.type),
    );
  }

  private loop(op: EditOp): void {
    const head = this.results(op);
    const [cond, body] = op.regions as [EditBlock, EditBlock];
    const pairs = body.params.map((p, i) => `${this.name(p)} = ${this.name(op.operands[i] as EditValue)}`).join(', ');
    this.line(
      `${head}stablehlo.while(${pairs})${prefixed(' : ', types(op.results))}${prefixed(' attributes', this.dict(op))}`,
    );
    this.line('cond {');
    this.region(cond);
    this.line('} do {');
    this.region(body);
    this.line('}');
  }

  private computation(op: EditOp): void {
    const head = this.results(op);
    const name = op.kind === 'named_computation' ? `<"${String(op.attrs.name)}">` : '';
    const list = (key: string, label: string): string => {
      const layouts = op.attrs[key] as readonly Layout[] | undefined;
      return layouts === undefined ? '' : ` ${label}=[${layouts.map((l) => this.sharding(l)).join(', ')}]`;
    };
    const manual =
      op.kind === 'manual_computation'
        ? ` manual_axes={${((op.attrs.manual_axes ?? []) as readonly string[]).map((a) => `"${a}"`).join(', ')}}`
        : '';
    const operands = this.uses(op.operands);
    const body = op.regions[0] as EditBlock;
    const params = body.params.map((p) => this.argument(p)).join(', ');
    this.line(
      `${head}sdy.${op.kind}${name}(${operands})${list('in_layouts', 'in_shardings')}${list('out_layouts', 'out_shardings')}${manual} (${params}) {`,
    );
    this.region(body);
    this.line(`}${this.dict(op)} : ${signature(op)}`);
  }

  /** `reduce(%x init: %z) applies stablehlo.add across dimensions = [1]`, or with its reducer written out. */
  private reduce(op: EditOp): void {
    const head = this.results(op);
    const n = op.operands.length / 2;
    const pairs = Array.from(
      { length: n },
      (_, i) => `(${this.name(op.operands[i] as EditValue)} init: ${this.name(op.operands[n + i] as EditValue)})`,
    );
    const reducer = reducerOf(op);
    const applied = reducer === undefined ? '' : ` applies stablehlo.${reducer}`;
    const dims = (op.attrs.dims as readonly number[]).join(', ');
    this.line(
      `${head}stablehlo.reduce${pairs.join(', ')}${applied} across dimensions = [${dims}]${this.dict(op)} : ${signature(op)}`,
    );
    if (reducer !== undefined) return;
    const body = op.regions[0] as EditBlock;
    const params = body.params.map((p) => this.argument(p));
    const groups = Array.from({ length: n }, (_, i) => `(${params[i]}, ${params[n + i]})`);
    this.line(` reducer${groups.join(' ')}  {`);
    this.region(body);
    this.line('}');
  }

  private generic(op: EditOp): void {
    const head = this.results(op);
    const fields = prefixed(' ', bracketed('<{', properties(op) ?? '', '}>'));
    const start = `${head}"${mlirName(op)}"(${this.uses(op.operands)})${fields}`;
    const tail = `${this.dict(op)} : (${types(op.operands)}) -> ${op.results.length === 1 ? types(op.results) : `(${types(op.results)})`}`;
    if (op.regions.length === 0) return this.line(`${start}${tail}`);
    this.line(`${start} ({`);
    op.regions.forEach((region, i) => {
      if (i > 0) this.line('}, {');
      if (region.params.length > 0) this.line(`^bb0(${region.params.map((p) => this.argument(p)).join(', ')}):`);
      this.region(region);
    });
    this.line(`})${tail}`);
  }

  // --- names and lines ------------------------------------------------------------------------------------------------

  private region(block: EditBlock): void {
    this.nested(() => this.ops(block));
  }

  private nested(print: () => void): void {
    this.depth++;
    print();
    this.depth--;
  }

  private line(text: string): void {
    this.lines.push(`${'  '.repeat(this.depth)}${text}`);
  }

  private results(op: EditOp): string {
    const names = op.results.map((r) => this.name(r));
    const [first] = names;
    if (first === undefined) return '';
    return first.endsWith('#0') ? `${first.slice(0, -2)}:${names.length} = ` : `${names.join(', ')} = `;
  }

  private argument(value: EditValue): string {
    return `${this.name(value)}: ${tensorText(value.type)}`;
  }

  private name(value: EditValue): string {
    const name = this.made.get(value) ?? this.names.get(value);
    if (name === undefined) throw new Error('print: a value is used before it is made');
    return name;
  }

  private uses(values: readonly EditValue[]): string {
    return values.map((v) => this.name(v)).join(', ');
  }
}

const meshOfOne = (device: number): string => `maximal_mesh_${device}`;

/** An op with effects says where it runs, with or without results. */
const onOneDevice = (device: number, results: number): string =>
  `#sdy.sharding_per_value<[${new Array<string>(Math.max(1, results)).fill(`<@${meshOfOne(device)}, []>`).join(', ')}]>`;

/** Of the devices that such ops name, where the module does not hold them. */
function meshesOfOne({ functions, meshes }: EditModule): Mesh[] {
  const devices = new Set<number>();
  const look = (block: EditBlock): void => {
    for (const top of block.ops())
      for (const op of withInner(top)) if (op.attrs.device !== undefined) devices.add(op.attrs.device as number);
  };
  for (const func of functions) look(func.body);
  return [...devices]
    .map((device): Mesh => ({ name: meshOfOne(device), axes: [], deviceIds: [device] }))
    .filter((mesh) => !meshes.some((m) => m.name === mesh.name));
}

/** What its results' shardings are stands in its own form. */
const saysItsOwn = (op: EditOp): boolean =>
  op.attrs.layout !== undefined || op.kind === 'data_flow_edge' || collectiveForm(op.kind) !== undefined;

const extras = (op: EditOp): string[] => entriesOf((op.attrs.verbatim ?? op.attrs.extra ?? '') as string);
/** What an op keeps as text: names with a dialect, and all where the op has a form of its own, are not MLIR properties. */
const discardable = (op: EditOp): string[] =>
  hasSyntax(op.kind) ? extras(op) : extras(op).filter((entry) => cutAt(entry)[0].includes('.'));

function properties(op: EditOp): string | undefined {
  const known = propertiesOf(op);
  if (known !== undefined || hasSyntax(op.kind)) return known;
  const own = extras(op).filter((entry) => !cutAt(entry)[0].includes('.'));
  return own.length === 0 ? undefined : own.sort().join(', ');
}

const bracketed = (open: string, text: string, close: string): string => (text === '' ? '' : `${open}${text}${close}`);
const types = (values: readonly EditValue[]): string => values.map((v) => tensorText(v.type)).join(', ');
const signature = (op: EditOp): string =>
  `(${types(op.operands)}) -> ${op.results.length === 1 ? types(op.results) : `(${types(op.results)})`}`;
const prefixed = (before: string, text: string): string => (text === '' ? '' : `${before}${text}`);

/** The op by its own name, where the IR has folded it into another. */
function spelled(op: EditOp, text: string): string {
  const isToken = op.kind === 'after_all' && op.operands.length === 0;
  if (isToken && op.origin.spelled === undefined) return text.replace('create_token', 'after_all ');
  if (op.origin.spelled === 'sdy.constant') return text.replace(/^stablehlo/, 'sdy');
  if (op.origin.spelled !== 'stablehlo.dot') return text;
  return text.replace(/^stablehlo\.dot_general /, 'stablehlo.dot ').replace(/, contracting_dims = \[\d+\] x \[0\]/, '');
}

export function meshText(mesh: Mesh): string {
  return `sdy.mesh @${mesh.name} = ${meshBodyText(mesh)}`;
}
