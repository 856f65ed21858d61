/**
 * Makes dims that do not divide by their shards longer, in the whole program at once, so that every later level has even
 * shards only. What is added is tracked, and overwritten only where an op would let it be seen.
 *
 *   %2 = dot_general %0, %1 : f32[30,77] @{x, y}        // x=4, y=2
 *   %3 = reduce sum %2 dims=[0] : f32[77]
 *   →  %a = pad %0 high=[2, 0] : f32[32,50];  %b = pad %1 high=[0, 1] : f32[50,78]
 *      %2 = dot_general %a, %b : f32[32,78] @{x, y}
 *      %m = select (iota < 30), %2, 0
 *      %3 = reduce sum %m dims=[0] : f32[78];  %r = slice %3 [0:77]
 *
 * Arguments and results keep their true shape, laid out by the largest beginning of their axes that divides.
 */
import type { OpAttrs } from '../../ir/attrs.ts';
import { FuncBuilder } from '../../ir/build.ts';
import { isSplat } from '../../ir/elements.ts';
import type { Layout } from '../../ir/layout.ts';
import { type AnyOpDef, attrsAt, type OpView, type Registry } from '../../ir/op.ts';
import { meet, type PadContent, type PadRule, satisfies } from '../../ir/padding.ts';
import { collectives } from '../../ir/ops/collectives.ts';
import {
  type Block,
  type Elements,
  type Func,
  mainFunction,
  type Module,
  type Op,
  type ValueId,
  valueInfo,
} from '../../ir/program.ts';
import { type DType, withShape } from '../../ir/types.ts';
import { combinedPadding, givenBy, needsOf } from './pad-dims/contents.ts';
import { viewOf } from './pad-dims/classes.ts';
import { Extents } from './pad-dims/extents.ts';
import { majorOf, padOfDim, padView, type PadView } from './pad-dims/joins.ts';
import { REWRITERS } from './pad-dims/rewriters.ts';
import { PadSite } from './pad-dims/site.ts';
import { type Fill, type Known, type Needs, PaddedValues } from './pad-dims/padded-values.ts';

export function padDims(module: Module, registry: Registry): Module {
  const padded = paddedFunction(mainFunction(module), registry, 'cut', {});
  return padded === undefined ? module : { ...module, functions: [padded.func] };
}

/** `whole` results keep their padding, beside what is claimed of it; undefined where nothing is padded. */
export function paddedFunction(
  func: Func,
  registry: Registry,
  results: 'cut' | 'whole',
  fill: Fill,
): { readonly func: Func; readonly claims: readonly Known[] } | undefined {
  const extents = new Extents(func, registry);
  return extents.none ? undefined : new Padding(func, registry, extents, fill).run(results);
}

/** Shapes of an op's operands or results. */
type Shapes = readonly (readonly number[])[];

class Padding {
  private readonly func: Func;
  private readonly registry: Registry;
  private readonly extents: Extents;
  private readonly fill: Fill;
  private readonly builder = new FuncBuilder();
  private readonly values: PaddedValues;

  constructor(func: Func, registry: Registry, extents: Extents, fill: Fill) {
    this.func = func;
    this.registry = registry;
    this.extents = extents;
    this.fill = fill;
    this.values = new PaddedValues(func, extents, this.builder, fill);
  }

  run(results: 'cut' | 'whole'): { func: Func; claims: Known[] } {
    const { func, extents } = this;
    const trueShape = (v: ValueId): readonly number[] => valueInfo(func, v).type.shape;
    const shapeOf = results === 'cut' ? trueShape : (v: ValueId) => extents.shape(v);
    for (const p of func.body.params) this.param(p, trueShape(p), { contents: [] });
    this.layOutArguments();
    const claims = this.block(func.body, shapeOf);
    const returned = func.body.ops.at(-1)?.operands ?? [];
    this.layOutResults();
    const made = this.builder.finish({
      ...func,
      resultTypes: returned.map((v) => withShape(valueInfo(func, v).type, shapeOf(v))),
      resultLayouts: func.resultLayouts.map((l, i) => l && extents.boundary(l, trueShape(returned[i] as ValueId))),
    });
    return { func: made, claims };
  }

