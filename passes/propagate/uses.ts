/**
 * Uses of every value in the order of MLIR's use lists. Where annotations conflict, who is told first of a change
 * decides, so the order is part of Shardy's result: it follows from how its import pipeline built the program.
 *
 * A use list grows at its front, so the last use made is the first one told; here lists grow at the end and are read
 * backwards. Three events reorder one:
 *  - replacing all uses of a value by another's reverses them (a data-flow edge takes its source's place);
 *  - a call turned into a region op becomes the newest user of its operands, and its results are replaced;
 *  - cloning a function (for its second call site on) makes all its uses anew, outer ops before the ops in them, while
 *    the parser makes the ops of a region before the op that holds it.
 */
import type { Block, Func, Op, ValueId } from '../../ir/program.ts';

export interface Use {
  readonly op: Op;
  /** Which operand of the op. */
  readonly index: number;
  /** The node to look at when the value changes, and which of the node's operands it is; -1 = none. */
  readonly node: number;
  readonly position: number;
}

/** Node and position that an op's operand feeds. */
export type Reader = (op: Op, index: number) => { readonly node: number; readonly position: number } | undefined;

/** By value id. */
export function orderedUses(func: Func, reader: Reader): Use[][] {
  const walk = new UseWalk(func, reader);
  walk.block(func.body);
  return func.values.map((_, id) => walk.ordered(id as ValueId));
}

/** The body of one call site, or of the function itself. */
interface Frame {
  readonly call: number | undefined;
  readonly cloned: boolean;
}

const EDGE_OWNERS: ReadonlySet<string> = new Set(['while', 'case', 'optimization_barrier']);

class UseWalk {
  private readonly uses: Use[][];
  private readonly reader: Reader;
  private readonly frames: Frame[] = [{ call: undefined, cloned: false }];
  /** Values whose uses an edge of their own took over: at import (loops) or when the call became a region. */
  private readonly loopResults = new Set<ValueId>();
  private readonly callResults = new Set<ValueId>();
  private readonly callArguments = new Set<ValueId>();

  constructor(func: Func, reader: Reader) {
    this.uses = func.values.map(() => []);
    this.reader = reader;
  }

  block(block: Block): void {
    for (const op of block.ops) this.op(op);
  }

  private op(op: Op): void {
    if (op.kind === 'data_flow_edge') return this.boundary(op);
    const { cloned } = this.frame();
    if (cloned) this.record(op);
    for (const region of op.regions) this.block(region);
    if (!cloned) {
      this.record(op);
      if (EDGE_OWNERS.has(op.kind)) for (const r of op.results) this.loopResults.add(r);
    }
  }

  /** An end of a call: its first argument opens the callee's frame, its first result closes it. */
  private boundary(op: Op): void {
    const call = op.attrs.call as number;
    const inside = this.frame().call === call;
    this.record(op);
    if (op.attrs.end === 'argument') {
      if (!inside) this.frames.push({ call, cloned: op.attrs.cloned as boolean });
      this.callArguments.add(op.results[0] as ValueId);
    } else {
      if (inside) this.frames.pop();
      this.callResults.add(op.results[0] as ValueId);
    }
  }

  private record(op: Op): void {
    op.operands.forEach((v, index) => {
      const { node, position } = this.reader(op, index) ?? { node: -1, position: -1 };
      this.uses[v]?.push({ op, index, node, position });
    });
  }

  private frame(): Frame {
    return this.frames.at(-1) as Frame;
  }

  ordered(value: ValueId): Use[] {
    let list = this.uses[value] ?? [];
    if (list.length < 2) return list;
    const reversed = this.loopResults.has(value) !== this.callResults.has(value);
    if (reversed) list = list.toReversed();
    const end = (use: Use): unknown => (use.op.kind === 'data_flow_edge' ? use.op.attrs.end : undefined);
    if (list.some((u) => end(u) !== undefined)) {
      const [calls, returns] = ['argument', 'result'].map((e) => list.filter((u) => end(u) === e)) as [Use[], Use[]];
      const made = reversed ? [...calls.toReversed(), ...returns.toReversed()] : [...calls, ...returns];
      list = [...list.filter((u) => end(u) === undefined), ...made];
    }
    return this.callArguments.has(value) || this.callResults.has(value) ? list.toReversed() : list;
  }
}
