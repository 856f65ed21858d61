/**
 * Modules as StableHLO text. The per-device program is what XLA runs: the input's signature, and one
 * `sdy.manual_computation` over all axes that holds it, with real collectives and nothing outside.
 */
import { internalError } from '../diagnostics.ts';
import type { OpAttrs } from '../attrs.ts';
import { type Layout, layoutOf, samePlacement } from '../layout.ts';
import { isFullAxis, type Mesh } from '../mesh.ts';
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
} from '../program.ts';
import { tensor, type TensorType } from '../types.ts';
import { edit } from '../edit-convert.ts';
import type { Registry } from '../op.ts';
import { registry as standard } from '../ops/index.ts';
import { outline } from '../outline.ts';
import { calledFunctions } from './called-functions.ts';
import { expandOps } from './expand-ops.ts';
import { CollectivePrinter } from './print-collective.ts';
import { plainOp, propertiesOf, tensorText } from './print-op.ts';
import { meshText, printSdy } from './print-sdy.ts';

/** `registry` says what ops from outside are in ops of XLA. */
export function exportStablehlo(original: Module, local: Module, registry: Registry = standard): string {
  const program = outline(expandOps(local, registry));
  const called = expandOps({ ...original, functions: calledFunctions(original, program) }, registry).functions;
  return new Printer(mainFunction(original), program, called).module(original.name);
}

/** A module at a global level before collectives, with the layout of every value as `sdy.sharding`. */
export const exportSdy = (module: Module): string => printSdy(edit(module));

class Printer {
  private readonly original: Func;
  private func: Func;
  private readonly functions: readonly Func[];
  /** Of the manual computation; arguments and results may be on the other meshes. */
  private readonly mesh: Mesh;
  private readonly meshes: readonly Mesh[];
  private readonly lines: string[] = [];
  private readonly names = new Map<ValueId, string>();
  private next = 0;
  private depth = 2;
  private readonly collectives: CollectivePrinter;

  /** `called`: functions that stand beside the program, by their own names. */
  constructor(original: Func, local: Module, called: readonly Func[]) {
    const { meshes } = local;
    const [mesh] = meshes;
    if (mesh === undefined) throw internalError('export: the module has no mesh');
    this.original = original;
    this.func = mainFunction(local);
    this.functions = [...local.functions.filter((f) => f !== this.func), ...called];
    this.mesh = mesh;
    this.meshes = meshes;
    this.collectives = new CollectivePrinter(mesh, (text, name) => this.emit(text, name));
  }

  module(name: string): string {
    const { original, func } = this;
    const { mesh } = this;
    const count = mesh.axes.reduce((n, a) => n * a.size, 1);
    const inner = func.body.params.map((p) => valueInfo(func, p));
    const layoutsIn = inner.map((p) => this.layout(p.layout, p.type.shape.length));
    const layoutsOut = func.resultLayouts.map((l, i) => this.layout(l, original.resultTypes[i]?.shape.length ?? 0));
    const enter = inner.map((p) => this.layout(p.layout, p.type.shape.length, mesh));
    const leave = func.resultLayouts.map((l, i) => this.layout(l, original.resultTypes[i]?.shape.length ?? 0, mesh));
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
    const params = func.body.params.map((p) => `${this.fresh(p)}: ${tensorText(valueInfo(func, p).type)}`);
    const manual = mesh.axes.map((a) => `"${a.name}"`).join(', ');
    const outer = typesOut.map((_, i) => (typesOut.length === 1 ? '%out' : `%out#${i}`));
    const named = typesOut.length === 0 ? '' : `%out${typesOut.length > 1 ? `:${typesOut.length}` : ''} = `;
    const returned = typesOut.length === 0 ? '' : ` ${outer.join(', ')} : ${typesOut.map(tensorText).join(', ')}`;
    this.lines.push(
      `module @${name} attributes {mhlo.num_partitions = ${count} : i32, mhlo.num_replicas = 1 : i32} {`,
      ...this.meshes.map((m) => `  ${meshText(m)}`),
      `  func.func public @main(${args.join(', ')}) -> (${results.join(', ')}) {`,
      `    ${named}sdy.manual_computation(${typesIn.map((_, i) => `%arg${i}`).join(', ')}) in_shardings=[${enter.join(', ')}] out_shardings=[${leave.join(', ')}] manual_axes={${manual}} (${params.join(', ')}) {`,
    );
    this.depth = 3;
    this.ops(func.body, 'sdy.return');
    this.lines.push(
      `    } : (${typesIn.map(tensorText).join(', ')}) -> (${typesOut.map(tensorText).join(', ')})`,
      `    return${returned}`,
      '  }',
    );
    for (const repeated of this.functions) this.function(repeated);
    this.lines.push('}', '');
    return this.lines.join('\n');
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
    } else if (op.kind === 'sharding_constraint' || op.kind === 'collective_done')
      this.bindName(op, operands[0] as string);
    else if (op.kind === 'call') {
      const list = (ids: readonly ValueId[]): string => types(ids).map(tensorText).join(', ');
      this.line(
        `${this.results(op)}func.call @${String(op.attrs.callee)}(${operands.join(', ')}) : (${list(op.operands)}) -> (${list(op.results)})`,
      );
    } else if (op.kind === 'axis_index') this.bindName(op, this.collectives.axisIndex(op));
    else if (isBoundaryCrossing(synchronous(op))) this.bindName(op, operands[0] as string);
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

/**
 * Another order of devices at the boundary, which XLA changes itself: the argument or result is annotated with its own
 * mesh, the manual computation takes or gives the same axes on the mesh of all that is inside.
 */
function isBoundaryCrossing(op: Op): boolean {
  if (op.kind !== 'collective_permute') return false;
  const { from, to } = op.attrs as unknown as OpAttrs['collective_permute'];
  if (from.mesh === to.mesh) return false;
  if (!samePlacement(from, to)) throw internalError('export: another order of devices inside the program');
  return true;
}