  private layOutArguments(): void {
    for (const id of this.builder.openBlocks()[0]?.params ?? []) {
      const layout = this.builder.layoutOf(id);
      if (layout !== undefined)
        this.builder.setLayout(id, this.extents.boundary(layout, this.builder.typeOf(id).shape));
    }
  }

  /** A cut made for the caller is made in the layout that the caller gets. */
  private layOutResults(): void {
    const returned = this.builder.openBlocks()[0]?.ops.at(-1)?.operands ?? [];
    this.func.resultLayouts.forEach((layout, i) => {
      const id = returned[i] as ValueId;
      if (layout === undefined || this.builder.values[id]?.origin?.pass !== 'pad-dims') return;
      this.builder.setLayout(id, this.extents.boundary(layout, this.builder.typeOf(id).shape));
    });
  }

  /** What is known of the values that it returns, in the shapes that are wanted of them. */
  private block(block: Block, wanted: (v: ValueId, i: number) => readonly number[]): Known[] {
    let returned: Known[] = [];
    for (const op of block.ops) {
      if (op.kind === 'return') returned = this.returns(op, wanted);
      else this.op(op);
    }
    return returned;
  }

  private returns(op: Op, wanted: (v: ValueId, i: number) => readonly number[]): Known[] {
    const copies = op.operands.map((v, i) => this.values.get(v, wanted(v, i), op));
    this.builder.push({ ...op, operands: copies.map((c) => c.id) });
    return copies;
  }

  private op(op: Op): void {
    switch (op.kind) {
      case 'while':
        this.loop(op);
        return;
      case 'case':
        this.branches(op);
        return;
      case 'optimization_barrier':
      case 'sharding_constraint':
      case 'reshard':
        this.through(op);
        return;
      case 'manual_computation':
        this.manual(op);
        return;
      default:
        this.tensorOp(op);
    }
  }

  private param(old: ValueId, shape: readonly number[], known: Known): void {
    const id = this.values.like(old, shape);
    this.builder.paramAt(id);
    this.values.bind(old, id, known);
  }

  // --- structure ----------------------------------------------------------------------------------------------------

  private through(op: Op): void {
    const copies = op.operands.map((v) => this.values.get(v, this.extents.shape(v), op));
    this.emit(
      op,
      copies.map((c) => c.id),
      op.results.map((r) => this.extents.shape(r)),
      copies,
      op.attrs,
    );
  }

  /** What a loop carries holds what both its start and its body give: tried until the body agrees. */
  private loop(op: Op): void {
    const [cond, body] = op.regions as readonly [Block, Block];
    const inits = op.operands.map((v) => this.values.get(v, this.extents.shape(v), op));
    let held: Known[] = inits.map(({ contents }) => ({ contents }));
    for (let again = true; again; ) {
      const mark = this.builder.values.length;
      const { returned } = this.region(body, held);
      const both = held.map((k, i) => ({
        contents: k.contents.map((c, d) => meet(c, returned[i]?.contents[d] ?? 'unknown')),
      }));
      again = both.some((k, i) => k.contents.some((c, d) => !satisfies(c, held[i]?.contents[d])));
      held = both;
      this.builder.values.length = mark;
    }
    const regions = [this.region(cond, held).block, this.region(body, held).block];
    this.emit(
      op,
      inits.map((c) => c.id),
      op.results.map((r) => this.extents.shape(r)),
      held,
      op.attrs,
      regions,
    );
  }

  private branches(op: Op): void {
    const operands = op.operands.map((v) => this.values.get(v, valueInfo(this.func, v).type.shape, op).id);
    const made = op.regions.map((r) =>
      this.region(
        r,
        r.params.map(() => ({ contents: [] })),
      ),
    );
    const known = op.results.map((r, i) => ({
      contents: valueInfo(this.func, r).type.shape.map((_, d) =>
        made
          .map((m) => m.returned[i]?.contents[d] ?? ('unknown' as const))
          .reduce<PadContent>(meet, made[0]?.returned[i]?.contents[d] ?? 'unknown'),
      ),
    }));
    this.emit(
      op,
      operands,
      op.results.map((r) => this.extents.shape(r)),
      known,
      op.attrs,
      made.map((m) => m.block),
    );
  }

