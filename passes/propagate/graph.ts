/**
 * The program as propagation sees it: nodes (ops with a factor rule, data-flow edges, barriers) over slots. A slot is a
 * place that holds one layout: mostly one value, but all that a loop carries at one index (result, body and condition
 * parameter) is one slot.
 */
import type { FactorRule } from '../../ir/factors.ts';
import type { Layout } from '../../ir/layout.ts';
import type { Registry } from '../../ir/op.ts';
import type { Block, Func, Op, ValueId } from '../../ir/program.ts';
import { valueInfo } from '../../ir/program.ts';
import type { TensorType } from '../../ir/types.ts';
import { identityRule, RuleTable } from './rules.ts';
import { BACKWARD, BOTH, type Direction, FORWARD, NONE } from './strategy.ts';
import { orderedUses, type Use } from './uses.ts';

export interface Node {
  readonly op: Op;
  readonly rule: FactorRule;
  /** Values read for propagation; replaced where a constraint takes a value's place. */
  readonly operands: ValueId[];
  readonly results: readonly ValueId[];
  /** An edge carries a layout across a loop, branch, barrier or call: what goes in → what comes out. */
  readonly edge: boolean;
  /** Set for a propagation barrier: the only direction it lets through. */
  readonly barrier?: Direction;
}

export class Graph {
  readonly func: Func;
  readonly registry: Registry;
  /** In the order in which the driver first visits them. */
  readonly nodes: Node[] = [];
  /** By slot. */
  readonly layouts: (Layout | undefined)[];
  resultLayouts: (Layout | undefined)[];
  /** The values returned by the function. */
  readonly returned: ValueId[];
  /** By value, in reverse of the order in which they are told of a change. */
  readonly users: Use[][];
  /** By slot: the node that makes it, or that carries a layout into it. */
  readonly definition = new Map<ValueId, number>();
  /** Slot of a loop → its condition's and body's parameter. */
  readonly parameters = new Map<ValueId, readonly ValueId[]>();
  /** Slots that an edge leads to. */
  private readonly edgeTargets = new Set<ValueId>();
  private readonly slots: ValueId[];
  private readonly rules: RuleTable;
  private readonly makers = new Map<ValueId, Op>();
  /** Node told when operand `index` of an op changes, and where the op's operand stands in that node. */
  private readonly readers = new Map<Op, (index: number) => { node: number; position: number }>();

  constructor(func: Func, registry: Registry) {
    this.func = func;
    this.registry = registry;
    this.rules = new RuleTable(func, registry);
    this.slots = func.values.map((_, id) => id as ValueId);
    this.layouts = func.values.map((v) => v.layout);
    this.resultLayouts = [...func.resultLayouts];
    this.returned = [...(func.body.ops.at(-1)?.operands ?? [])];
    this.block(func.body);
    for (const [slot, params] of this.parameters) for (const p of params) this.slots[p] = slot;
    this.users = orderedUses(func, (op, index) => this.readers.get(op)?.(index));
  }

  slot(value: ValueId): ValueId {
    return this.slots[value] as ValueId;
  }

  layoutOf(value: ValueId): Layout | undefined {
    return this.layouts[this.slots[value] as ValueId];
  }

  typeOf(value: ValueId): TensorType {
    return valueInfo(this.func, value).type;
  }

  /** Does the value belong to a slot that an edge leads to: loop-carried, branch result, an end of a call? */
  isEdgeTarget(value: ValueId): boolean {
    return this.edgeTargets.has(this.slot(value));
  }

  // --- nodes, an op before its regions, edges after them --------------------------------------------------------------

  private block(block: Block): void {
    for (const op of block.ops) this.op(op);
  }

  private op(op: Op): void {
    for (const r of op.results) this.makers.set(r, op);
    switch (op.kind) {
      case 'while':
        return this.loop(op);
      case 'case':
        return this.branches(op);
      case 'optimization_barrier':
        return op.results.forEach((r, i) => this.edge(op, [op.operands[i] as ValueId], r));
      case 'data_flow_edge':
        return this.edge(op, op.operands, op.results[0] as ValueId);
      case 'return':
      case 'reshard':
      case 'sharding_group':
        return;
      default:
        return this.tensorOp(op);
    }
  }

  /** What a loop carries: the value before it and the body's next value → result and parameters, one slot. */
  private loop(op: Op): void {
    const [cond, body] = op.regions as readonly [Block, Block];
    this.block(cond);
    this.block(body);
    const next = body.ops.at(-1) as Op;
    const first = this.nodes.length;
    op.results.forEach((r, i) => {
      this.edge(op, [op.operands[i] as ValueId, next.operands[i] as ValueId], r);
      this.parameters.set(r, [cond.params[i] as ValueId, body.params[i] as ValueId]);
    });
    this.readers.set(op, (index) => ({ node: first + index, position: 0 }));
    this.readers.set(next, (index) => ({ node: first + index, position: 1 }));
  }

  private branches(op: Op): void {
    for (const region of op.regions) this.block(region);
    const ends = op.regions.map((r) => r.ops.at(-1) as Op);
    const first = this.nodes.length;
    op.results.forEach((r, i) =>
      this.edge(
        op,
        ends.map((e) => e.operands[i] as ValueId),
        r,
      ),
    );
    ends.forEach((e, position) => this.readers.set(e, (index) => ({ node: first + index, position })));
    this.readers.delete(op);
  }

  private edge(op: Op, sources: readonly ValueId[], target: ValueId): void {
    const rule = identityRule(this.typeOf(target), sources.length);
    const node = this.nodes.push({ op, rule, operands: [...sources], results: [target], edge: true }) - 1;
    this.definition.set(target, node);
    this.edgeTargets.add(target);
    const first = node - op.results.indexOf(target);
    this.readers.set(op, (index) => ({ node: first + index, position: 0 }));
  }

  private tensorOp(op: Op): void {
    const rule = this.rules.of(
      op,
      op.operands.map((v) => this.makers.get(v)),
    );
    if (rule === undefined) return;
    if (op.kind === 'sharding_constraint') this.layouts[op.results[0] as ValueId] = op.attrs.layout as Layout;
    const barrier =
      op.kind === 'propagation_barrier' ? { barrier: ALLOWED[op.attrs.direction as keyof typeof ALLOWED] } : {};
    const node =
      this.nodes.push({ op, rule, operands: [...op.operands], results: op.results, edge: false, ...barrier }) - 1;
    for (const r of op.results) this.definition.set(r, node);
    this.readers.set(op, (index) => ({ node, position: index }));
  }
}

const ALLOWED = { FORWARD, BACKWARD, NONE, BOTH } as const;
