/**
 * Modules as StableHLO text. The per-device program is what XLA runs: the input's signature, and one
 * `sdy.manual_computation` over all axes that holds it, with real collectives and nothing outside.
 */
import { internalError } from '../diagnostics.ts';
import { type Layout, layoutOf } from '../layout.ts';
import { type AxisRef, isFullAxis, type Mesh } from '../mesh.ts';
import {
  type Block,
  type Func,
  isCollective,
  mainFunction,
  type Module,
  type Op,
  type ValueId,
  valueInfo,
} from '../program.ts';
import { tensor, type TensorType } from '../types.ts';
import { CollectivePrinter } from './print-collective.ts';
import { plainOp, propertiesOf, tensorText } from './print-op.ts';

export function exportStablehlo(original: Module, local: Module): string {
  const mesh = local.meshes[0];
  if (mesh === undefined) throw internalError('export: the module has no mesh');
  return new Printer(mainFunction(original), mainFunction(local), mesh).module(original.name);
}

/** A module at a global level before collectives, with the layout of every value as `sdy.sharding`. */
export function exportSdy(module: Module): string {
  const func = mainFunction(module);
  return new Printer(func, func, module.meshes[0], module.meshes).annotated(module.name);
}

class Printer {
  private readonly original: Func;
  private readonly func: Func;
  private readonly mesh: Mesh | undefined;
  /** Of the layouts to write beside the ops; absent = none are written. */
  private readonly meshes: readonly Mesh[] | undefined;
  private readonly lines: string[] = [];
  private readonly names = new Map<ValueId, string>();
  private next = 0;
  private depth = 2;
  private readonly collectives: CollectivePrinter | undefined;

  constructor(original: Func, func: Func, mesh: Mesh | undefined, meshes?: readonly Mesh[]) {
    this.original = original;
    this.func = func;
    this.mesh = mesh;
    this.meshes = meshes;
    this.collectives =
      mesh === undefined ? undefined : new CollectivePrinter(mesh, (text, name) => this.emit(text, name));
  }

  annotated(name: string): string {
    const { func } = this;
    const attrs = (layout: Layout | undefined, rest: string | undefined): string => {
      const parts = [
        ...(layout === undefined ? [] : [`sdy.sharding = #sdy.sharding${this.sharding(layout)}`]),
        ...(rest === undefined ? [] : [rest]),
      ];
      return parts.length === 0 ? '' : ` {${parts.join(', ')}}`;
    };
    const args = func.body.params.map(
      (p, i) =>
        `${this.fresh(p)}: ${tensorText(valueInfo(func, p).type)}${attrs(valueInfo(func, p).layout, func.paramAttrs[i])}`,
    );
    const results = func.resultTypes.map(
      (t, i) => `${tensorText(t)}${attrs(func.resultLayouts[i], func.resultAttrs[i])}`,
    );
    this.lines.push(
      `module @${name} {`,
      ...(this.meshes ?? []).map(meshLine),
      `  func.func public @main(${args.join(', ')}) -> (${results.join(', ')}) {`,
    );
    this.ops(func.body, 'return');
    this.lines.push('  }', '}', '');
    return this.lines.join('\n');
  }

  /** `<@mesh, [{"x"}, {"y", ?}p1], replicated={"z"}>` */
  private sharding(layout: Layout): string {
    const mesh = this.meshes?.find((m) => m.name === layout.mesh) as Mesh;
    const axis = (a: AxisRef): string => (isFullAxis(mesh, a) ? `"${a.name}"` : `"${a.name}":(${a.pre})${a.size}`);
    const dims = layout.dims.map(
      (d) => `{${[...d.axes.map(axis), ...(d.open ? ['?'] : [])].join(', ')}}${d.priority > 0 ? `p${d.priority}` : ''}`,
    );
    const extra = (key: string, axes: readonly AxisRef[]): string =>
      axes.length === 0 ? '' : `, ${key}={${axes.map(axis).join(', ')}}`;
    return `<@${mesh.name}, [${dims.join(', ')}]${extra('replicated', layout.replicated)}${extra('unreduced', layout.unreduced)}>`;
  }

  /** `{sdy.sharding = #sdy.sharding_per_value<[…]>}` where layouts are written. */
  private shardings(op: Op): string {
    const layouts = op.results.map((r) => valueInfo(this.func, r).layout);
    if (this.meshes === undefined || layouts.length === 0 || layouts.some((l) => l === undefined)) return '';
    return `{sdy.sharding = #sdy.sharding_per_value<[${layouts.map((l) => this.sharding(l as Layout)).join(', ')}]>}`;
  }

