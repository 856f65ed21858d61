/**
 * Collectives as a user writes them inside a manual computation: types, factor rules and linearity. Dims that they gather,
 * scatter or exchange stay whole over the free axes; the others pass (Shardy's rules). What they do on numbers takes all
 * devices: runtime-sim.
 *
 *   %g = all_gather %x axes=[{x}, {}] : f32[32, 8]     // %x: f32[16, 8], x=2
 */
import type { OpAttrs } from '../attrs.ts';
import { internalError } from '../diagnostics.ts';
import { type FactorRule, RuleBuilder } from '../factors.ts';
import { axesSize, type AxisRef } from '../mesh.ts';
import { type AnyOpDef, defineOp, InferError, type OpView, type Registry } from '../op.ts';
import type { Attrs, CollectiveKind, Op } from '../program.ts';
import { tensor, type TensorType, typeText, withShape } from '../types.ts';
import { collectiveGradients } from './gradients/collectives.ts';

type Shape = readonly number[];

export const collectives: Registry = {
  all_gather: collective<OpAttrs['all_gather']>('all_gather', {
    shape: ({ attrs }, shape) => shape.map((n, d) => n * count(attrs.axes[d], attrs)),
    moved: ({ attrs }) => dimsOf(attrs.axes),
  }),
  all_slice: collective<OpAttrs['all_slice']>('all_slice', {
    shape: ({ attrs }, shape) => shape.map((n, d) => part(n, axesSize(attrs.axes[d] ?? []), d)),
    moved: ({ attrs }) => dimsOf(attrs.axes),
  }),
  reduce_scatter: collective<OpAttrs['reduce_scatter']>('reduce_scatter', {
    shape: ({ attrs }, shape) => shape.map((n, d) => part(n, count(attrs.axes[d], attrs), d)),
    moved: ({ attrs }) => dimsOf(attrs.axes),
    linear: ({ attrs }) => attrs.monoid === 'sum',
  }),
  all_to_all: collective<OpAttrs['all_to_all']>('all_to_all', {
    shape: ({ attrs }, shape) =>
      attrs.moves.reduce<Shape>((s, { axes, source, target }) => {
        const g = count(axes, attrs);
        const parts = s.map((n, d) => (d === target ? part(n, g, d) : n));
        return parts.map((n, d) => (d === source ? n * g : n));
      }, shape),
    moved: ({ attrs }) => attrs.moves.flatMap((m) => [m.source, m.target]),
  }),
  all_reduce: collective<OpAttrs['all_reduce']>('all_reduce', { linear: ({ attrs }) => attrs.monoid === 'sum' }),
  collective_shift: collective('collective_shift', {}),
  device_permute: collective('device_permute', {}),
  collective_broadcast: collective('collective_broadcast', {}),
  axis_index: defineOp({
    kind: 'axis_index',
    infer: () => [tensor('i32', [])],
    factors: () => new RuleBuilder([], [0]).build(),
    kernel: () => needsDevices('axis_index'),
  }),
};

interface Row<A extends Attrs> {
  /** Result shape; absent = the operand's. */
  readonly shape?: (view: Pick<OpView<A>, 'attrs'>, shape: Shape) => Shape;
  /** Dims that stay whole. */
  readonly moved?: (view: Pick<OpView<A>, 'attrs'>) => readonly number[];
  /** Absent = data only moves: sums still owed may move with it. */
  readonly linear?: (view: OpView<A>) => boolean;
}

