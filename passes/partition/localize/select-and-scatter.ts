/**
 * select_and_scatter on sharded dims: every device redoes all windows that touch its shard and keeps what falls into it.
 * Windows that no operand has (beyond the ends) scatter the neutral element; of padded ones the elements beyond the ends
 * are such as the selection never chooses.
 */
import type { OpAttrs } from '../../../ir/attrs.ts';
import { internalError } from '../../../ir/diagnostics.ts';
import { dimAxes, type Layout } from '../../../ir/layout.ts';
import { axesSize } from '../../../ir/mesh.ts';
import { identityOf } from '../../../ir/monoid.ts';
import { regionMonoid } from '../../../ir/ops/monoid.ts';
import { isTrivialWindow, neverChosen, scatteredWindows } from '../../../ir/ops/windows.ts';
import type { ValueId } from '../../../ir/program.ts';
import { tensor, type TensorType } from '../../../ir/types.ts';
import { exchangeHalo, type ShardedDim } from './halo.ts';
import type { Emitter, Localizer } from './localizer.ts';

export const localizeSelectAndScatter: Localizer = (site) => {
  const { emit, op } = site;
  const attrs = op.attrs as unknown as OpAttrs['select_and_scatter'];
  const [type] = site.localResults as readonly [TensorType];
  const view = { kind: op.kind, attrs, operands: site.operandTypes, results: site.resultTypes, regions: op.regions };
  const start = type.shape.map(() => 0);
  const [padLow, padHigh] = [[...attrs.pad_low], [...attrs.pad_high]];
  let [operand, source] = site.operands as readonly [ValueId, ValueId];
  type.shape.forEach((_, dim) => {
    const axes = dimAxes(site.resultLayouts[0] as Layout, dim);
    if (axes.length === 0 || isTrivialWindow(attrs, dim)) return;
    const need = scatteredWindows(view, dim, axesSize(axes));
    const monoid = regionMonoid(op.regions[1]);
    if (need === null || monoid === null)
      throw internalError('localize: a select_and_scatter is split where its windows do not align');
    const neutral = emit.constant(tensor(type.dtype, []), [identityOf(monoid, type.dtype)]);
    operand = exchangeHalo(emit, operand, { dim, axes }, need.operand.window);
    const padded = attrs.pad_low[dim] !== 0 || attrs.pad_high[dim] !== 0;
    const fills = padded ? neverChosen(op.regions[0], site.operandTypes[0] as TensorType) : null;
    if (fills !== null)
      operand = fillOutside(
        emit,
        operand,
        { dim, axes },
        {
          start: need.operand.window.start,
          step: need.operand.window.step,
          total: (site.operandTypes[0] as TensorType).shape[dim] as number,
          ...fills,
        },
      );
    padLow[dim] = 0;
    padHigh[dim] = 0;
    source = exchangeHalo(emit, source, { dim, axes }, need.source.window, neutral);
    start[dim] = -need.operand.window.start;
  });
  const all = emit.op(
    'select_and_scatter',
    [operand, source, site.operands[2] as ValueId],
    emit.typeOf(operand),
    { ...site.attrs, pad_low: padLow, pad_high: padHigh },
    site.regions,
  );
  if (emit.typeOf(operand) === type) return [all];
  return [
    emit.op('slice', [all], type, {
      start,
      limit: start.map((s, d) => s + (type.shape[d] as number)),
      strides: start.map(() => 1),
    }),
  ];
};

interface Outside {
  /** Where the window of the device at index i starts: start + step · i, of a dim of `total` elements. */
  readonly start: number;
  readonly step: number;
  readonly total: number;
  readonly before: number;
  readonly after: number;
}

function fillOutside(emit: Emitter, value: ValueId, { dim, axes }: ShardedDim, o: Outside): ValueId {
  const type = emit.typeOf(value);
  const scalar = tensor('i32', []);
  const line = tensor('i32', [type.shape[dim] as number]);
  const moved = emit.binary('multiply', emit.axisIndex(axes), emit.constant(scalar, [o.step]));
  const first = emit.binary('add', moved, emit.constant(scalar, [o.start]));
  const counted = emit.op('iota', [], line, { dim: 0, dtype: 'i32', shape: line.shape });
  const places = emit.binary('add', counted, emit.broadcast(first, line.shape, []));
  const spread = (pred: ValueId): ValueId => emit.broadcast(pred, type.shape, [dim]);
  const below = spread(emit.compare('LT', places, emit.constant(line, [0])));
  const above = spread(emit.compare('GE', places, emit.constant(line, [o.total])));
  const low = emit.select(below, emit.constant(type, [o.before]), value);
  return emit.select(above, emit.constant(type, [o.after]), low);
}
