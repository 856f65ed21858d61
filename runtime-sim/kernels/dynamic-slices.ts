/** dynamic_slice and dynamic_update_slice on stacks. Start indices are clamped so that the slice lies inside. */
import { type Storage, stridesOf } from '../../ir/array.ts';
import { elementCount, type TensorType } from '../../ir/types.ts';
import { heapNow, room } from '../memory/room.ts';
import { aligned, type Rows } from '../stacked.ts';
import type { StackedCall, StackedKernel } from './kernel.ts';
import { planMove, runMove } from './move.ts';

export const dynamicSliceKernels: Readonly<Record<string, StackedKernel>> = {
  dynamic_slice({ view, operands, copies, precision }) {
    const [x, ...starts] = operands as readonly [Rows, ...Rows[]];
    const [from] = view.operands as readonly [TensorType];
    const to = view.results[0] as TensorType;
    const [whole, part] = [elementCount(from), elementCount(to)];
    const out = room(to.dtype, copies * part, precision);
    const bases = clampedBases(from.shape, to.shape, starts, copies);
    const { data } = x.stack;
    if (x.of === undefined && bases.every((b) => b === bases[0])) {
      const move = planMove([copies, ...to.shape], [whole, ...stridesOf(from.shape)], [part, ...stridesOf(to.shape)]);
      runMove(move, data, bases[0] as number, out, 0);
    } else {
      const move = planMove(to.shape, stridesOf(from.shape), stridesOf(to.shape));
      for (let c = 0; c < copies; c++)
        runMove(move, data, (x.of?.[c] ?? c) * whole + (bases[c] as number), out, c * part);
    }
    return out;
  },
  dynamic_update_slice: update,
};

function update({ view, operands, copies, precision, mayOverwrite }: StackedCall): Storage {
  const [x, patch, ...starts] = operands as readonly [Rows, Rows, ...Rows[]];
  const [to, from] = view.operands as readonly [TensorType, TensorType];
  const [whole, part] = [elementCount(to), elementCount(from)];
  const inPlace = mayOverwrite === true && x.of === undefined && heapNow()?.isLoose(x.stack.data) === true;
  const out = inPlace ? x.stack.data : room(to.dtype, copies * whole, precision);
  if (!inPlace) (out as Float64Array).set(aligned(x).data as Float64Array);
  const bases = clampedBases(to.shape, from.shape, starts, copies);
  const move = planMove(from.shape, stridesOf(from.shape), stridesOf(to.shape));
  for (let c = 0; c < copies; c++) {
    runMove(move, patch.stack.data, (patch.of?.[c] ?? c) * part, out, c * whole + (bases[c] as number));
  }
  return out;
}

/** Per copy: offset of the slice within the row. */
function clampedBases(
  shape: readonly number[],
  sizes: readonly number[],
  starts: readonly Rows[],
  copies: number,
): Float64Array {
  const strides = stridesOf(shape);
  const bases = new Float64Array(copies);
  starts.forEach(({ stack, of }, d) => {
    const room = (shape[d] as number) - (sizes[d] as number);
    for (let c = 0; c < copies; c++) {
      const start = Math.min(Math.max(Number(stack.data[of?.[c] ?? c]), 0), room);
      bases[c] = (bases[c] as number) + start * (strides[d] as number);
    }
  });
  return bases;
}
