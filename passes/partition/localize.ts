/**
 * Rewrites every op to per-device shapes. What an op computes on its shard follows from the layouts of its operands and
 * results; attributes that mention sizes come from the op's own `localAttrs`; ops that need to know which shard they
 * hold have a localizer in localize/.
 *
 *   %2 = iota dim=0 : i32[64] @{x}      // x=4
 *   →  %a = iota dim=0 : i32[16]
 *      %b = axis_index {x} …            // + 16 · axis_index
 */
import { FuncBuilder } from '../../ir/build.ts';
import { internalError, unsupported } from '../../ir/diagnostics.ts';
import { type DimFactors, factorName, ruleText } from '../../ir/factors.ts';
import { isEven, isWhole, type Layout, localShape, usedAxes } from '../../ir/layout.ts';
import { axesSize, type AxisRef, fullAxis, isFullAxis, type Mesh } from '../../ir/mesh.ts';
import { expectPaidBoundary } from '../../ir/owed-at-boundary.ts';
import { attrsAt, haloOfFactor, type OpView, type Registry, splitRule } from '../../ir/op.ts';
import {
  type Attrs,
  type Block,
  type Elements,
  type Func,
  isCollective,
  isStructural,
  mainFunction,
  meshOf,
  type Module,
  type Op,
  type ValueId,
  valueInfo,
} from '../../ir/program.ts';
import { isSplat } from '../../ir/elements.ts';
import { type DType, type TensorType, withShape } from '../../ir/types.ts';
import { blocksIn, type Uses, usesOf } from '../../ir/uses.ts';
import { project } from './assignment.ts';
import { Borders } from './localize/borders.ts';
import { localizeConcatenate } from './localize/concatenate.ts';
import { localizeConstant } from './localize/constant.ts';
import { localizeConvolution } from './localize/convolution.ts';
import { localizeDynamicSlice, localizeDynamicUpdateSlice } from './localize/dynamic-slices.ts';
import { localizeGather, localizeScatter } from './localize/gather-scatter.ts';
import { localizeIota } from './localize/iota.ts';
import { Emitter, type Localizer } from './localize/localizer.ts';
import { localizeReverse } from './localize/reverse.ts';
import { localizeRng, localizeRngBitGenerator } from './localize/rng.ts';
import { localizeRotate } from './localize/rotate.ts';
import { localizeSelectAndScatter } from './localize/select-and-scatter.ts';
import { localizeSort } from './localize/sort.ts';
import { localizePad, localizeReduceWindow, localizeSlice } from './localize/sliding.ts';

const LOCALIZERS: Readonly<Record<string, Localizer>> = {
  concatenate: localizeConcatenate,
  constant: localizeConstant,
  convolution: localizeConvolution,
  dynamic_slice: localizeDynamicSlice,
  dynamic_update_slice: localizeDynamicUpdateSlice,
  gather: localizeGather,
  iota: localizeIota,
  pad: localizePad,
  reduce_window: localizeReduceWindow,
  reverse: localizeReverse,
  rng: localizeRng,
  rng_bit_generator: localizeRngBitGenerator,
  rotate: localizeRotate,
  scatter: localizeScatter,
  select_and_scatter: localizeSelectAndScatter,
  slice: localizeSlice,
  sort: localizeSort,
};

/** Does the op need more than per-device attributes? */
export const hasLocalizer = (kind: string): boolean => Object.hasOwn(LOCALIZERS, kind);

export function localize(module: Module, registry: Registry): Module {
  const func = mainFunction(module);
  expectPaidBoundary(func);
  const name = module.meshes[0]?.name;
  if (name === undefined) throw internalError('localize: the module has no mesh');
  return { ...module, level: 'local', functions: [new Localizing(func, registry, meshOf(module, name)).run()] };
}

class Localizing {
  private readonly func: Func;
  private readonly registry: Registry;
  private readonly mesh: Mesh;
  private readonly builder = new FuncBuilder();
  private readonly local = new Map<ValueId, ValueId>();
  private readonly borders = new Borders();
  private readonly uses: Uses;
  /** Axes of the manual computations around: values in them differ along these. */
  private manual: readonly AxisRef[] = [];

