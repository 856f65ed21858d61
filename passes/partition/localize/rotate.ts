/**
 * rotate along a sharded dim: the border comes from the neighbour around the ring, the rest stays.
 *
 *   [0 1 2 3 | 4 5 6 7] by 1  →  [7 | 0 1 2   3 | 4 5 6]: one collective_shift of one element
 */
import type { OpAttrs } from '../../../ir/attrs.ts';
import { dimAxes, type Layout } from '../../../ir/layout.ts';
import { axesSize } from '../../../ir/mesh.ts';
import { type RotatedPiece, rotatedPieces } from '../../../ir/ops/rotate.ts';
import type { ValueId } from '../../../ir/program.ts';
import { type TensorType, withShape } from '../../../ir/types.ts';
import type { Localizer } from './localizer.ts';

export const localizeRotate: Localizer = (site) => {
  const { emit, localResults } = site;
  const { dim, by } = site.op.attrs as unknown as OpAttrs['rotate'];
  const [type] = localResults as readonly [TensorType];
  const axes = dimAxes(site.operandLayouts[0] as Layout, dim);
  const value = site.operands[0] as ValueId;
  const fetched = ({ from, start, limit }: RotatedPiece): ValueId => {
    const extent = type.shape[dim] as number;
    const part = withShape(
      type,
      type.shape.map((n, d) => (d === dim ? limit - start : n)),
    );
    const own =
      limit - start === extent
        ? value
        : emit.op('slice', [value], part, {
            start: type.shape.map((_, d) => (d === dim ? start : 0)),
            limit: type.shape.map((n, d) => (d === dim ? limit : n)),
            strides: type.shape.map(() => 1),
          });
    const shift = { mesh: emit.mesh.name, axes, by: from, flip: false, wrap: true };
    return from === 0 ? own : emit.op('collective_shift', [own], part, shift);
  };
  const whole = (site.resultTypes[0] as TensorType).shape[dim] as number;
  const parts = rotatedPieces(by, whole, axesSize(axes)).map(fetched);
  if (parts.length === 0) return [value];
  return [parts.length === 1 ? (parts[0] as ValueId) : emit.op('concatenate', parts, type, { dim })];
};
