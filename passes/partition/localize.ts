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
import { isEven, type Layout, localShape } from '../../ir/layout.ts';
import { axesSize, type Mesh } from '../../ir/mesh.ts';
import { haloOfFactor, type OpView, type Registry, splitRule } from '../../ir/op.ts';
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
import { project } from './assignment.ts';
import { localizeConcatenate } from './localize/concatenate.ts';
import { localizeConstant } from './localize/constant.ts';
import { localizeConvolution } from './localize/convolution.ts';
import { localizeDynamicSlice, localizeDynamicUpdateSlice } from './localize/dynamic-slices.ts';
import { localizeGather, localizeScatter } from './localize/gather-scatter.ts';
import { localizeIota } from './localize/iota.ts';
import { Emitter, type Localizer } from './localize/localizer.ts';
import { localizeReverse } from './localize/reverse.ts';
import { localizeSelectAndScatter } from './localize/select-and-scatter.ts';
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
  scatter: localizeScatter,
  select_and_scatter: localizeSelectAndScatter,
  slice: localizeSlice,
};

export function localize(module: Module, registry: Registry): Module {
  const func = mainFunction(module);
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

  constructor(func: Func, registry: Registry, mesh: Mesh) {
    this.func = func;
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
      const made = this.builder.param(this.shard(info.type, info.layout), isMain ? info : { ...info });
      this.local.set(p, made);
    }
    for (const op of block.ops) this.op(op);
  }

  private op(op: Op): void {
    const operands = op.operands.map((v) => this.read(v));
    const regions = op.regions.map((r) => this.builder.region(() => this.block(r)));
    const results =
      isStructural(op) || isCollective(op) ? this.keep(op, operands, regions) : this.tensorOp(op, operands, regions);
    op.results.forEach((old, i) => {
      const info = valueInfo(this.func, old);
      if (info.layout !== undefined) this.builder.setLayout(results[i] as ValueId, info.layout);
      this.builder.nameLike(results[i] as ValueId, info);
      this.local.set(old, results[i] as ValueId);
    });
  }

  private keep(op: Op, operands: readonly ValueId[], regions: readonly Block[]): ValueId[] {
    if (op.kind === 'manual_computation') throw unsupported('manual_computation (shard_map) in the partitioner');
    return this.builder.op(op.kind, operands, this.localResults(op), op.origin, op.attrs, regions);
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
      operandTypes: op.operands.map((v) => valueInfo(this.func, v).type),
      resultTypes: op.results.map((v) => valueInfo(this.func, v).type),
      operandLayouts: op.operands.map(layoutOf),
      resultLayouts: op.results.map(layoutOf),
      emit: new Emitter(this.builder, this.mesh, {
        pass: 'localize',
        from: [op.origin],
        reason: `${op.kind} on a shard`,
      }),
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
      if (layout === undefined || layout.dims.every((d) => d.axes.length === 0)) return;
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
    const def = this.registry[op.kind];
    const [result] = results;
    const reshaped =
      op.attrs.shape !== undefined && result !== undefined ? { ...op.attrs, shape: result.shape } : op.attrs;
    if (def?.localAttrs === undefined) return reshaped;
    return def.localAttrs(this.view(op), { operands: operands.map((v) => this.builder.typeOf(v)), results });
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