  constructor(func: Func, registry: Registry, mesh: Mesh) {
    this.func = func;
    this.uses = usesOf(blocksIn(func.body));
    this.registry = registry;
    this.mesh = mesh;
  }

  run(): Func {
    this.block(this.func.body, true);
    return this.builder.finish({
      ...this.func,
      resultTypes: this.func.resultTypes.map((t, i) => this.shard(t, this.func.resultLayouts[i])),
    });
  }

  private block(block: Block, isMain = false): void {
    for (const p of block.params) {
      const info = valueInfo(this.func, p);
      const laid = info.layout === undefined ? info : { ...info, layout: this.inManual(info.layout) };
      const made = this.builder.param(this.shard(info.type, info.layout), isMain ? info : laid);
      this.local.set(p, made);
    }
    this.borders.within(() => {
      for (const op of block.ops) this.op(op);
    });
  }

  private op(op: Op): void {
    if (op.kind === 'manual_computation') return this.manualComputation(op);
    const operands = op.operands.map((v) => this.read(v));
    const regions = op.regions.map((r) => this.builder.region(() => this.block(r)));
    const results =
      isStructural(op) || isCollective(op) ? this.keep(op, operands, regions) : this.tensorOp(op, operands, regions);
    op.results.forEach((old, i) => {
      const info = valueInfo(this.func, old);
      if (info.layout !== undefined) this.builder.setLayout(results[i] as ValueId, this.inManual(info.layout));
      this.builder.nameLike(results[i] as ValueId, info);
      this.builder.setPadding(results[i] as ValueId, info.padding);
      this.local.set(old, results[i] as ValueId);
    });
  }

  private keep(op: Op, operands: readonly ValueId[], regions: readonly Block[]): ValueId[] {
    return this.builder.op(op.kind, operands, this.localResults(op), op.origin, op.attrs, regions);
  }

  /**
   * Its body takes its place: what is local outside is local inside. A result that the computation says to be replicated
   * over a manual axis is marked, since nothing else shows that it is.
   *
   *   %r = manual_computation %a … manual_axes=[x] (%p) { %s = all_reduce %p axes={x}; return %s } : f32[8] @{_}
   *   →  %s = all_reduce %a axes={x} : f32[8] @{_; manual=x};  %r = sharding_constraint %s, @{_}
   */
  private manualComputation(op: Op): void {
    const body = op.regions[0] as Block;
    const around = this.manual;
    this.manual = [...around, ...(op.attrs.manual_axes as readonly string[]).map((name) => fullAxis(this.mesh, name))];
    body.params.forEach((p, i) => this.local.set(p, this.read(op.operands[i] as ValueId)));
    for (const inner of body.ops.slice(0, -1)) this.op(inner);
    this.manual = around;
    const returned = (body.ops.at(-1) as Op).operands.map((v) => this.read(v));
    op.results.forEach((result, i) => {
      const { type, layout } = valueInfo(this.func, result);
      const made = returned[i] as ValueId;
      const claims = layout !== undefined && !this.namesAll(op.attrs.manual_axes as readonly string[], layout);
      if (!claims) return void this.local.set(result, made);
      const laid = this.inManual(layout);
      const origin = { pass: 'localize', from: [op.origin], reason: 'the manual computation says it is replicated' };
      const [kept] = this.builder.op('sharding_constraint', [made], [this.shard(type, layout)], origin, {
        layout: laid,
      });
      this.builder.setLayout(kept as ValueId, laid);
      this.local.set(result, kept as ValueId);
    });
  }

  private namesAll(manual: readonly string[], layout: Layout): boolean {
    const named = [...usedAxes(layout), ...layout.unreduced];
    return manual.every((name) => named.some((a) => a.name === name && isFullAxis(this.mesh, a)));
  }

