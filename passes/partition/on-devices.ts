/**
 * What reaches outside of the program does so on every device by itself, or on the one that it names: infeed,
 * outfeed, send, recv, and calls with effects that are asked for on one device. Each becomes a manual computation, as
 * a user would have written it, in the layout that it has by then: its own annotation's, or the propagated one, as at
 * the program's boundary.
 *
 *   %x, %u = infeed %t : f32[8,16] @{x, _}                  // x=2
 *   →  %x, %u = manual_computation %t out=[@{x, _}, @{}] (%t) { %y, %v = infeed %t : f32[4,16]; return %y, %v }
 *
 * On one device only, all others wait for its numbers:
 *
 *   →  … { %y = case (axis_index {x} = 3) { infeed } { 0 }; %z = all_reduce %y; return %z }
 */
import { evenPrefix } from '../../ir/axes.ts';
import type { Diagnostic } from '../../ir/diagnostics.ts';
import { closedDim, type Layout, layoutOf, localShape, replicatedLayout } from '../../ir/layout.ts';
import { type AxisRef, axesSize, fullAxis, type Mesh } from '../../ir/mesh.ts';
import { isHostTransfer } from '../../ir/ops/host-transfers.ts';
import { type Block, mainFunction, type Module, type Op, type Origin, type ValueId } from '../../ir/program.ts';
import { tensor, type TensorType, typeText, withShape } from '../../ir/types.ts';
import { type LaidOutBuilder, rebuild } from './rebuild.ts';

/** Propagated → propagated; one mesh. */
export function onDevices(module: Module, report: (diagnostic: Diagnostic) => void): Module {
  const func = mainFunction(module);
  const around = new Map<Op, readonly string[]>();
  reaching(func.body, [], around);
  const [mesh] = module.meshes;
  if (around.size === 0 || mesh === undefined) return module;
  const made = rebuild(func, (op, b) => {
    const manual = around.get(op);
    if (manual === undefined) return false;
    new Reaching(op, b, mesh, manual, report).write();
    return true;
  });
  return { ...module, functions: module.functions.map((f) => (f === func ? made : f)) };
}

/** Ops that reach outside and are not written per device, with the manual axes around them. */
function reaching(block: Block, manual: readonly string[], found: Map<Op, readonly string[]>): void {
  const stack = [{ block, manual }];
  for (let top = stack.pop(); top !== undefined; top = stack.pop())
    for (const op of top.block.ops) {
      if ((isHostTransfer(op) && op.attrs.layouts === undefined) || op.attrs.device !== undefined)
        found.set(op, top.manual);
      const own = op.kind === 'manual_computation' ? (op.attrs.manual_axes as readonly string[]) : [];
      for (const region of op.regions) stack.push({ block: region, manual: [...top.manual, ...own] });
    }
}

class Reaching {
  private readonly op: Op;
  private readonly b: LaidOutBuilder;
  private readonly mesh: Mesh;
  private readonly report: (diagnostic: Diagnostic) => void;
  /** Of a user's own computation around, and all others. */
  private readonly own: readonly AxisRef[];
  private readonly free: readonly AxisRef[];
  private readonly origin: Origin;

  constructor(
    op: Op,
    b: LaidOutBuilder,
    mesh: Mesh,
    manual: readonly string[],
    report: (diagnostic: Diagnostic) => void,
  ) {
    this.op = op;
    this.b = b;
    this.mesh = mesh;
    this.report = report;
    const axes = mesh.axes.map((a) => fullAxis(mesh, a.name));
    this.own = axes.filter((a) => manual.includes(a.name));
    this.free = axes.filter((a) => !manual.includes(a.name));
    this.origin = { pass: 'on-devices', from: [op.origin], reason: 'it reaches outside, on each device by itself' };
  }

  write(): void {
    const { op, b } = this;
    const layouts = {
      in: op.operands.map((v) => this.layoutOf(v)),
      out: op.results.map((v) => this.layoutOf(v)),
    };
    op.results.forEach((v, i) => b.setLayout(v, layouts.out[i] as Layout));
    if (this.free.length === 0) return void b.push(this.perDevice(op.operands, op.results, layouts));
    const body = b.region(() => {
      const params = op.operands.map((v, i) => this.param(this.local(v, layouts.in[i] as Layout)));
      const alone = op.attrs.device !== undefined && this.own.length === 0;
      const given = alone ? this.onOne(params, layouts) : this.each(params, layouts);
      b.op('return', given, [], this.origin);
    });
    b.push({
      kind: 'manual_computation',
      operands: op.operands,
      results: op.results,
      attrs: { in_layouts: layouts.in, out_layouts: layouts.out, manual_axes: this.free.map((a) => a.name) },
      regions: [body],
      origin: this.origin,
    });
  }