  module(name: string): string {
    const { original, func } = this;
    const mesh = this.mesh as Mesh;
    const count = mesh.axes.reduce((n, a) => n * a.size, 1);
    const layoutsIn = func.body.params.map((p) =>
      this.layout(valueInfo(func, p).layout, valueInfo(func, p).type.shape.length),
    );
    const layoutsOut = func.resultLayouts.map((l, i) => this.layout(l, original.resultTypes[i]?.shape.length ?? 0));
    const typesIn = original.body.params.map((p) => valueInfo(original, p).type);
    const typesOut = original.resultTypes;
    const attrs = (layout: string, rest: string | undefined): string =>
      `{sdy.sharding = #sdy.sharding${layout}${rest === undefined ? '' : `, ${rest}`}}`;
    const args = typesIn.map(
      (t, i) => `%arg${i}: ${tensorText(t)} ${attrs(layoutsIn[i] as string, original.paramAttrs[i])}`,
    );
    const results = typesOut.map(
      (t, i) => `${tensorText(t)} ${attrs(layoutsOut[i] as string, original.resultAttrs[i])}`,
    );
    const inner = func.body.params.map((p) => `${this.fresh(p)}: ${tensorText(valueInfo(func, p).type)}`);
    const manual = mesh.axes.map((a) => `"${a.name}"`).join(', ');
    const outer = typesOut.map((_, i) => (typesOut.length === 1 ? '%out' : `%out#${i}`));
    this.lines.push(
      `module @${name} attributes {mhlo.num_partitions = ${count} : i32, mhlo.num_replicas = 1 : i32} {`,
      meshLine(mesh),
      `  func.func public @main(${args.join(', ')}) -> (${results.join(', ')}) {`,
      `    %out${typesOut.length > 1 ? `:${typesOut.length}` : ''} = sdy.manual_computation(${typesIn.map((_, i) => `%arg${i}`).join(', ')}) in_shardings=[${layoutsIn.join(', ')}] out_shardings=[${layoutsOut.join(', ')}] manual_axes={${manual}} (${inner.join(', ')}) {`,
    );
    this.depth = 3;
    this.ops(func.body, 'sdy.return');
    this.lines.push(
      `    } : (${typesIn.map(tensorText).join(', ')}) -> (${typesOut.map(tensorText).join(', ')})`,
      `    return ${outer.join(', ')} : ${typesOut.map(tensorText).join(', ')}`,
      '  }',
      '}',
      '',
    );
    return this.lines.join('\n');
  }

  private layout(layout: Layout | undefined, rank: number): string {
    const mesh = this.mesh as Mesh;
    const { dims } =
      layout ??
      layoutOf(
        mesh.name,
        Array.from({ length: rank }, () => []),
      );
    const text = dims.map(
      (d) =>
        `{${d.axes.map((a) => (isFullAxis(mesh, a) ? `"${a.name}"` : `"${a.name}":(${a.pre})${a.size}`)).join(', ')}}`,
    );
    return `<@${mesh.name}, [${text.join(', ')}]>`;
  }

  private ops(block: Block, terminator: string): void {
    for (const op of block.ops) this.op(op, terminator);
  }

  private op(op: Op, terminator: string): void {
    const operands = op.operands.map((v) => this.name(v));
    const types = (ids: readonly ValueId[]): TensorType[] => ids.map((v) => valueInfo(this.func, v).type);
    if (op.kind === 'return') {
      this.line(
        `${terminator} ${operands.join(', ')}${operands.length > 0 ? ` : ${types(op.operands).map(tensorText).join(', ')}` : ''}`,
      );
    } else if (op.kind === 'axis_index') this.bindName(op, this.collectiveText().axisIndex(op));
    else if (isCollective(op)) {
      const [operand, result] = [types(op.operands)[0] as TensorType, types(op.results)[0] as TensorType];
      this.bindName(op, this.collectiveText().print(op, operands[0] as string, operand, result));
    } else if (op.kind === 'sharding_constraint' || op.kind === 'reshard') this.constraint(op, operands[0] as string);
    else if (op.kind === 'while') this.loop(op, operands);
    else if (op.regions.length > 0 || propertiesOf(op) !== undefined) this.generic(op, operands);
    else {
      this.line(
        `${this.results(op)}${beforeTypes(plainOp(op, operands, types(op.operands), types(op.results)), this.shardings(op))}`,
      );
    }
  }

  private collectiveText(): CollectivePrinter {
    if (this.collectives === undefined) throw internalError('export: a collective in a module without a mesh');
    return this.collectives;
  }

