/**
 * Modules as StableHLO text. The per-device program is what XLA runs: the input's signature, and one
 * `sdy.manual_computation` over all axes that holds it, with real collectives and nothing outside (but for what happens on
 * other orders of devices: stages.ts).
 */
import { internalError } from '../diagnostics.ts';
import { globalShape, type Layout, layoutOf } from '../layout.ts';
import { deviceCount, isFullAxis, type Mesh } from '../mesh.ts';
import {
  type Block,
  type Func,
  isCollective,
  mainFunction,
  type Module,
  type Op,
  synchronous,
  type ValueId,
  valueInfo,
  type ValueInfo,
} from '../program.ts';
import { tensor, type TensorType } from '../types.ts';
import { edit } from '../edit-convert.ts';
import type { Registry } from '../op.ts';
import { registry as standard } from '../ops/index.ts';
import { outline } from '../outline.ts';
import { calledFunctions } from './called-functions.ts';
import { expandOps } from './expand-ops.ts';
import { type Channels, CollectivePrinter } from './print-collective.ts';
import { plainOp, propertiesOf, tensorText } from './print-op.ts';
import { meshText, printSdy } from './print-sdy.ts';
import { type Stage, type Staged, stagesOf } from './stages.ts';

/** `registry` says what ops from outside are in ops of XLA. */
export function exportStablehlo(original: Module, local: Module, registry: Registry = standard): string {
  const staged = stagesOf(local);
  const program = outline(expandOps(staged.program, registry));
  const called = expandOps({ ...original, functions: calledFunctions(original, program) }, registry).functions;
  return new Printer(original, local, staged, program, called).module(original.name);
}

/** A module at a global level before collectives, with the layout of every value as `sdy.sharding`. */
export const exportSdy = (module: Module): string => printSdy(edit(module));

class Printer {
  /** As it was written, and as every device runs it. */
  private readonly original: Func;
  private readonly local: Func;
  /** What the function gives back, and in which layout. */
  private readonly returned: ReadonlyMap<ValueId, Layout | undefined>;
  private readonly staged: Staged;
  private func: Func;
  private readonly functions: readonly Func[];
  /** Of the program's manual computation; arguments and results may be on the other meshes. */
  private readonly mesh: Mesh;
  private readonly meshes: readonly Mesh[];
  private readonly lines: string[] = [];
  private readonly names = new Map<ValueId, string>();
  private next = 0;
  private depth = 2;
  private collectives: CollectivePrinter;
  private readonly channels: Channels = { last: 0 };

  /** `called`: functions that stand beside the program, by their own names. */
  constructor(original: Module, local: Module, staged: Staged, program: Module, called: readonly Func[]) {
    const { meshes } = local;
    const [mesh] = meshes;
    if (mesh === undefined) throw internalError('export: the module has no mesh');
    this.original = mainFunction(original);
    this.local = mainFunction(local);
    const { body, resultLayouts } = this.local;
    this.returned = new Map((body.ops.at(-1) as Op).operands.map((v, i) => [v, resultLayouts[i]]));
    this.staged = staged;
    this.func = mainFunction(program);
    this.functions = [...program.functions.filter((f) => f !== this.func), ...called];
    this.mesh = mesh;
    this.meshes = meshes;
    this.collectives = this.collectivesOn(mesh);
  }

