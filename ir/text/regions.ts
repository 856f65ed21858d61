/** Ops with regions: loops, branches, reducers. */
import { tripCountOf } from '../loops.ts';
import type { OpAttrs } from '../attrs.ts';
import type { Layout } from '../layout.ts';
import { axesSize } from '../mesh.ts';
import { InferError } from '../op.ts';
import type { Attrs, Block, Op, ValueId } from '../program.ts';
import { tensor, type TensorType, typeText, withShape } from '../types.ts';
import type { TypedBuilder } from '../typed-build.ts';
import type { AstBlock, AstOp } from './ast.ts';
import type { Elaborator } from './elaborate.ts';

const scalarsOf = (types: readonly TensorType[]): TensorType[] => types.map((t) => tensor(t.dtype, []));

/** Types of a reducer's or comparator's parameters, by op. */
const REGION_PARAMS: Readonly<Record<string, (operands: readonly TensorType[]) => TensorType[]>> = {
  reduce: (t) => twice(t.slice(0, t.length / 2)),
  reduce_window: (t) => twice(t.slice(0, t.length / 2)),
  scatter: (t) => twice(t.slice(0, (t.length - 1) / 2)),
  sort: (t) => scalarsOf(t).flatMap((s) => [s, s]),
};

const twice = (types: readonly TensorType[]): TensorType[] => [...scalarsOf(types), ...scalarsOf(types)];

export class Regions {
  private readonly b: TypedBuilder;
  private readonly elaborator: Elaborator;

  constructor(b: TypedBuilder, elaborator: Elaborator) {
    this.b = b;
    this.elaborator = elaborator;
  }

  handles(kind: string): boolean {
    return kind === 'while' || kind === 'for' || kind === 'case' || kind === 'if' || kind === 'manual_computation';
  }

  build(op: AstOp): readonly ValueId[] {
    switch (op.kind.text) {
      case 'while':
        return this.while(op);
      case 'for':
        return this.for(op);
      case 'manual_computation':
        return this.manual(op);
      default:
        return this.case(op);
    }
  }

  /** Regions of any other op; parameter types follow from the operands where the op is known. */
  reducers(op: AstOp, operands: readonly TensorType[]): Block[] {
    const known = REGION_PARAMS[op.kind.text]?.(operands);
    return op.regions.map((r) => this.elaborator.block(r.block, known).block);
  }

  /** `while %init… cond (%a…) {…} do (%a…) {…}` */
  private while(op: AstOp): readonly ValueId[] {
    const [cond, body] = this.pair(op, 'cond', 'do');
    const operands = this.elaborator.values(op, op.operands);
    const types = operands.map((v) => this.b.typeOf(v));
    const { origin } = this.b;
    const regions = [this.region(cond, types, [tensor('pred', [])]), this.region(body, types, types)];
    this.b.origin = origin;
    const stated = op.attrs.find((a) => a.name.text === 'trip_count')?.value;
    const trips =
      stated?.is === 'number' ? Number(stated.text) : tripCountOf({ operands, regions }, this.definitions(regions));
    return this.b.op('while', operands, types, origin, trips === null ? {} : { trip_count: trips }, regions);
  }

  /** `for %init… count=4 (%i, %a…) {…}`: the body runs for i = 0 … count − 1. */
  private for(op: AstOp): readonly ValueId[] {
    const count = op.attrs.find((a) => a.name.text === 'count')?.value;
    const [region, more] = op.regions;
    if (count?.is !== 'number' || !(Number(count.text) >= 0) || op.attrs.length !== 1)
      throw new InferError('lacks how often it runs, as count=4');
    if (region === undefined || more !== undefined)
      throw new InferError('has one body, as for %x count=4 (%i, %x1) { … return %x2 }');
    const counter = tensor('i32', []);
    const carried = this.elaborator.values(op, op.operands);
    const types = [counter, ...carried.map((v) => this.b.typeOf(v))];
    const { origin } = this.b;
    const trips = Number(count.text);
    const zero = this.b.splat(0, counter);
    const cond = this.b.region(() => {
      const [i] = types.map((t) => this.b.param(t)) as [ValueId];
      this.b.op(
        'return',
        [this.b.one('compare', [i, this.b.splat(trips, counter)], { direction: 'LT', compare_type: 'SIGNED' })],
        [],
        origin,
      );
    });
    const body = this.region(region.block, types, types, (returned) => {
      return [this.b.one('add', [this.b.firstParam(), this.b.splat(1, counter)]), ...returned];
    });
    this.b.origin = origin;
    return this.b.op('while', [zero, ...carried], types, origin, { trip_count: trips }, [cond, body]).slice(1);
  }

