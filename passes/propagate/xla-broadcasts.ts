/**
 * Broadcasts as Shardy meets them within XLA, which reads a program into HLO first: there a dim of size 1 does not grow, it
 * goes, and comes back longer. Reshapes propagate in earlier rounds than broadcasts, so layouts depend on it.
 *
 *   broadcast_in_dim %x[8,16,1] dims=[0, 1, 2] : [8,16,16]
 *   →  broadcast_in_dim %x : [8,16,1],  reshape : [8,16],  broadcast_in_dim dims=[0, 1] : [8,16,16]
 *   broadcast_in_dim %y[8,16] dims=[0, 1] : [8,16,1]   →   reshape %y : [8,16,1]
 */
import { type EditModule, EditOp, type EditValue } from '../../ir/edit.ts';
import type { Attrs, ValueInfo } from '../../ir/program.ts';
import { elementCount } from '../../ir/types.ts';

/** What stands for the steps: for each op, for each last result, and for each value between. */
export interface Joined {
  readonly op: ReadonlyMap<EditOp, EditOp>;
  readonly result: ReadonlyMap<EditValue, EditValue>;
  readonly within: ReadonlyMap<EditValue, Between>;
}

/** A value between, on either side: the operand, the result, and which of their dims its own are. */
interface Between {
  readonly operand: EditValue;
  readonly operandDims: readonly number[];
  readonly result: EditValue;
  readonly resultDims: readonly number[];
}

/** Split for as long as layouts are looked for: `join` makes them one again. */
export class SplitBroadcasts {
  /** By last step. */
  private readonly splits = new Map<EditOp, Split>();

  constructor(program: EditModule) {
    for (const op of [...program.ops()]) if (op.kind === 'broadcast_in_dim') this.split(op);
  }

  /** One op again, with the layout that was found. */
  join(): Joined {
    const joined = {
      op: new Map<EditOp, EditOp>(),
      result: new Map<EditValue, EditValue>(),
      within: new Map<EditValue, Between>(),
    };
    for (const [last, { attrs, first, between }] of this.splits) {
      const operand = first.operands[0] as EditValue;
      const op = new EditOp('broadcast_in_dim', attrs, last.origin, [operand], [last.result.info]);
      const dims = attrs.dims as readonly number[];
      op.insertBefore(first);
      last.result.replaceBy(op.result);
      joined.result.set(last.result, op.result);
      for (const [step, operandDims] of between) {
        const resultDims = operandDims.map((d) => dims[d] as number);
        joined.within.set(step.result, { operand, operandDims, result: op.result, resultDims });
      }
      for (const step of [last, ...[...between.keys()].reverse()]) {
        joined.op.set(step, op);
        step.erase();
      }
    }
    return joined;
  }

  private split(written: EditOp): void {
    const [operand, { result, origin, attrs }] = [written.operands[0] as EditValue, written];
    const { shape } = operand.type;
    const dims = attrs.dims as readonly number[];
    const step = (kind: string, given: EditOp['attrs'], from: EditValue, info: ValueInfo): EditOp => {
      const made = new EditOp(kind, given, origin, [from], [info]);
      made.insertBefore(written);
      return made;
    };
    const replace = (last: EditOp, between: readonly (readonly [EditOp, readonly number[]])[]): void => {
      this.splits.set(last, { attrs, first: between[0]?.[0] ?? last, between: new Map(between) });
      result.replaceBy(last.result);
      written.erase();
    };
    const grows = (i: number): boolean => shape[i] === 1 && result.type.shape[dims[i] as number] !== 1;
    const all = shape.map((_, i) => i);
    if (all.some(grows)) {
      const same = step('broadcast_in_dim', { dims: all }, operand, { type: operand.type });
      const kept = all.filter((i) => !grows(i));
      const rest = { ...operand.type, shape: kept.map((i) => shape[i] as number) };
      const small = step('reshape', {}, same.result, { type: rest });
      const to = { ...attrs, dims: kept.map((i) => dims[i] as number) };
      replace(step('broadcast_in_dim', to, small.result, result.info), [
        [same, all],
        [small, kept],
      ]);
    } else if (shape.length > 0 && shape.length < result.type.shape.length && isInOrder(dims)) {
      const count = elementCount(operand.type);
      if (count > 0 && count === elementCount(result.type)) replace(step('reshape', {}, operand, result.info), []);
    }
  }
}

/** What was written, and what is made of it: each step between, with the operand's dims that it has. */
interface Split {
  readonly attrs: Attrs;
  readonly first: EditOp;
  readonly between: ReadonlyMap<EditOp, readonly number[]>;
}

const isInOrder = (dims: readonly number[]): boolean => dims.every((d, i) => i === 0 || d > (dims[i - 1] as number));