  module(name: string): string {
    const { original, local, func, staged } = this;
    const count = deviceCount(this.mesh);
    const annotated = (type: TensorType, layout: Layout | undefined, rest: string | undefined): string =>
      `${tensorText(type)} {sdy.sharding = #sdy.sharding${this.layout(layout, type.shape.length)}${rest === undefined ? '' : `, ${rest}`}}`;
    const args = original.body.params.map((p, i) => {
      const { layout } = valueInfo(local, local.body.params[i] as ValueId);
      return `%arg${i}: ${annotated(valueInfo(original, p).type, layout, original.paramAttrs[i])}`;
    });
    const results = original.resultTypes.map((t, i) => annotated(t, local.resultLayouts[i], original.resultAttrs[i]));
    this.lines.push(
      `module @${name} attributes {mhlo.num_partitions = ${count} : i32, mhlo.num_replicas = 1 : i32} {`,
      ...this.meshes.map((m) => `  ${meshText(m)}`),
      `  func.func public @main(${args.join(', ')}) -> (${results.join(', ')}) {`,
    );
    const outer = new Map(local.body.params.map((p, i) => [p, `%arg${i}`]));
    staged.before.forEach((stage, i) => this.stage(`%before${i}`, stage, outer));
    const { body } = mainFunction(staged.program);
    const program = { takes: body.params, gives: (body.ops.at(-1) as Op).operands };
    // XLA takes manual computations apart where it partitions: not for one device.
    if (count === 1) this.onOne(program.gives, outer);
    else this.computation('%out', this.mesh, program, outer, func.body.params, () => this.ops(func.body, 'sdy.return'));
    staged.after.forEach((stage, i) => this.stage(`%after${i}`, stage, outer));
    const returned = (local.body.ops.at(-1) as Op).operands.map((v) => this.outside(v, outer));
    this.return('return', returned, original.resultTypes);
    this.lines.push('  }');
    for (const repeated of this.functions) this.function(repeated);
    this.lines.push('}', '');
    return this.lines.join('\n');
  }

  private onOne(gives: readonly ValueId[], outer: Map<ValueId, string>): void {
    const { body } = this.func;
    body.params.forEach((p, i) => this.names.set(p, `%arg${i}`));
    for (const op of body.ops.slice(0, -1)) this.op(op, 'return');
    const returned = (body.ops.at(-1) as Op).operands;
    gives.forEach((v, i) => outer.set(v, this.name(returned[i] as ValueId)));
  }

  private collectivesOn(mesh: Mesh): CollectivePrinter {
    return new CollectivePrinter(mesh, (text, name) => this.emit(text, name), this.channels);
  }

  /** What happens on another order of devices. */
  private stage(name: string, { mesh, takes, ops, gives }: Stage, outer: Map<ValueId, string>): void {
    const on = this.meshes.find((m) => m.name === mesh) as Mesh;
    const { func } = this;
    this.collectives = this.collectivesOn(on);
    this.func = this.local;
    this.computation(name, on, { takes, gives }, outer, takes, () => {
      for (const op of ops) this.op(op, 'sdy.return');
      const types = gives.map((v) => valueInfo(this.local, v).type);
      this.return(
        'sdy.return',
        gives.map((v) => this.name(v)),
        types,
      );
    });
    this.collectives = this.collectivesOn(this.mesh);
    this.func = func;
  }

  /** One `sdy.manual_computation`, `params` its arguments inside; `outer` gets to know what it gives. */
  private computation(
    name: string,
    mesh: Mesh,
    { takes, gives }: Pick<Stage, 'takes' | 'gives'>,
    outer: Map<ValueId, string>,
    inner: readonly ValueId[],
    body: () => void,
  ): void {
    const taken = takes.map((v) => valueInfo(this.local, v));
    const given = gives.map((v): ValueInfo => {
      const info = valueInfo(this.local, v);
      const layout = this.returned.get(v) ?? info.layout;
      return layout === undefined ? info : { ...info, layout };
    });
    const layouts = (infos: readonly ValueInfo[]): string =>
      infos.map((v) => this.layout(v.layout, v.type.shape.length, mesh)).join(', ');
    const types = (infos: readonly ValueInfo[]): string => infos.map((v) => tensorText(globalType(v))).join(', ');
    const operands = takes.map((v) => this.outside(v, outer)).join(', ');
    const params = taken.map(({ type }, i) => `${this.fresh(inner[i] as ValueId)}: ${tensorText(type)}`);
    const manual = mesh.axes.map((a) => `"${a.name}"`).join(', ');
    const made = gives.length === 0 ? '' : `${name}${gives.length > 1 ? `:${gives.length}` : ''} = `;
    this.line(
      `${made}sdy.manual_computation(${operands}) in_shardings=[${layouts(taken)}] out_shardings=[${layouts(given)}] manual_axes={${manual}} (${params.join(', ')}) {`,
    );
    this.nested(body);
    this.line(`} : (${types(taken)}) -> (${types(given)})`);
    gives.forEach((v, i) => outer.set(v, gives.length === 1 ? name : `${name}#${i}`));
  }

