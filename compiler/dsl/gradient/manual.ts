/**
 * The gradient of a manual computation is one on the same axes. What the way back needs leaves the first as results,
 * each device's part beside the others'; cotangents go in as the results came out, and come out as the arguments went in.
 *
 *   y = manual x @{data, _}, w @{_, _} (%x, %w) { … }
 *   → y, kept = manual x, w (%x, %w) { …; return y, kept }
 *     x', w' = manual x, kept, y' (%x, %kept, %g) { …; return x', all_reduce w' over data }
 */
import type { OpAttrs } from '../../../ir/attrs.ts';
import { closedDim, type Layout, openDim } from '../../../ir/layout.ts';
import { axesSize } from '../../../ir/mesh.ts';
import type { Block, Op, ValueId } from '../../../ir/program.ts';
import type { TypedBuilder } from '../../../ir/typed-build.ts';
import { tensor, type TensorType } from '../../../ir/types.ts';
import { copyRegion, Environment, replaceReads } from '../blocks.ts';
import { returned } from '../live-values.ts';
import { shareOf } from './cotangents.ts';
import { residualsOf, writeAgain } from './residuals.ts';
import { type Back, orZeros, Tape } from './tape.ts';
import { axesOf, NONE, union, type Variation, variationWithin, without } from './variation.ts';

type Manual = OpAttrs['manual_computation'];

/** A value of the body on its way out: devices' parts are stacked along dim 0, a scalar as a vector. */
interface Residual {
  readonly value: ValueId;
  readonly layout: Layout;
  readonly inside: TensorType;
  readonly outside: TensorType;
}

interface Backward {
  readonly block: Block;
  /** Operands that are read again … */
  readonly slots: readonly number[];
  /** … and what the forward computation must give besides. */
  readonly residuals: readonly Residual[];
}

export function recordManual(tape: Tape, op: Op): Back {
  const { b, env } = tape;
  const attrs = op.attrs as unknown as Manual;
  const [region] = op.regions as [Block];
  const variation = variationWithin(op, region, tape.variation);
  const wanted = op.operands.flatMap((id, i) => (tape.isActive(id) ? [i] : []));
  const params = wanted.map((i) => region.params[i] as ValueId);
  const own = new Tape(b, new Environment(), params, { variation });
  let backward: Backward | undefined;
  const forward = b.region(() => {
    own.env.setAll(
      region.params,
      region.params.map((p) => b.param(b.typeOf(p))),
    );
    const ends = own.record(region);
    const { ops } = b.openBlocks().at(-1) as Block;
    const written = { params: own.env.read(region.params), ops: [...ops] };
    const draft = draftOf(own, op, region, params, tape.variation);
    backward = withResiduals(b, op, draft, written, variationWithin(op, written, tape.variation));
    const kept = backward.residuals.map((r) => b.broadcastTo(r.value, r.inside.shape));
    b.op('return', [...ends, ...kept], [], op.origin);
  });
  const made = backward as Backward;
  const operands = env.read(op.operands);
  const types = [...op.results.map((r) => b.typeOf(r)), ...made.residuals.map((r) => r.outside)];
  const out_layouts = [...attrs.out_layouts, ...made.residuals.map((r) => r.layout)];
  const results = b.op('manual_computation', operands, types, op.origin, { ...attrs, out_layouts }, [forward]);
  env.setAll(op.results, results);
  const kept = [...made.slots.map((i) => operands[i] as ValueId), ...results.slice(op.results.length)];
  return manualBack(own, op, made, wanted, kept);
}

function manualBack(own: Tape, op: Op, made: Backward, wanted: readonly number[], kept: readonly ValueId[]): Back {
  const { b } = own;
  const attrs = op.attrs as unknown as Manual;
  const places = answered(own, op.regions[0] as Block);
  const in_layouts = [
    ...made.slots.map((i) => attrs.in_layouts[i] as Layout),
    ...made.residuals.map((r) => r.layout),
    ...places.map((k) => attrs.out_layouts[k] as Layout),
  ];
  const out_layouts = wanted.map((i) => attrs.in_layouts[i] as Layout);
  const types = wanted.map((i) => b.typeOf(op.operands[i] as ValueId));
  let used = false;
  return (cotangents, add) => {
    const body = used ? copyRegion(b, made.block, new Environment()) : made.block;
    used = true;
    const given = places.map((k) => orZeros(b, cotangents[k], op.results[k] as ValueId));
    const all = { ...attrs, in_layouts, out_layouts };
    const gradients = b.op('manual_computation', [...kept, ...given], types, b.origin, all, [body]);
    wanted.forEach((i, n) => add(op.operands[i] as ValueId, gradients[n] as ValueId, NONE));
  };
}

