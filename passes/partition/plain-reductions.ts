/**
 * Reductions over a sharded dim whose results shards may owe: each shard reduces what it holds, starting at the monoid's
 * identity, and the partial results are combined. Reductions that are only written otherwise become such.
 *
 *   %r = reduce max %x, %start dims=[0]                       // %x : f32[900, 4] @{x, _}
 *   →  %m = reduce max %x, -inf dims=[0];  %r = maximum %m, (broadcast %start)
 *
 *   %a, %b = reduce (add, max) %x, %y dims=[0]                // places that do not meet
 *   →  %a = reduce add %x dims=[0];  %b = reduce max %y dims=[0]
 */
import { internalError } from '../../ir/diagnostics.ts';
import { dimAxes, layoutOf, type Monoid } from '../../ir/layout.ts';
import { identityOf } from '../../ir/monoid.ts';
import { OP_OF, placeMonoids, startable } from '../../ir/ops/monoid.ts';
import { type Func, mainFunction, type Module, type Op, type ValueId, valueInfo, walkOps } from '../../ir/program.ts';
import { tensor } from '../../ir/types.ts';
import { type LaidOutBuilder, rebuild } from './rebuild.ts';
import { splatIn } from './shifts/sight.ts';

/** Propagated → propagated. */
export function plainReductions(module: Module): Module {
  const func = mainFunction(module);
  const makers = new Map<ValueId, Op>();
  for (const op of walkOps(func.body)) for (const r of op.results) makers.set(r, op);
  const found = new Map<Op, readonly Place[]>();
  for (const op of walkOps(func.body)) {
    const places = op.kind === 'reduce' ? placesOf(func, op, makers) : undefined;
    if (places !== undefined) found.set(op, places);
  }
  if (found.size === 0) return module;
  const rebuilt = rebuild(func, (op, emit) => {
    const places = found.get(op);
    for (const place of places ?? []) write(func, op, place, emit);
    return places !== undefined;
  });
  return { ...module, functions: [rebuilt] };
}

/** One of the values that a reduction makes. */
interface Place {
  readonly input: ValueId;
  readonly start: ValueId;
  readonly result: ValueId;
  readonly monoid: Monoid;
  /** Its start is another number, or unknown. */
  readonly startsElsewhere: boolean;
}

/** Undefined where the reduction is plain already, reduces no sharded dim, or its values meet. */
function placesOf(func: Func, op: Op, makers: ReadonlyMap<ValueId, Op>): readonly Place[] | undefined {
  const count = op.results.length;
  const monoids = placeMonoids(op.regions[0]);
  const dims = op.attrs.dims as readonly number[];
  const isSplit = (v: ValueId): boolean => {
    const { layout } = valueInfo(func, v);
    return layout !== undefined && dims.some((d) => dimAxes(layout, d).length > 0);
  };
  if (monoids === null || !op.operands.slice(0, count).some(isSplit)) return undefined;
  const places = op.results.map((result, i): Place => {
    const [input, start] = [op.operands[i], op.operands[count + i]] as [ValueId, ValueId];
    const monoid = monoids[i] as Monoid;
    const identity = identityOf(monoid, valueInfo(func, input).type.dtype);
    return { input, start, result, monoid, startsElsewhere: splatIn({ makers }, start) !== identity };
  });
  if (places.some((p) => startable(p.monoid, valueInfo(func, p.input).type) === null)) return undefined;
  const atHand = makers.get(places[0]?.start as ValueId)?.kind === 'constant';
  return count === 1 && places[0]?.startsElsewhere === false && atHand ? undefined : places;
}

function write(
  func: Func,
  op: Op,
  { input, start, result, monoid, startsElsewhere }: Place,
  emit: LaidOutBuilder,
): void {
  const { type, layout } = valueInfo(func, result);
  const origin = { pass: 'plain-reductions', from: [op.origin], reason: 'each shard reduces what it holds' };
  const kind = OP_OF[monoid];
  const scalar = tensor(type.dtype, []);
  const reducer = emit.region(() => {
    const sides = [emit.param(scalar), emit.param(scalar)];
    const combined = emit.op(kind, sides, [scalar], {});
    emit.push({ kind: 'return', operands: combined, results: [], attrs: {}, regions: [], origin });
  });
  const reduced = (from: ValueId, results: readonly ValueId[]): Op => ({
    ...op,
    operands: [input, from],
    results,
    regions: [reducer],
    origin,
  });
  if (layout === undefined) throw internalError('plain-reductions: a result has no layout');
  const identity = emit.splat(identityOf(monoid, type.dtype), scalar, layoutOf(layout.mesh, []), origin);
  if (!startsElsewhere) {
    emit.push(reduced(identity, [result]));
    return;
  }
  const partial = emit.value(type, { layout });
  emit.push(reduced(identity, [partial]));
  const { shape } = type;
  const begin =
    shape.length === 0 ? start : emit.made('broadcast_in_dim', [start], type, layout, origin, { dims: [], shape });
  emit.push({ kind, operands: [partial, begin], results: [result], attrs: {}, regions: [], origin });
}