  /** Dims that it splits enter and leave at their true size, since which part a shard gets depends on it. */
  private manual(op: Op): void {
    const body = op.regions[0] as Block;
    const end = body.ops.at(-1)?.operands ?? [];
    const size = (v: ValueId, d: number): number => valueInfo(this.func, v).type.shape[d] as number;
    const shape = (v: ValueId, other: ValueId): number[] =>
      this.extents.shape(v).map((n, d) => (size(v, d) === size(other, d) ? n : size(v, d)));
    const taken = op.operands.map((v, i) => this.values.get(v, shape(v, body.params[i] as ValueId), op));
    let given: Known[] = [];
    const made = this.builder.region(() => {
      given = this.values.scoped(() => {
        body.params.forEach((p, i) => {
          this.param(p, shape(p, op.operands[i] as ValueId), { contents: taken[i]?.contents ?? [] });
        });
        return this.block(body, (v, i) => shape(v, op.results[i] as ValueId));
      });
    });
    this.emit(
      op,
      taken.map((c) => c.id),
      op.results.map((r, i) => shape(r, end[i] as ValueId)),
      given.map(({ contents }, i) => {
        const { dtype } = this.values.trueType(op.results[i] as ValueId);
        const layout = (op.attrs as OpAttrs['manual_computation']).out_layouts[i] as Layout;
        return { contents: contents.map((held) => combinedPadding(held, layout, dtype)) };
      }),
      op.attrs,
      [made],
    );
  }

  private region(block: Block, params: readonly Known[]): { block: Block; returned: Known[] } {
    let returned: Known[] = [];
    const made = this.builder.region(() => {
      returned = this.values.scoped(() => {
        block.params.forEach((p, i) => {
          this.param(p, this.extents.shape(p), params[i] ?? { contents: [] });
        });
        return this.block(block, (v) => this.extents.shape(v));
      });
    });
    return { block: made, returned };
  }

  // --- tensor ops ---------------------------------------------------------------------------------------------------

  private tensorOp(op: Op): void {
    const def = this.registry[op.kind] ?? collectives[op.kind];
    const view = viewOf(this.func, op);
    const padding = def === undefined ? undefined : padView(def, view);
    if (def === undefined || padding === undefined || !this.padded(op, def, view, padding)) this.asItWas(op);
  }

  /** At its true size: what the op must see whole. */
  private asItWas(op: Op): void {
    const copies = op.operands.map((v) => this.values.get(v, valueInfo(this.func, v).type.shape, op));
    const known = op.results.map(() => ({ contents: [] }));
    this.emit(
      op,
      copies.map((c) => c.id),
      viewOf(this.func, op).results.map((t) => t.shape),
      known,
      op.attrs,
      this.copied(op),
    );
  }

  /** False where dims' padding would have to hold two things at once. */
  private padded(op: Op, def: AnyOpDef, view: OpView, padding: PadView): boolean {
    const operandShapes = this.shapes(op.operands, padding.rule.operands, padding);
    const resultShapes = this.shapes(op.results, padding.rule.results, padding, 'operands');
    const expected = op.operands.map((v, i) => this.values.expected(v, operandShapes[i] ?? []));
    const needs = needsOf(view, padding, expected, (f) => this.grows(op, padding.rule, f));
    if (needs === null) return false;
    const copies = op.operands.map((v, i) => this.values.get(v, operandShapes[i] ?? [], op, needs[i]));
    if (!copies.every((c, i) => this.holds(op.operands[i] as ValueId, c.shape, c.contents, needs[i] ?? [])))
      return false;
    const shapes = {
      operands: view.operands.map((t, i) => withShape(t, operandShapes[i] ?? [])),
      results: view.results.map((t, i) => withShape(t, resultShapes[i] ?? [])),
    };
    const operands = copies.map((c) => c.id);
    const known = givenBy(def, view, padding, copies);
    const regions = this.copied(op);
    const results = REWRITERS[op.kind]?.(new PadSite(op, view, { operands, resultShapes }, regions, this.values));
    if (results !== undefined) {
      this.bind(op, results, known);
      return true;
    }
    const attrs = def.padAttrs?.(view, shapes) ?? attrsAt(def, view, shapes);
    this.emit(op, operands, resultShapes, known, attrs, regions);
    return true;
  }