  /** `sdy.sharding_constraint %0 <@mesh, […]> : tensor<…>` */
  private constraint(op: Op, operand: string): void {
    const type = tensorText(valueInfo(this.func, op.results[0] as ValueId).type);
    this.line(`${this.results(op)}sdy.${op.kind} ${operand} ${this.sharding(op.attrs.layout as Layout)} : ${type}`);
  }

  private loop(op: Op, operands: readonly string[]): void {
    const [cond, body] = op.regions as readonly [Block, Block];
    const vars = body.params.map((p) => this.fresh(p));
    cond.params.forEach((p, i) => this.names.set(p, vars[i] as string));
    const pairs = vars.map((v, i) => `${v} = ${operands[i]}`).join(', ');
    this.line(
      `${this.results(op)}stablehlo.while(${pairs}) : ${op.results.map((r) => tensorText(valueInfo(this.func, r).type)).join(', ')}${prefixed(' attributes ', this.shardings(op))}`,
    );
    this.line('cond {');
    this.nested(() => this.ops(cond, 'stablehlo.return'));
    this.line('} do {');
    this.nested(() => this.ops(body, 'stablehlo.return'));
    this.line('}');
  }

  private generic(op: Op, operands: readonly string[]): void {
    const types = (ids: readonly ValueId[]): string =>
      ids.map((v) => tensorText(valueInfo(this.func, v).type)).join(', ');
    const properties = propertiesOf(op);
    const boolean = op.kind === 'case' && valueInfo(this.func, op.operands[0] as ValueId).type === tensor('pred', []);
    const head = `${this.results(op)}"stablehlo.${boolean ? 'if' : op.kind}"(${operands.join(', ')})${properties === undefined || properties === '' ? '' : ` <{${properties}}>`}`;
    const tail = `${prefixed('', this.shardings(op), ' ')}: (${types(op.operands)}) -> (${types(op.results)})`;
    if (op.regions.length === 0) {
      this.line(`${head} ${tail}`);
      return;
    }
    this.line(`${head} ({`);
    op.regions.forEach((region, i) => {
      if (i > 0) this.line('}, {');
      if (region.params.length > 0)
        this.line(
          `^bb0(${region.params.map((p) => `${this.fresh(p)}: ${tensorText(valueInfo(this.func, p).type)}`).join(', ')}):`,
        );
      this.nested(() => this.ops(region, 'stablehlo.return'));
    });
    this.line(`}) ${tail}`);
  }

  // --- names and lines ----------------------------------------------------------------------------------------------

  private nested(print: () => void): void {
    this.depth++;
    print();
    this.depth--;
  }

  private line(text: string): void {
    this.lines.push(`${'  '.repeat(this.depth)}${text}`);
  }

  /** A line that defines a fresh value; gives its name. */
  private emit(text: string, name = `%${this.next++}`): string {
    this.line(`${name} = ${text}`);
    return name;
  }

  private results(op: Op): string {
    if (op.results.length === 0) return '';
    if (op.results.length === 1) return `${this.fresh(op.results[0] as ValueId)} = `;
    const base = `%${this.next++}`;
    op.results.forEach((r, i) => this.names.set(r, `${base}#${i}`));
    return `${base}:${op.results.length} = `;
  }

  private bindName(op: Op, name: string): void {
    this.names.set(op.results[0] as ValueId, name);
  }

  private fresh(id: ValueId): string {
    const name = `%${this.next++}`;
    this.names.set(id, name);
    return name;
  }

  private name(id: ValueId): string {
    const name = this.names.get(id);
    if (name === undefined) throw internalError(`export: value ${id} is used before it is printed`);
    return name;
  }
}

const prefixed = (before: string, text: string, after = ''): string => (text === '' ? '' : `${before}${text}${after}`);

/** Attributes stand between an op's operands and its types. */
function beforeTypes(text: string, attributes: string): string {
  const constant = 'stablehlo.constant ';
  if (attributes !== '' && text.startsWith(constant)) return `${constant}${attributes} ${text.slice(constant.length)}`;
  const at = text.lastIndexOf(' : ');
  return attributes === '' || at < 0 ? text : `${text.slice(0, at)} ${attributes}${text.slice(at)}`;
}

function meshLine(mesh: Mesh): string {
  const axes = mesh.axes.map((a) => `"${a.name}"=${a.size}`).join(', ');
  return `  sdy.mesh @${mesh.name} = <[${axes}]${mesh.deviceIds === undefined ? '' : `, device_ids=[${mesh.deviceIds.join(', ')}]`}>`;
}
