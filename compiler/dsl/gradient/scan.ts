/**
 * The gradient of a scan is a scan from its other end.
 *
 *   c, ys = scan c0, xs (i, c, x) → (c', y)                      weights w read from around
 *   → c, ys, kept = scan c0, xs (i, c, x) → (c', y, kept)
 *     c0', w', xs' = scan reverse (dc, 0), kept, dys (i, dc, dw, kept, dy) → (dc of c, dw + dw of this turn, dx)
 */
import { type Block, type Op, readFromOutside, type ValueId } from '../../../ir/program.ts';
import type { TypedBuilder } from '../../../ir/typed-build.ts';
import { tensor, type TensorType } from '../../../ir/types.ts';
import { copyRegion, Environment, replaceReads } from '../blocks.ts';
import { returned } from '../live-values.ts';
import type { ScanAttrs } from '../primitives.ts';
import { scanActivity } from './activity.ts';
import { residualsOf, writeAgain } from './residuals.ts';
import { type Back, orZeros, type Tape } from './tape.ts';
import { type Axes, NONE } from './variation.ts';

/** Places in the lists of a scan whose values are active. */
interface ActivePlaces {
  readonly carries: readonly number[];
  /** Among the results. */
  readonly ys: readonly number[];
  /** Among the operands. */
  readonly xs: readonly number[];
  /** Values read from around. */
  readonly captured: readonly ValueId[];
}

export function recordScan(tape: Tape, op: Op): Back {
  const { b, env } = tape;
  const attrs = op.attrs as ScanAttrs;
  const [region] = op.regions as [Block];
  const active = activePlaces(tape, op);
  let backward: Backward | undefined;
  const forward = b.region(() => {
    const inner = new Environment(env);
    const params = region.params.map((p) => b.param(b.typeOf(p)));
    inner.setAll(region.params, params);
    const activeParams = [...active.carries, ...active.xs].map((k) => region.params[k + 1] as ValueId);
    const own = tape.inner(inner, activeParams);
    const ends = own.record(region);
    const { ops } = b.openBlocks().at(-1) as Block;
    backward = writeBackward(own, region, active, { params, ops: [...ops] }, attrs.carries);
    b.op('return', [...ends, ...backward.stacked], [], op.origin);
  });
  const made = backward as Backward;
  const operands = env.read(op.operands);
  const stackedTypes = made.stacked.map((id) => stackedType(b, id, attrs.length));
  const types = [...op.results.map((r) => b.typeOf(r)), ...stackedTypes];
  const results = b.op('scan', operands, types, op.origin, attrs, [forward]);
  env.setAll(op.results, results);
  const kept = [...results.slice(op.results.length), ...made.slices.map((k) => operands[k] as ValueId)];
  return scanBack(tape, op, active, made, kept);
}

function activePlaces(tape: Tape, op: Op): ActivePlaces {
  const { carries } = op.attrs as ScanAttrs;
  const { params, results } = scanActivity(tape.b, op, tape.isActive);
  const operands = op.operands.map((_, k) => k);
  return {
    carries: operands.filter((k) => k < carries && params[k + 1] === true),
    xs: operands.filter((k) => k >= carries && params[k + 1] === true),
    ys: op.results.map((_, k) => k).filter((k) => k >= carries && results[k] === true),
    captured: readFromOutside(op.regions).filter(tape.isActive),
  };
}

interface Backward {
  readonly block: Block;
  /** Values of the forward body that it must stack up … */
  readonly stacked: readonly ValueId[];
  /** … and operands of the forward scan whose slices are read again. */
  readonly slices: readonly number[];
  /** Manual axes that sums of captured values are owed over, after the last turn. */
  readonly owed: readonly Axes[];
}