/** Results that depend on what is differentiated. */
const answered = (own: Tape, region: Block): number[] =>
  returned(region).flatMap((id, k) => (own.isActive(id) ? [k] : []));

/** The way back inside, reading what it needs of the way forward where it stands. Parameters: the results' cotangents. */
function draftOf(own: Tape, op: Op, region: Block, params: readonly ValueId[], outer: Variation | undefined): Block {
  const { b } = own;
  const { out_layouts, manual_axes } = op.attrs as unknown as Manual;
  return b.region(() => {
    const start = answered(own, region).map((k) => {
      const end = returned(region)[k] as ValueId;
      const g = b.param(b.typeOf(end));
      const varies = own.variation?.of(end) ?? NONE;
      const cut = axesOf(out_layouts[k], manual_axes);
      // All copies of a result are alike: each has its share of what it did.
      const copies = without(varies, cut).filter((a) => manual_axes.includes(a.name));
      const owed = without(union(cut, outer?.of(op.results[k] as ValueId) ?? NONE), varies);
      return [end, shareOf(b, g, copies), owed] as const;
    });
    const found = own.pull(start);
    b.op(
      'return',
      params.map((p) => orZeros(b, found.get(p), p)),
      [],
      b.origin,
    );
  });
}

/** The draft on parameters of its own: what is kept, then the cotangents. */
function withResiduals(
  b: TypedBuilder,
  op: Op,
  draft: Block,
  forward: Pick<Block, 'params' | 'ops'>,
  variation: Variation,
): Backward {
  const { kept, again } = residualsOf(forward, draft);
  const slots = kept.flatMap((id) => (forward.params.includes(id) ? [forward.params.indexOf(id)] : []));
  const residuals = kept
    .filter((id) => !forward.params.includes(id))
    .map((id) => residual(b.typeOf(id), id, op.attrs as unknown as Manual, variation));
  const block = b.region(() => {
    const now = new Map<ValueId, ValueId>();
    for (const i of slots) now.set(forward.params[i] as ValueId, b.param(b.typeOf(forward.params[i] as ValueId)));
    const held = residuals.map((r) => b.param(r.inside));
    for (const p of draft.params) b.paramAt(p);
    residuals.forEach(({ value }, i) => {
      const { shape } = b.typeOf(value);
      const id = held[i] as ValueId;
      now.set(value, b.typeOf(id).shape.length === shape.length ? id : b.one('reshape', [id], { shape }));
    });
    for (const [id, made] of writeAgain(b, again)) now.set(id, made);
    for (const inner of replaceReads(draft, now).ops) b.push(inner);
  });
  return { block, slots, residuals };
}

function residual({ dtype, shape }: TensorType, value: ValueId, attrs: Manual, variation: Variation): Residual {
  const { in_layouts, out_layouts, manual_axes } = attrs;
  const axes = variation.of(value).filter((a) => manual_axes.includes(a.name));
  const inside = tensor(dtype, shape.length === 0 && axes.length > 0 ? [1] : shape);
  const isOpen = [...in_layouts, ...out_layouts].some((l) => l.dims.some((d) => d.open));
  const dim = isOpen ? openDim : closedDim;
  return {
    value,
    layout: {
      mesh: variation.mesh,
      dims: inside.shape.map((_, d) => dim(d === 0 ? axes : [])),
      replicated: [],
      unreduced: [],
    },
    inside,
    outside: tensor(
      dtype,
      inside.shape.map((n, d) => (d === 0 ? n * axesSize(axes) : n)),
    ),
  };
}
