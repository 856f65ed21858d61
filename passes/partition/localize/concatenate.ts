/**
 * concatenate on the sharded dim: of every operand the device gets the places that its shard of the result covers, and
 * chooses between them by position.
 *
 *   %2 = concatenate %0, %1 dim=0 @{x}      // 2 and 6 elements, x=2: device 0 covers all of %0 and [0:2) of %1
 */
import type { OpAttrs } from '../../../ir/attrs.ts';
import { internalError } from '../../../ir/diagnostics.ts';
import { dimAxes, type Layout } from '../../../ir/layout.ts';
import { axesSize } from '../../../ir/mesh.ts';
import { joinWindows } from '../../../ir/ops/shaping.ts';
import type { ValueId } from '../../../ir/program.ts';
import type { TensorType } from '../../../ir/types.ts';
import { exchangeHalo, neededEnd } from './halo.ts';
import { resized } from './parts.ts';
import type { Localizer } from './localizer.ts';

export const localizeConcatenate: Localizer = (site) => {
  const { emit, operandTypes } = site;
  const attrs = site.op.attrs as unknown as OpAttrs['concatenate'];
  const { dim } = attrs;
  const [type] = site.localResults as readonly [TensorType];
  const axes = dimAxes(site.resultLayouts[0] as Layout, dim);
  if (axes.length === 0) return [emit.op('concatenate', site.operands, type, site.attrs)];
  const result = site.resultTypes[0] as TensorType;
  const covered = joinWindows(attrs, operandTypes, result, axesSize(axes)).flatMap((need, i) => {
    if (need === null) throw internalError('localize: a concatenate is split where its result does not divide');
    const extent = operandTypes[i]?.shape[dim] as number;
    if (extent === 0) return [];
    const end = neededEnd(
      site.resultPadding[0]?.[dim],
      (size) => joinWindows(attrs, operandTypes, resized(result, dim, size), 1)[i] ?? null,
    );
    return [{ extent, own: exchangeHalo(emit, site.operands[i] as ValueId, { dim, axes }, need.window, { end }) }];
  });
  const first = emit.shardOffset(axes, result.shape[dim] as number, 'i32');
  const places = emit.placesFrom(first, type.shape[dim] as number);
  const [last, ...rest] = covered.toReversed();
  // Nothing joined with nothing.
  if (last === undefined) return [site.operands[0] as ValueId];
  let end = covered.reduce((n, c) => n + c.extent, 0) - last.extent;
  return [
    rest.reduce((after, { extent, own }) => {
      const before = emit.compare('LT', places, emit.constant(emit.typeOf(places), [end]));
      end -= extent;
      return emit.select(emit.broadcast(before, type.shape, [dim]), own, after);
    }, last.own),
  ];
};
