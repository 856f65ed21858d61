/**
 * select_and_scatter on sharded dims: every device redoes all windows that touch its shard and keeps what falls into it.
 * Windows that no operand has (beyond the ends) scatter the neutral element; of padded ones the elements beyond the ends
 * are such as the selection never chooses. Where shards start at different places in a window, the operand is fetched
 * from the earliest on, and cut.
 */
import type { OpAttrs } from '../../../ir/attrs.ts';
import { internalError } from '../../../ir/diagnostics.ts';
import type { AffineWindow } from '../../../ir/halo.ts';
import { dimAxes, type Layout } from '../../../ir/layout.ts';
import { axesSize } from '../../../ir/mesh.ts';
import { identityOf } from '../../../ir/monoid.ts';
import type { OpView } from '../../../ir/op.ts';
import { regionMonoid } from '../../../ir/ops/monoid.ts';
import { neverChosen, scatteredWindows } from '../../../ir/ops/select-and-scatter.ts';
import { isTrivialWindow } from '../../../ir/ops/windows.ts';
import type { ValueId } from '../../../ir/program.ts';
import { tensor, type TensorType } from '../../../ir/types.ts';
import { exchangeHalo, Place } from './halo.ts';
import { cutAt, part } from './parts.ts';
import type { Emitter, Localizer, Site, ShardedDim } from './localizer.ts';

export const localizeSelectAndScatter: Localizer = (site) => {
  const attrs = site.op.attrs as unknown as OpAttrs['select_and_scatter'];
  const [type] = site.localResults as readonly [TensorType];
  const local = new Scattering(site, attrs);
  type.shape.forEach((_, dim) => {
    const axes = dimAxes(site.resultLayouts[0] as Layout, dim);
    if (axes.length > 0 && !isTrivialWindow(attrs, dim)) local.split({ dim, axes });
  });
  return [local.run()];
};

class Scattering {
  private readonly site: Site;
  private readonly view: OpView<OpAttrs['select_and_scatter']>;
  private readonly padLow: number[];
  private readonly padHigh: number[];
  private operand: ValueId;
  private source: ValueId;
  /** What is done to the result: dims are cut to the device's shard. */
  private readonly cuts: ((result: ValueId) => ValueId)[] = [];

  constructor(site: Site, attrs: OpAttrs['select_and_scatter']) {
    const { kind, regions } = site.op;
    this.site = site;
    this.view = { kind, attrs, operands: site.operandTypes, results: site.resultTypes, regions };
    [this.operand, this.source] = site.operands as readonly [ValueId, ValueId];
    [this.padLow, this.padHigh] = [[...attrs.pad_low], [...attrs.pad_high]];
  }

  split(at: ShardedDim): void {
    const { emit } = this.site;
    const type = this.site.operandTypes[0] as TensorType;
    const need = scatteredWindows(this.view, at.dim, axesSize(at.axes));
    const monoid = regionMonoid(this.view.regions[1]);
    if (need === null || monoid === null)
      throw internalError('localize: a select_and_scatter is split whose windows are not known');
    const [extent, total] = [emit.typeOf(this.operand).shape[at.dim] as number, type.shape[at.dim] as number];
    const neutral = emit.constant(tensor(type.dtype, []), [identityOf(monoid, type.dtype)]);
    const phase = new Place(emit, at.axes, need.phase);
    this.operand = exchangeHalo(emit, this.operand, at, need.operand);
    const padded = (this.padLow[at.dim] as number) > 0 || (this.padHigh[at.dim] as number) > 0;
    const fills = padded ? neverChosen(this.view.regions[0], type) : null;
    if (fills !== null) this.operand = fillOutside(emit, this.operand, at, { window: need.operand, total, ...fills });
    if (!need.aligned) {
      const early = emit.binary('subtract', emit.constant(tensor('i32', []), [need.latest]), phase.remainder());
      this.operand = cutAt(emit, this.operand, at.dim, early, need.width);
    }
    this.source = exchangeHalo(emit, this.source, at, need.source, { fill: neutral });
    [this.padLow[at.dim], this.padHigh[at.dim]] = [0, 0];
    this.cuts.push((result) => {
      if (need.aligned)
        return part(emit, result, at.dim, need.before + need.latest, need.before + need.latest + extent);
      const own = emit.binary('add', phase.remainder(), emit.constant(tensor('i32', []), [need.before]));
      return cutAt(emit, result, at.dim, own, extent);
    });
  }

  run(): ValueId {
    const { emit, operands, attrs, regions } = this.site;
    const start = operands[2] as ValueId;
    // Elements behind the last window, of which XLA would hear as of a negative pad.
    const type = emit.typeOf(this.operand);
    const behind = this.padHigh.map((high) => Math.max(0, -high));
    const covered = type.shape.reduce<ValueId>(
      (v, n, d) => part(emit, v, d, 0, n - (behind[d] as number)),
      this.operand,
    );
    const scattered = emit.op(
      'select_and_scatter',
      [covered, this.source, start],
      emit.typeOf(covered),
      {
        ...attrs,
        pad_low: this.padLow,
        pad_high: this.padHigh.map((high) => Math.max(0, high)),
      },
      regions,
    );
    const none = behind.map(() => 0);
    const all = behind.every((n) => n === 0)
      ? scattered
      : emit.op('pad', [scattered, start], type, { low: none, high: behind, interior: none });
    return this.cuts.reduce((result, cut) => cut(result), all);
  }
}

interface Outside {
  readonly window: AffineWindow;
  /** Elements of the whole dim. */
  readonly total: number;
  readonly before: number;
  readonly after: number;
}

function fillOutside(emit: Emitter, value: ValueId, { dim, axes }: ShardedDim, o: Outside): ValueId {
  const type = emit.typeOf(value);
  const places = emit.placesFrom(new Place(emit, axes, o.window).value(), o.window.width);
  const line = emit.typeOf(places);
  const spread = (pred: ValueId): ValueId => emit.broadcast(pred, type.shape, [dim]);
  const below = spread(emit.compare('LT', places, emit.constant(line, [0])));
  const above = spread(emit.compare('GE', places, emit.constant(line, [o.total])));
  const low = emit.select(below, emit.constant(type, [o.before]), value);
  return emit.select(above, emit.constant(type, [o.after]), low);
}