  /** The name of a value between the computations: in another order of devices it is the same. */
  private outside(v: ValueId, outer: ReadonlyMap<ValueId, string>): string {
    const name = outer.get(v);
    if (name !== undefined) return name;
    const before = this.staged.crossed.get(v);
    if (before === undefined) throw internalError(`export: value ${v} is used before it is printed`);
    return this.outside(before, outer);
  }

  /** One that is called from several places of the program, or by a custom_call. */
  private function(func: Func): void {
    this.func = func;
    this.names.clear();
    this.depth = 2;
    const params = func.body.params.map((p) => `${this.fresh(p)}: ${tensorText(valueInfo(func, p).type)}`);
    const types = func.resultTypes.map(tensorText).join(', ');
    this.lines.push(`  func.func private @${func.name}(${params.join(', ')}) -> (${types}) {`);
    this.ops(func.body, 'return');
    this.lines.push('  }');
  }

  private layout(layout: Layout | undefined, rank: number, at?: Mesh): string {
    const mesh = at ?? this.meshes.find((m) => m.name === layout?.mesh) ?? this.mesh;
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

  private return(terminator: string, names: readonly string[], types: readonly TensorType[]): void {
    const list = types.length > 0 ? ` ${names.join(', ')} : ${types.map(tensorText).join(', ')}` : '';
    this.line(`${terminator}${list}`);
  }

  private ops(block: Block, terminator: string): void {
    for (const op of block.ops) this.op(op, terminator);
  }

  private op(op: Op, terminator: string): void {
    const operands = op.operands.map((v) => this.name(v));
    const types = (ids: readonly ValueId[]): TensorType[] => ids.map((v) => valueInfo(this.func, v).type);
    if (op.kind === 'return') this.return(terminator, operands, types(op.operands));
    else if (op.kind === 'sharding_constraint' || op.kind === 'collective_done')
      this.bindName(op, operands[0] as string);
    else if (op.kind === 'call') {
      const list = (ids: readonly ValueId[]): string => types(ids).map(tensorText).join(', ');
      this.line(
        `${this.results(op)}func.call @${String(op.attrs.callee)}(${operands.join(', ')}) : (${list(op.operands)}) -> (${list(op.results)})`,
      );
    } else if (op.kind === 'axis_index') this.bindName(op, this.collectives.axisIndex(op));
    else if (isCollective(synchronous(op))) {
      const [operand, result] = [types(op.operands)[0] as TensorType, types(op.results)[0] as TensorType];
      this.bindName(op, this.collectives.print(synchronous(op), operands[0] as string, operand, result));
    } else if (op.kind === 'while') this.loop(op, operands);
    else if (op.regions.length > 0 || propertiesOf(op) !== undefined) this.generic(op, operands);
    else {
      this.line(`${this.results(op)}${plainOp(op, operands, types(op.operands), types(op.results))}`);
    }
  }

  private loop(op: Op, operands: readonly string[]): void {
    const [cond, body] = op.regions as readonly [Block, Block];
    const vars = body.params.map((p) => this.fresh(p));
    cond.params.forEach((p, i) => this.names.set(p, vars[i] as string));
    const pairs = vars.map((v, i) => `${v} = ${operands[i]}`).join(', ');
    this.line(
      `${this.results(op)}stablehlo.while(${pairs}) : ${op.results.map((r) => tensorText(valueInfo(this.func, r).type)).join(', ')}`,
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
    const tail = `: (${types(op.operands)}) -> (${types(op.results)})`;
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

/** What all devices hold of a per-device value. */
const globalType = ({ type, layout }: ValueInfo): TensorType =>
  layout === undefined ? type : tensor(type.dtype, globalShape(type.shape, layout));