function collective<A extends Attrs>(kind: CollectiveKind, { shape, moved, linear }: Row<A>): AnyOpDef {
  return defineOp<A>({
    kind,
    infer(view) {
      const [type, more] = view.operands;
      if (type === undefined || more !== undefined)
        throw new InferError(`${kind} takes one operand, not ${view.operands.length}`);
      const { axes, moves } = view.attrs as { axes?: readonly unknown[]; moves?: readonly { source: number }[] };
      const rank = type.shape.length;
      if (moved !== undefined && axes !== undefined && axes.length !== rank)
        throw new InferError(`${kind} states axes for ${axes.length} dims of a ${typeText(type)}`);
      if (moves !== undefined && moved?.(view).some((d) => d < 0 || d >= rank) === true)
        throw new InferError(`${kind} moves a dim that a ${typeText(type)} does not have`);
      expectGroups(kind, view.attrs);
      return [withShape(type, shape?.(view, type.shape) ?? type.shape)];
    },
    factors: ({ attrs, operands, results }) =>
      moveRule(operands[0] as TensorType, results[0] as TensorType, moved?.({ attrs }) ?? []),
    kernel: () => needsDevices(kind),
    ...(collectiveGradients[kind] === undefined ? {} : { gradient: collectiveGradients[kind] }),
    linearity: (view) => (linear?.(view) === false ? [] : [[0]]),
  });
}

/** Every place along the axes is in one group, and groups are of one size where their members exchange equal parts. */
function expectGroups(kind: CollectiveKind, attrs: Attrs): void {
  const { groups, sources } = attrs as { readonly groups?: readonly Shape[]; readonly sources?: Shape };
  const count = axesSize(joinedAxes({ kind, attrs }));
  if (sources !== undefined) {
    const used = sources.filter((s) => s !== -1);
    if (sources.length !== count) throw new InferError(`${kind} has ${sources.length} sources for ${count} devices`);
    if (used.some((s) => !(s >= 0 && s < count)) || new Set(used).size !== used.length)
      throw new InferError(`${kind} takes each of its ${count} devices as source once at most`);
  }
  if (groups === undefined) return;
  const places = groups.flat();
  if (places.some((p) => !(p >= 0 && p < count)) || new Set(places).size !== places.length)
    throw new InferError(`${kind} names a place twice, or one beyond its ${count}`);
  if (kind === 'collective_broadcast') return;
  if (places.length !== count)
    throw new InferError(`${kind} has groups of ${places.length} places, its axes have ${count}`);
  if (kind !== 'all_reduce' && groups.some((g) => g.length !== groups[0]?.length))
    throw new InferError(`${kind} has groups of several sizes`);
}

/** Dims pass one to one, but for those moved, which are whole on either side. */
function moveRule(operand: TensorType, result: TensorType, moved: readonly number[]): FactorRule {
  const rule = new RuleBuilder([operand.shape.length], [result.shape.length]);
  operand.shape.forEach((size, d) => {
    if (!moved.includes(d)) rule.add([d], [d], size);
  });
  for (const d of [...new Set(moved)].sort((a, b) => a - b)) {
    rule.add([d], [null], operand.shape[d] as number, 'replicate');
    rule.add([null], [d], result.shape[d] as number, 'replicate');
  }
  return rule.build({ elementwise: moved.length === 0 });
}

/** The axes that a collective or axis_index joins devices along; none for a permute between layouts, which joins all. */
export function joinedAxes({ kind, attrs }: Pick<Op, 'kind' | 'attrs'>): readonly AxisRef[] {
  if (kind === 'collective_permute') return [];
  if (kind === 'all_to_all') return (attrs.moves as OpAttrs['all_to_all']['moves']).flatMap((m) => m.axes);
  return (attrs.axes as readonly (AxisRef | readonly AxisRef[])[]).flat();
}

const dimsOf = (axes: readonly (readonly AxisRef[])[]): number[] => axes.flatMap((a, d) => (a.length > 0 ? [d] : []));

/** How many devices exchange along a dim with these axes. */
function count(axes: readonly AxisRef[] | undefined, { groups }: { readonly groups?: readonly Shape[] }): number {
  if (axes === undefined || axes.length === 0) return 1;
  return groups?.[0]?.length ?? axesSize(axes);
}

function part(size: number, parts: number, dim: number): number {
  if (size % parts !== 0) throw new InferError(`dim ${dim} of ${size} elements does not divide into ${parts} parts`);
  return size / parts;
}

function needsDevices(kind: string): never {
  throw internalError(`${kind} has no meaning on one device`);
}
