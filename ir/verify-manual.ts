/**
 * What holds of manual computations and the collectives in them: axes are in one hand at a time, shapes inside are those
 * outside split along the manual axes, nothing is read from outside, and a collective goes over axes that are manual
 * where it stands. A function is looked at once per set of axes that are manual where it is called.
 */
import type { OpAttrs } from './attrs.ts';
import type { Diagnostic } from './diagnostics.ts';
import type { Layout } from './layout.ts';
import { axesSize, type AxisRef } from './mesh.ts';
import { collectives, joinedAxes } from './ops/collectives.ts';
import { InferError } from './op.ts';
import {
  type Block,
  type Func,
  isCollective,
  type Level,
  mainFunction,
  type Module,
  type Op,
  type ValueId,
  valueInfo,
  readFromOutside,
} from './program.ts';
import { type TensorType, typeText, withShape } from './types.ts';

/** All violations; none at the local level, where no manual computation is left. */
export function verifyManual(module: Module): Diagnostic[] {
  if (module.level === 'local' || module.level === 'scheduled') return [];
  return new Verifier(module).run();
}

/** A block and the axes that are manual in it. */
interface Place {
  readonly func: Func;
  readonly block: Block;
  readonly manual: readonly string[];
}

class Verifier {
  private readonly module: Module;
  private readonly level: Level;
  private readonly found: Diagnostic[] = [];
  private readonly todo: Place[] = [];
  private readonly seen = new Set<string>();

  private readonly functions: ReadonlyMap<unknown, Func>;

  constructor(module: Module) {
    this.module = module;
    this.functions = new Map(module.functions.map((f) => [f.name, f]));
    this.level = module.level;
  }

  run(): Diagnostic[] {
    this.function(mainFunction(this.module), []);
    for (let place = this.todo.pop(); place !== undefined; place = this.todo.pop())
      for (const op of place.block.ops) this.op(op, place);
    return this.found;
  }

  private function(func: Func, manual: readonly string[]): void {
    const key = `${func.name} ${manual.join()}`;
    if (this.seen.has(key)) return;
    this.seen.add(key);
    this.todo.push({ func, block: func.body, manual });
  }

  private op(op: Op, place: Place): void {
    const { func, manual } = place;
    if (op.kind === 'manual_computation') return this.computation(op, place);
    if (op.kind === 'call') {
      const callee = this.functions.get(op.attrs.callee);
      if (callee !== undefined) this.function(callee, manual);
    }
    if (isCollective(op) || op.kind === 'axis_index') this.collective(op, place);
    if (op.kind === 'sharding_constraint' || op.kind === 'reshard')
      this.layoutInside(op, op.attrs.layout as Layout, manual);
    for (const r of op.results) this.layoutInside(op, valueInfo(func, r).layout, manual);
    for (const block of op.regions) this.todo.push({ ...place, block });
  }

  private computation(op: Op, { func, manual: around }: Place): void {
    const {
      in_layouts = [],
      out_layouts = [],
      manual_axes,
    } = op.attrs as unknown as Partial<OpAttrs['manual_computation']>;
    const manual = manual_axes ?? [];
    const [body] = op.regions;
    const end = body?.ops.at(-1);
    if (body === undefined || end === undefined) return this.say(op, 'SH0222', 'a manual computation has no body');
    const name = [...in_layouts, ...out_layouts][0]?.mesh ?? this.module.meshes[0]?.name;
    const mesh = this.module.meshes.find((m) => m.name === name);
    const unknown = manual.find((a) => mesh?.axes.some((m) => m.name === a) !== true);
    if (mesh === undefined || unknown !== undefined)
      return this.say(
        op,
        'SH0210',
        `mesh @${name ?? ''} has no axis "${unknown ?? ''}"`,
        mesh?.axes.map((a) => a.name).join(', '),
      );
    const twice = manual.find((a, i) => around.includes(a) || manual.indexOf(a) !== i);
    if (twice !== undefined)
      return this.say(
        op,
        'SH0231',
        `axis ${twice} is manual already where this computation takes it`,
        'every axis in one hand',
      );
    const types = (ids: readonly ValueId[]): TensorType[] => ids.map((v) => valueInfo(func, v).type);
    this.side(op, 'operand', in_layouts, types(op.operands), types(body.params), manual);
    this.side(op, 'result', out_layouts, types(op.results), types(end.operands), manual);
    const [captured] = readFromOutside([body]);
    if (captured !== undefined)
      this.say(
        op,
        'SH0231',
        `a manual computation reads %${valueInfo(func, captured).name ?? captured} from outside`,
        'what goes in is an operand',
      );
    this.todo.push({ func, block: body, manual: [...around, ...manual] });
  }