  private inManual(layout: Layout): Layout {
    return this.manual.length === 0 ? layout : { ...layout, manual: this.manual };
  }

  private tensorOp(op: Op, operands: readonly ValueId[], regions: readonly Block[]): readonly ValueId[] {
    this.expectSplittable(op);
    const localResults = this.localResults(op);
    const attrs = this.localAttrs(op, operands, localResults);
    const localizer = LOCALIZERS[op.kind];
    if (localizer === undefined || isSplatOp(op))
      return this.builder.op(op.kind, operands, localResults, op.origin, attrs, regions);
    const layoutOf = (v: ValueId): Layout => {
      const { layout } = valueInfo(this.func, v);
      if (layout === undefined) throw internalError(`localize: a value of ${op.kind} has no layout`);
      return layout;
    };
    return localizer({
      op,
      operands,
      regions,
      attrs,
      localResults,
      makers: op.operands.map((v) => this.uses.makers.get(v)),
      readers: op.results.map((v) => this.uses.readersOf(v)),
      operandTypes: op.operands.map((v) => valueInfo(this.func, v).type),
      resultTypes: op.results.map((v) => valueInfo(this.func, v).type),
      operandLayouts: op.operands.map(layoutOf),
      resultLayouts: op.results.map(layoutOf),
      resultPadding: op.results.map((v) => valueInfo(this.func, v).padding),
      emit: new Emitter(
        this.builder,
        this.mesh,
        { pass: 'localize', from: [op.origin], reason: `${op.kind} on a shard` },
        this.borders,
      ),
    });
  }

  /** Shards of pass and reduce factors compute on their own; of others they would compute something else. */
  private expectSplittable(op: Op): void {
    const def = this.registry[op.kind];
    if (def === undefined) return;
    const view = this.view(op);
    const rule = splitRule(def, view);
    const splits = (f: number, shards: number): boolean =>
      shards === 1 || haloOfFactor(def, view, rule, f, shards) !== null;
    const check = (value: ValueId, dims: readonly DimFactors[]): void => {
      const { layout } = valueInfo(this.func, value);
      if (layout === undefined || isWhole(layout)) return;
      const axes = project(rule, dims, layout);
      const split = rule.factors.findIndex((_, f) => !splits(f, axesSize(axes[f] ?? [])));
      if (split >= 0) throw unsupported(`${op.kind} sharded on factor ${factorName(split)} of ${ruleText(rule)}`);
    };
    op.operands.forEach((v, i) => check(v, rule.operands[i] ?? []));
    op.results.forEach((v, i) => check(v, rule.results[i] ?? []));
  }

  private view({ kind, attrs, regions, operands, results }: Op): OpView {
    const types = (ids: readonly ValueId[]): TensorType[] => ids.map((v) => valueInfo(this.func, v).type);
    return { kind, attrs, regions, operands: types(operands), results: types(results) };
  }

  private localAttrs(op: Op, operands: readonly ValueId[], results: readonly TensorType[]): Attrs {
    return attrsAt(this.registry[op.kind], this.view(op), {
      operands: operands.map((v) => this.builder.typeOf(v)),
      results,
    });
  }

  private localResults(op: Op): TensorType[] {
    return op.results.map((r) => this.shard(valueInfo(this.func, r).type, valueInfo(this.func, r).layout));
  }

  /** Values inside reducers have no layout: they are whole. */
  private shard(type: TensorType, layout: Layout | undefined): TensorType {
    if (layout === undefined) return type;
    if (!isEven(type.shape, layout)) throw internalError('localize: a dim does not divide by its axes');
    return withShape(type, localShape(type.shape, layout));
  }

  private read(id: ValueId): ValueId {
    const local = this.local.get(id);
    if (local === undefined) throw internalError(`localize: value ${id} is used before it is made`);
    return local;
  }
}

const isSplatOp = (op: Op): boolean =>
  op.kind === 'constant' && isSplat((op.attrs.value as Elements).data, op.attrs.dtype as DType);