/** Parameters: the counter, cotangents of the carries, sums for what is captured, cotangents of ys, then what was kept. */
function writeBackward(
  tape: Tape,
  region: Block,
  active: ActivePlaces,
  forward: { readonly params: readonly ValueId[]; readonly ops: readonly Op[] },
  carries: number,
): Backward {
  const { b } = tape;
  const ends = returned(region);
  const param = (k: number): ValueId => region.params[k + 1] as ValueId;
  const owed: Axes[] = [];
  let counter: ValueId | undefined;
  const draft = b.region(() => {
    counter = b.param(tensor('i32', []));
    const ofCarries = active.carries.map((k) => b.param(b.typeOf(param(k))));
    const sums = active.captured.map((id) => b.param(b.typeOf(id)));
    const ofYs = active.ys.map((k) => b.param(b.typeOf(ends[k] as ValueId)));
    const found = tape.pull([
      ...active.carries.map(
        (k, i) => [ends[k] as ValueId, ofCarries[i], tape.owed(param(k), ends[k] as ValueId)] as const,
      ),
      ...active.ys.map((k, i) => [ends[k] as ValueId, ofYs[i]] as const),
    ]);
    const summed = active.captured.map((id, i) => {
      const g = found.owing(id);
      owed.push(g?.owed ?? NONE);
      return g === undefined ? (sums[i] as ValueId) : b.one('add', [sums[i] as ValueId, g.value]);
    });
    const given = (k: number): ValueId => orZeros(b, found.get(param(k)), param(k));
    b.op('return', [...active.carries.map(given), ...summed, ...active.xs.map(given)], [], b.origin);
  });
  const { kept, again } = residualsOf(forward, draft);
  const isSlice = (id: ValueId): boolean => forward.params.indexOf(id) > carries;
  const stacked = kept.filter((id) => id !== forward.params[0] && !isSlice(id));
  const slices = kept.filter(isSlice);
  const block = b.region(() => {
    for (const p of draft.params) b.paramAt(p);
    const now = new Map<ValueId, ValueId>([[forward.params[0] as ValueId, counter as ValueId]]);
    for (const id of [...stacked, ...slices]) now.set(id, b.param(b.typeOf(id)));
    for (const [id, made] of writeAgain(b, again)) now.set(id, made);
    for (const op of replaceReads(draft, now).ops) b.push(op);
  });
  return { block, stacked, slices: slices.map((id) => forward.params.indexOf(id) - 1), owed };
}

function scanBack(tape: Tape, op: Op, active: ActivePlaces, backward: Backward, kept: readonly ValueId[]): Back {
  const { b } = tape;
  const { block, owed } = backward;
  const [region] = op.regions as [Block];
  const { length, reverse } = op.attrs as ScanAttrs;
  let used = false;
  return (cotangents, add) => {
    const body = used ? copyRegion(b, block, new Environment()) : block;
    used = true;
    const ofCarries = active.carries.map((k) => orZeros(b, cotangents[k], op.results[k] as ValueId));
    const sums = active.captured.map((id) => b.splat(0, b.typeOf(id)));
    const ofYs = active.ys.map((k) => orZeros(b, cotangents[k], op.results[k] as ValueId));
    const types = [
      ...[...ofCarries, ...sums].map((id) => b.typeOf(id)),
      ...active.xs.map((k) => b.typeOf(op.operands[k] as ValueId)),
    ];
    const attrs: ScanAttrs = { carries: ofCarries.length + sums.length, length, reverse: !reverse };
    const made = b.op('scan', [...ofCarries, ...sums, ...ofYs, ...kept], types, b.origin, attrs, [body]);
    const [carried, summed] = [made, made.slice(ofCarries.length)];
    const back = (k: number, g: ValueId | undefined): void => {
      const operand = op.operands[k] as ValueId;
      add(operand, g as ValueId, tape.owed(region.params[k + 1] as ValueId, operand));
    };
    active.carries.forEach((k, i) => back(k, carried[i]));
    active.captured.forEach((id, i) => add(id, summed[i] as ValueId, owed[i]));
    active.xs.forEach((k, i) => back(k, summed[active.captured.length + i]));
  };
}

const stackedType = (b: TypedBuilder, id: ValueId, length: number): TensorType => {
  const { dtype, shape } = b.typeOf(id);
  return tensor(dtype, [length, ...shape]);
};
