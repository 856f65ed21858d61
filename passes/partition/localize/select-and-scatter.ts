/**
 * select_and_scatter on sharded dims: every device redoes all windows that touch its shard and keeps what falls into it.
 * Windows that no operand has (beyond the ends) scatter the neutral element.
 */
import type { OpAttrs } from '../../../ir/attrs.ts';
import { internalError } from '../../../ir/diagnostics.ts';
import { dimAxes, type Layout } from '../../../ir/layout.ts';
import { axesSize } from '../../../ir/mesh.ts';
import { identityOf } from '../../../ir/monoid.ts';
import { regionMonoid } from '../../../ir/ops/monoid.ts';
import { isTrivialWindow, scatteredWindows } from '../../../ir/ops/windows.ts';
import type { ValueId } from '../../../ir/program.ts';
import { tensor, type TensorType } from '../../../ir/types.ts';
import { exchangeHalo } from './halo.ts';
import type { Localizer } from './localizer.ts';

export const localizeSelectAndScatter: Localizer = (site) => {
  const { emit, op } = site;
  const attrs = op.attrs as unknown as OpAttrs['select_and_scatter'];
  const [type] = site.localResults as readonly [TensorType];
  const view = { kind: op.kind, attrs, operands: site.operandTypes, results: site.resultTypes, regions: op.regions };
  const start = type.shape.map(() => 0);
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
    source = exchangeHalo(emit, source, { dim, axes }, need.source.window, neutral);
    start[dim] = -need.operand.window.start;
  });
  const all = emit.op(
    'select_and_scatter',
    [operand, source, site.operands[2] as ValueId],
    emit.typeOf(operand),
    site.attrs,
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