  /** `manual_computation %a… in_layouts=[…] out_layouts=[…] manual_axes=[x] (%p…) {…}`: shapes inside follow from those outside. */
  private manual(op: AstOp): readonly ValueId[] {
    const operands = this.elaborator.values(op, op.operands);
    const attrs = this.elaborator.attributes(op) as unknown as OpAttrs['manual_computation'];
    const [region, more] = op.regions;
    if (region === undefined || more !== undefined) throw new InferError('has one body, as (%p) { … return %q }');
    if (attrs.in_layouts.length !== operands.length)
      throw new InferError(`has ${operands.length} operands and ${attrs.in_layouts.length} in_layouts`);
    const { origin } = this.b;
    const inside = operands.map((v, i) => split(this.b.typeOf(v), attrs.in_layouts[i] as Layout, attrs.manual_axes, 1));
    const { block, returned } = this.elaborator.inManual(attrs.manual_axes, () =>
      this.elaborator.block(region.block, inside),
    );
    this.b.origin = origin;
    if (returned !== undefined && returned.length !== attrs.out_layouts.length)
      throw new InferError(`returns ${returned.length} values for ${attrs.out_layouts.length} out_layouts`);
    const results = (returned ?? []).map((v, i) =>
      split(this.b.typeOf(v), attrs.out_layouts[i] as Layout, attrs.manual_axes, -1),
    );
    return this.b.op('manual_computation', operands, results, origin, attrs as unknown as Attrs, [block]);
  }

  /** `if %p then {…} else {…}`, `case %index {…} {…} {…}` */
  private case(op: AstOp): readonly ValueId[] {
    const operands = this.elaborator.values(op, op.operands);
    const { origin } = this.b;
    if (op.kind.text === 'if') this.pair(op, 'then', 'else');
    if (operands.length !== 1 || op.regions.length === 0)
      throw new InferError('takes one operand, the branch, and its branches');
    const made = op.regions.map((r) => this.elaborator.block(r.block, []));
    this.b.origin = origin;
    const types = made.map((m) => m.returned?.map((v) => this.b.typeOf(v)));
    const [first] = types;
    types.forEach((t, i) => {
      if (t !== undefined && first !== undefined && list(t) !== list(first))
        throw new InferError(`branch ${i} gives (${list(t)}), the first gives (${list(first)})`);
    });
    return this.b.op(
      'case',
      operands,
      first ?? [],
      origin,
      {},
      made.map((m) => m.block),
    );
  }

  private region(
    ast: AstBlock,
    params: readonly TensorType[],
    results: readonly TensorType[],
    end?: (v: readonly ValueId[]) => readonly ValueId[],
  ): Block {
    const { block, returned } = this.elaborator.block(ast, params, end);
    const types = returned?.map((v) => this.b.typeOf(v));
    if (types !== undefined && list(types) !== list(results))
      throw new InferError(`this region returns (${list(types)}), not (${list(results)})`);
    return block;
  }

  private pair(op: AstOp, first: string, second: string): [AstBlock, AstBlock] {
    const [a, b, more] = op.regions;
    const fits =
      a !== undefined &&
      b !== undefined &&
      more === undefined &&
      (a.label?.text ?? first) === first &&
      (b.label?.text ?? second) === second;
    if (!fits) throw new InferError(`has two regions, ${first} and then ${second}`);
    return [a.block, b.block];
  }

  /** What trip counts are read from: the ops so far and those of the loop. */
  private definitions(regions: readonly Block[]): ReadonlyMap<ValueId, Op> {
    const found = new Map<ValueId, Op>();
    const note = (op: Op): void => op.results.forEach((r) => found.set(r, op));
    for (const block of this.b.openBlocks()) block.ops.forEach(note);
    for (const region of regions) region.ops.forEach(note);
    return found;
  }
}

/** The type inside of a manual computation from the one outside (1), or the other way round (-1). */
function split(type: TensorType, layout: Layout, manual: readonly string[], way: 1 | -1): TensorType {
  if (layout.dims.length !== type.shape.length)
    throw new InferError(`lays out ${layout.dims.length} dims of a ${typeText(type)}`);
  return withShape(
    type,
    type.shape.map((n, d) => {
      const parts = axesSize((layout.dims[d]?.axes ?? []).filter((a) => manual.includes(a.name)));
      if (way === 1 && n % parts !== 0)
        throw new InferError(`splits dim ${d} of ${n} elements into ${parts} shards, which it does not divide by`);
      return way === 1 ? n / parts : n * parts;
    }),
  );
}

const list = (types: readonly TensorType[]): string => types.map(typeText).join(', ');