  /** As propagated, of free axes, even; whole where one device does it for all. */
  private layoutOf(v: ValueId): Layout {
    const { shape } = this.b.typeOf(v);
    const known = this.op.attrs.device === undefined ? this.b.layoutOf(v) : undefined;
    const dims = shape.map((size, d) => {
      const asked = known?.dims[d]?.axes ?? [];
      const axes = evenPrefix(size, asked);
      if (axesSize(axes) < axesSize(asked)) this.report(this.uneven(size, d, axesSize(asked)));
      return axes;
    });
    return layoutOf(this.mesh.name, dims);
  }

  private uneven(size: number, dim: number, shards: number): Diagnostic {
    return {
      code: 'SH0402',
      severity: 'warning',
      cause: 'user',
      message: `dim ${dim} of the data of ${this.op.kind} has ${size} elements, which do not divide by ${shards} shards`,
      expected: `a multiple of ${shards}`,
      help: 'devices are fed, and feed, the same part of it along the axes that do not divide',
      span: this.op.origin.span,
    };
  }

  private local(v: ValueId, layout: Layout): TensorType {
    const type = this.b.typeOf(v);
    return withShape(type, localShape(type.shape, layout));
  }

  private param(type: TensorType): ValueId {
    return this.b.param(type, { layout: this.whole(type), origin: this.origin });
  }

  private whole = (type: TensorType): Layout => replicatedLayout(this.mesh.name, type.shape.length);

  private fresh(types: readonly TensorType[]): ValueId[] {
    return types.map((type) => this.b.value(type, { layout: this.whole(type), origin: this.origin }));
  }

  // --- per device ---------------------------------------------------------------------------------------------------

  private each(operands: readonly ValueId[], layouts: Layouts): readonly ValueId[] {
    const results = this.fresh(this.op.results.map((v, i) => this.local(v, layouts.out[i] as Layout)));
    return this.b.push(this.perDevice(operands, results, layouts));
  }

  /** The op on what a device holds. */
  private perDevice(operands: readonly ValueId[], results: readonly ValueId[], layouts: Layouts): Op {
    const { device: _, ...attrs } = this.op.attrs;
    if (!isHostTransfer(this.op)) return { ...this.op, operands, results, attrs };
    const isToken = (v: ValueId): boolean => this.b.typeOf(v).dtype === 'token';
    const data =
      results.length > 1 ? layouts.out.slice(0, -1) : layouts.in.filter((_, i) => !isToken(operands[i] as ValueId));
    const types = results.slice(0, -1).map((v) => this.b.typeOf(v));
    const sized = attrs.result_types === undefined ? {} : { result_types: types.map(typeText) };
    return { ...this.op, operands, results, attrs: { ...attrs, ...sized, layouts: data.map((l) => this.ledByOwn(l)) } };
  }

  private ledByOwn(layout: Layout): Layout {
    return this.own.length === 0 ? layout : { ...layout, dims: [closedDim(this.own), ...layout.dims] };
  }

  // --- on one device ------------------------------------------------------------------------------------------------

  private onOne(operands: readonly ValueId[], layouts: Layouts): readonly ValueId[] {
    const { b, origin } = this;
    const scalar = tensor('i32', []);
    const at = { mesh: this.mesh.name, axes: this.free };
    const place = b.made('axis_index', [], scalar, this.whole(scalar), origin, at);
    const device = this.op.attrs.device as number;
    const wanted = b.splat(this.mesh.deviceIds?.indexOf(device) ?? device, scalar, this.whole(scalar), origin);
    const flag = tensor('pred', []);
    const isIt = b.made('compare', [place, wanted], flag, this.whole(flag), origin, { direction: 'EQ' });
    const regions = [
      b.region(() => b.op('return', this.each(operands, layouts), [], origin)),
      b.region(() =>
        b.op(
          'return',
          this.op.results.map((v) => this.nothing(b.typeOf(v))),
          [],
          origin,
        ),
      ),
    ];
    const results = this.fresh(this.op.results.map((v) => b.typeOf(v)));
    b.push({ kind: 'case', operands: [isIt], results, attrs: {}, regions, origin });
    return results.map((v) => this.toAll(v));
  }

  /** What devices hold that do not run the op. */
  private nothing(type: TensorType): ValueId {
    if (type.dtype === 'token') return this.b.made('after_all', [], type, this.whole(type), this.origin);
    return this.b.splat(0, type, this.whole(type), this.origin);
  }

  private toAll(v: ValueId): ValueId {
    const type = this.b.typeOf(v);
    if (type.dtype === 'token') return v;
    const attrs = { mesh: this.mesh.name, axes: this.free, monoid: type.dtype === 'pred' ? 'or' : 'sum' };
    return this.b.made('all_reduce', [v], type, this.whole(type), this.origin, attrs);
  }
}

interface Layouts {
  readonly in: readonly Layout[];
  readonly out: readonly Layout[];
}
