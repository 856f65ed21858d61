/**
 * concatenate on a sharded dim, of slices or of what does not divide itself: a rotation, or pieces that each move as a whole
 * and are chosen by place.
 */
import { dimAxes, layoutOf, type Layout } from '../../../ir/layout.ts';
import type { Op, Origin, ValueId } from '../../../ir/program.ts';
import { tensor, type TensorType } from '../../../ir/types.ts';
import type { LaidOutBuilder } from '../rebuild.ts';
import { type Cut, cutOf, extentIn, layoutIn, type Shift, shardsIn, type Sight, typeIn } from './sight.ts';

/** More pieces are no shift, and every one costs a pass over the result. */
const MOST_PIECES = 4;

/**
 * A cut and where it is put. Of a value that is not as long as the result shards stand elsewhere: moved as a whole it would
 * cost whole shards, so a few elements of it stay the slice that they are.
 */
interface Piece extends Cut {
  readonly at: number;
}

export function joinedAgain(op: Op, sight: Sight): Shift | undefined {
  if (op.kind !== 'concatenate' || op.operands.length > MOST_PIECES) return undefined;
  const [result] = op.results as readonly [ValueId];
  const dim = op.attrs.dim as number;
  const layout = layoutIn(sight, result);
  const shards = shardsIn(sight, result, dim);
  const size = extentIn(sight, result, dim);
  if (layout === undefined || shards === 1) return undefined;
  const pieces = piecesOf(op, sight, dim, size);
  const splits = op.operands.every((v) => extentIn(sight, v, dim) % shards === 0);
  if (splits && !pieces.some((p, i) => p.value !== op.operands[i])) return undefined;
  const moves = movesOf(pieces, size);
  if (moves.length === 0 || moves.length > 3 || !moves.some((m) => shardsIn(sight, m.value, dim) > 1)) return undefined;
  return {
    reads: moves.map((m) => m.value),
    write: (emit) => new Joining(op, sight, emit, layout, dim).write(moves),
  };
}

/** `whole`: extent of the result. */
function piecesOf(op: Op, sight: Sight, dim: number, whole: number): Piece[] {
  let at = 0;
  return op.operands.map((v) => {
    const size = extentIn(sight, v, dim);
    const cut = cutOf(sight, v);
    const moves = cut?.dim === dim && (cut.size === whole || size * shardsIn(sight, cut.value, dim) >= cut.size);
    const piece = moves ? { ...cut, at } : { value: v, dim, start: 0, limit: size, size, at };
    at += size;
    return piece;
  });
}

/** A value moved right by `by` places, and the places [from, to) of the result that it is read at. */
interface Move {
  readonly value: ValueId;
  readonly by: number;
  readonly wraps: boolean;
  readonly size: number;
  readonly places: readonly (readonly [from: number, to: number])[];
}

/** Pieces of one value at one distance move together; also around the end, where the result is as long as the value. */
function movesOf(pieces: readonly Piece[], size: number): Move[] {
  const moves: Move[] = [];
  for (const p of pieces) {
    if (p.limit === p.start) continue;
    const by = p.at - p.start;
    const place = [p.at, p.at + p.limit - p.start] as const;
    const i = moves.findIndex(
      (m) => m.value === p.value && (m.by === by || (p.size === size && (m.by - by) % size === 0)),
    );
    const known = moves[i];
    if (known === undefined) moves.push({ value: p.value, by, wraps: false, size: p.size, places: [place] });
    else moves[i] = { ...known, wraps: known.wraps || known.by !== by, places: [...known.places, place] };
  }
  return moves;
}

class Joining {
  private readonly op: Op;
  private readonly emit: LaidOutBuilder;
  private readonly layout: Layout;
  private readonly dim: number;
  private readonly type: TensorType;
  private readonly origin: Origin;

  constructor(op: Op, sight: Sight, emit: LaidOutBuilder, layout: Layout, dim: number) {
    this.op = op;
    this.emit = emit;
    this.layout = layout;
    this.dim = dim;
    this.type = typeIn(sight, op.results[0] as ValueId);
    this.origin = { pass: 'shifts', from: [op.origin], reason: 'slices joined again: a shift along a sharded dim' };
  }

  write(moves: readonly Move[]): void {
    const [only] = moves;
    if (only !== undefined && moves.length === 1) {
      if (only.wraps) this.last('rotate', [only.value], { dim: this.dim, by: only.by });
      else this.last('pad', [only.value, this.zero()], this.padding(only));
      return;
    }
    const [last, ...rest] = moves.toReversed();
    let value = this.moved(last as Move);
    rest.forEach((m, i) => {
      const operands = [this.within(m.places), this.moved(m), value];
      if (i === rest.length - 1) this.last('select', operands);
      else value = this.emit.made('select', operands, this.type, this.layout, this.origin);
    });
  }

  private last(kind: string, operands: readonly ValueId[], attrs: Op['attrs'] = {}): void {
    this.emit.push({ kind, operands, results: this.op.results, attrs, regions: [], origin: this.origin });
  }

  private moved(move: Move): ValueId {
    const { value, by, wraps, size } = move;
    if (wraps) return this.made('rotate', [value], this.type, { dim: this.dim, by });
    if (by === 0 && size === this.type.shape[this.dim]) return value;
    return this.made('pad', [value, this.zero()], this.type, this.padding(move));
  }

  private padding({ by, size }: Move): Op['attrs'] {
    const zeros = this.type.shape.map(() => 0);
    const along = (n: number): number[] => zeros.map((_, d) => (d === this.dim ? n : 0));
    const whole = this.type.shape[this.dim] as number;
    return { low: along(by), high: along(whole - size - by), interior: zeros };
  }

  private zero(): ValueId {
    return this.emit.splat(0, tensor(this.type.dtype, []), layoutOf(this.layout.mesh, []), this.origin);
  }

  private made(kind: string, operands: readonly ValueId[], type: TensorType, attrs: Op['attrs'] = {}): ValueId {
    return this.emit.made(kind, operands, type, this.layout, this.origin, attrs);
  }

  /** Is an element's place along the dim one of these? */
  private within(places: Move['places']): ValueId {
    const size = this.type.shape[this.dim] as number;
    const line = layoutOf(this.layout.mesh, [dimAxes(this.layout, this.dim)]);
    const [numbers, flags] = [tensor('i32', [size]), tensor('pred', [size])];
    const { emit, origin } = this;
    const index = emit.made('iota', [], numbers, line, origin, { dim: 0, dtype: 'i32', shape: [size] });
    const beyond = (direction: 'GE' | 'LT', n: number): ValueId => {
      const limit = emit.splat(n, numbers, line, origin);
      return emit.made('compare', [index, limit], flags, line, origin, { direction, compare_type: 'SIGNED' });
    };
    const inside = places.map(([from, to]) => {
      if (from === 0) return beyond('LT', to);
      if (to === size) return beyond('GE', from);
      return emit.made('and', [beyond('GE', from), beyond('LT', to)], flags, line, origin);
    });
    const any = inside.reduce((a, b) => emit.made('or', [a, b], flags, line, origin));
    const { shape } = this.type;
    const mask = tensor('pred', shape);
    return emit.made('broadcast_in_dim', [any], mask, this.layout, origin, { dims: [this.dim], shape });
  }
}