  private shapes(
    ids: readonly ValueId[],
    tensors: PadView['rule']['operands'],
    padding: PadView,
    not?: PadRule['apart'],
  ): Shapes {
    return ids.map((id, t) =>
      valueInfo(this.func, id).type.shape.map((n, d) => {
        const pad = padOfDim(padding, tensors[t]?.[d] ?? []);
        return pad === null || (not !== undefined && pad.apart === not) ? n : this.extents.of(id, d);
      }),
    );
  }

  private holds(old: ValueId, shape: readonly number[], contents: readonly PadContent[], needs: Needs): boolean {
    const { type } = valueInfo(this.func, old);
    return shape.every((n, d) => n === type.shape[d] || satisfies(contents[d] ?? 'unknown', needs[d]));
  }

  /** Is any dim of the factor longer than it truly is? */
  private grows(op: Op, rule: PadView['rule'], f: number): boolean {
    const some = (ids: readonly ValueId[], tensors: PadView['rule']['operands']): boolean =>
      ids.some((id, t) =>
        valueInfo(this.func, id).type.shape.some(
          (n, d) => majorOf(rule, tensors[t]?.[d] ?? []) === f && n !== this.extents.of(id, d),
        ),
      );
    return some(op.operands, rule.operands) || some(op.results, rule.results);
  }

  private emit(
    op: Op,
    operands: readonly ValueId[],
    shapes: Shapes,
    known: readonly Known[],
    attrs: Op['attrs'],
    regions: readonly Block[] = [],
  ): void {
    const results = op.results.map((r, i) => this.values.like(r, shapes[i] ?? []));
    this.builder.push({ ...op, operands, results, attrs, regions });
    this.bind(op, results, known);
  }

  private bind(op: Op, results: readonly ValueId[], known: readonly Known[]): void {
    op.results.forEach((r, i) => {
      if (isCheap(this.func, op)) this.values.bindCheap(r, op);
      this.values.bind(r, results[i] as ValueId, known[i] ?? { contents: [] });
      if (this.fill.poison !== undefined) this.values.poison(r, op);
    });
  }

  /** Reducers, and regions that this pass does not enter: what they take from outside they take as it was. */
  private copied(op: Op): Block[] {
    return op.regions.map((r) => this.copy(r, op, new Map()));
  }

  private copy(block: Block, owner: Op, fresh: Map<ValueId, ValueId>): Block {
    const make = (v: ValueId): ValueId => {
      const info = valueInfo(this.func, v);
      const made = this.builder.value(info.type, info);
      fresh.set(v, made);
      return made;
    };
    const read = (v: ValueId): ValueId =>
      fresh.get(v) ?? this.values.get(v, valueInfo(this.func, v).type.shape, owner).id;
    return this.builder.region(() => {
      for (const p of block.params) this.builder.paramAt(make(p));
      for (const op of block.ops) {
        const operands = op.operands.map(read);
        const regions = op.regions.map((r) => this.copy(r, op, fresh));
        this.builder.push({ ...op, operands, results: op.results.map(make), regions });
      }
    });
  }
}

/** Constants of one value, iotas and broadcasts of scalars: made anew in any shape. */
const isCheap = (func: Func, op: Op): boolean =>
  op.kind === 'iota' ||
  (op.kind === 'constant' && isSplat((op.attrs.value as Elements).data, op.attrs.dtype as DType)) ||
  (op.kind === 'broadcast_in_dim' && valueInfo(func, op.operands[0] as ValueId).type.shape.length === 0);
