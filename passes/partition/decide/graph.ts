/**
 * A function as decisions: what chooses a layout, which values have it, and where each is wanted.
 *
 * A *node* is a tensor op (it chooses one of its candidates) or a tie: values that share one layout because something
 * carries them as they are (a loop's state, a branch's result, a barrier, a constraint, the program's boundary). A value is
 * made by one node and wanted by others. Where it is wanted in another layout than it has, a copy is made: once for all
 * who want it so, and before the loops that only read it, where there is the memory to hold it (within-memory.ts). A
 * constraint is one more copy of its operand: who reads what it gives may take that, or another at hand (of a constraint of
 * the user's, one sharded no less), and where nobody takes it, it is not made.
 */
import type { Layout } from '../../../ir/layout.ts';
import type { AxisRef } from '../../../ir/mesh.ts';
import type { OpView } from '../../../ir/op.ts';
import type { Op, ValueId } from '../../../ir/program.ts';
import type { TensorType } from '../../../ir/types.ts';
import type { OpShape } from '../candidates.ts';
import type { Extents } from '../layout-table.ts';
import type { UnevenWork } from './uneven-work.ts';

/** A block of the function: how often it runs, and whether copies made in it may be made outside. */
export interface Place {
  readonly parent: Place | undefined;
  /** Runs per step. */
  readonly times: number;
  /** The loop whose condition or body it is: copies of outer values are made before that. */
  readonly loop: Op | undefined;
  /** The innermost loop around it. */
  readonly around: Op | undefined;
  readonly depth: number;
}

/** A tensor op. */
export interface OpNode {
  readonly kind: 'op';
  readonly index: number;
  readonly op: Op;
  readonly view: OpView;
  readonly place: Place;
  readonly shape: OpShape;
  /** Stands for all that its candidates depend on besides layouts. */
  readonly signature: number;
  /** A dot or convolution: split as much as can be, whatever that costs on the wire. */
  readonly heavy: boolean;
  /** It is annotated itself: into so many shards, and computing it redundantly beyond that is asked for. */
  readonly asked: number | undefined;
  /** Axes along which it may be computed redundantly all the same (decide/dot-work.ts). */
  readonly repeatable: readonly AxisRef[];
  /** Of a heavy one with padded dims (decide/uneven-work.ts). */
  readonly uneven: UnevenWork | undefined;
  /** In all, on one device; 0 where nothing is asked of it. */
  readonly flops: number;
  readonly reads: readonly ValueId[];
  readonly makes: readonly ValueId[];
}

/** Values in one layout. */
export interface TieNode {
  readonly kind: 'tie';
  readonly index: number;
  readonly what: string;
  /** It has this layout and no other: annotated, or the program's boundary. */
  readonly hard: boolean;
  /** A sharding constraint. */
  readonly constrains: boolean;
  readonly propagated: Layout;
  readonly reads: readonly ValueId[];
  readonly makes: readonly ValueId[];
}

export type Node = OpNode | TieNode;

export const isConstraint = (node: Node): boolean => node.kind === 'tie' && node.constrains;

/** One value wanted by one node. */
export interface Use {
  readonly value: ValueNode;
  readonly node: Node;
  readonly slot: number;
  readonly place: Place;
  /** Where a copy for it is made: `place`, or outside of the loops around that. */
  readonly at: Place;
}

export interface ValueNode {
  readonly id: ValueId;
  readonly type: TensorType;
  /** Of padded values. */
  readonly extents: Extents | undefined;
  /** What makes it, and as which result; of values made anew wherever they are wanted none. */
  readonly maker: Node | undefined;
  readonly slot: number;
  readonly place: Place;
  /** In program order; of a root also the uses of what it is constrained as. */
  readonly uses: readonly Use[];
  /** What a sharding constraint gives is its operand in one more layout: the copies of both are its root's. */
  readonly root: ValueNode;
  /** Constrained: no copy that is sharded less may stand for it. */
  readonly keeps: boolean;
  /** A constant, an iota or a broadcast scalar: at hand in any layout. */
  readonly cheap: Op | undefined;
  /** Zero all over: it may stand for a sum that is owed. */
  readonly zero: boolean;
  readonly propagated: Layout;
}

export interface Graph {
  /** In program order. */
  readonly nodes: readonly Node[];
  readonly values: readonly (ValueNode | undefined)[];
  /** Per node the roots of what it reads and makes, each once: its choice is part of what their copies cost. */
  readonly touched: readonly (readonly ValueId[])[];
  readonly opNodes: ReadonlyMap<Op, OpNode>;
  /** Of structural ops: one per operand, or per carried value. */
  readonly ties: ReadonlyMap<Op, readonly TieNode[]>;
  /** Per loop: what is wanted inside of values from outside, in program order. */
  readonly captured: ReadonlyMap<Op, readonly (readonly [ValueId, Use])[]>;
  /** Values of which loops and barriers hold no copy: it is made where it is read. */
  readonly notHeld: ReadonlySet<ValueId>;
}