  /** Types outside against inside, dim by dim; manual axes stand before free ones. */
  private side(
    op: Op,
    what: string,
    layouts: readonly Layout[],
    outside: readonly TensorType[],
    inside: readonly TensorType[],
    manual: readonly string[],
  ): void {
    if (layouts.length !== outside.length || inside.length !== outside.length)
      return this.say(
        op,
        'SH0206',
        `a manual computation has ${outside.length} ${what}s, ${layouts.length} layouts for them and ${inside.length} inside`,
        'as many of each',
      );
    layouts.forEach((layout, i) => {
      const [global, local] = [outside[i] as TensorType, inside[i] as TensorType];
      if (layout.dims.length !== global.shape.length)
        return this.say(
          op,
          'SH0212',
          `the layout of ${what} ${i} has ${layout.dims.length} dims, its type ${typeText(global)} has ${global.shape.length}`,
        );
      const isManual = (a: AxisRef): boolean => manual.includes(a.name);
      if (what === 'operand' && layout.unreduced.some(isManual))
        return this.say(op, 'SH0231', `operand ${i} enters with a sum owed over a manual axis`, 'the sum paid before');
      const late = layout.dims.findIndex((d) =>
        d.axes.some((a, at) => isManual(a) && d.axes.slice(0, at).some((b) => !isManual(b))),
      );
      if (late >= 0)
        return this.say(
          op,
          'SH0231',
          `dim ${late} of ${what} ${i} names a free axis before a manual one`,
          'manual axes first',
        );
      const parts = layout.dims.map((d) => axesSize(d.axes.filter(isManual)));
      const uneven = global.shape.findIndex((n, d) => n % (parts[d] as number) !== 0);
      if (uneven >= 0)
        return this.say(
          op,
          'SH0232',
          `dim ${uneven} of ${what} ${i} has ${global.shape[uneven]} elements, which do not divide by its ${parts[uneven]} manual shards`,
          `a multiple of ${parts[uneven]}`,
        );
      const wanted = withShape(
        global,
        global.shape.map((n, d) => n / (parts[d] as number)),
      );
      if (wanted !== local)
        this.say(
          op,
          'SH0204',
          `${what} ${i} is a ${typeText(local)} inside`,
          `${typeText(wanted)}: ${typeText(global)} split along the manual axes`,
        );
    });
  }

  /** One of a pass (at the collective level, over free axes) keeps its global type; any other is a user's. */
  private collective(op: Op, { func, manual }: Place): void {
    const axes = joinedAxes(op);
    const isManual = (a: AxisRef): boolean => manual.includes(a.name);
    if (this.level === 'collective' && (op.kind === 'collective_permute' || !axes.some(isManual))) return;
    const free = axes.find((a) => !isManual(a));
    if (free !== undefined || op.kind === 'collective_permute')
      return this.say(
        op,
        'SH0231',
        free === undefined
          ? 'a permute between layouts is a pass’s to make'
          : `${op.kind} over ${free.name}, which is not manual here`,
        manual.length === 0 ? 'a manual computation around it' : `axes that are manual here: ${manual.join(', ')}`,
      );
    try {
      const operands = op.operands.map((v) => valueInfo(func, v).type);
      const inferred = collectives[op.kind]?.infer({ kind: op.kind, attrs: op.attrs, regions: [], operands });
      const stated = op.results.map((v) => valueInfo(func, v).type);
      inferred?.forEach((t, i) => {
        if (stated[i] !== t)
          this.say(op, 'SH0204', `${op.kind} gives ${typeText(t)}, but is written to give another type`, typeText(t));
      });
    } catch (thrown) {
      if (!(thrown instanceof InferError)) throw thrown;
      this.say(op, 'SH0204', thrown.message);
    }
  }

  private layoutInside(op: Op, layout: Layout | undefined, manual: readonly string[]): void {
    const named = [...(layout?.dims.flatMap((d) => d.axes) ?? []), ...(layout?.unreduced ?? [])];
    const held = named.find((a) => manual.includes(a.name));
    if (held !== undefined)
      this.say(
        op,
        'SH0231',
        `a layout names ${held.name}, which is manual here`,
        'free axes: inside, a manual axis splits nothing',
      );
  }

  private say({ origin }: Op, code: string, message: string, expected?: string): void {
    this.found.push({
      code,
      severity: 'error',
      cause: 'user',
      message,
      span: origin.span,
      expected,
    });
  }
}
