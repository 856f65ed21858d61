/**
 * The program as propagation sees it: nodes (ops with a factor rule, data-flow edges, barriers) over values. A value's
 * layout is kept in its slot: mostly the value itself, but all that an edge leads to (a loop's result, its body's and its
 * condition's parameter) has the edge's. Who is told of a change, and in which order, is Shardy's
 * (basic_propagation.cc, notifyShardingModified): where annotations conflict, that order decides.
 */
import { type EditBlock, type EditFunc, type EditModule, EditOp, type EditValue, withInner } from '../../ir/edit.ts';
import type { FactorRule } from '../../ir/factors.ts';
import type { Layout } from '../../ir/layout.ts';
import type { Registry } from '../../ir/op.ts';
import type { ValueId } from '../../ir/program.ts';
import type { TensorType } from '../../ir/types.ts';
import {
  afterEdge,
  beforeEdge,
  edgeFromSource,
  edgeSources,
  layoutOf,
  otherTargets,
  setLayout,
  shardable,
} from '../shardy/data-flow.ts';
import { groupsOf } from '../shardy/sharding-groups.ts';
import { impureOps, isUnread } from '../shardy/unread.ts';
import { type RuleOptions, RuleTable } from './rules.ts';
import { BACKWARD, BOTH, type Direction, FORWARD, NONE } from './strategy.ts';

export interface Node {
  readonly op: EditOp;
  /** Undefined: nothing moves through it. */
  readonly rule: FactorRule | undefined;
  readonly operands: readonly ValueId[];
  readonly results: readonly ValueId[];
  /** Nothing moves along some of the rule's factors. */
  readonly hasBlocked: boolean;
  /** An edge carries a layout across a loop, branch, barrier or call: what goes in → what comes out. */
  readonly edge: boolean;
  /** Set for a propagation barrier: the only direction it lets through. */
  readonly barrier: Direction | undefined;
}

/** `conservative`: no sub-axes, and nothing that does not divide. */
export interface GraphOptions extends RuleOptions {
  /** Ops that nothing reads stay; Shardy's passes drop them on the way. */
  readonly keepsUnread?: boolean;
}

export class Graph {
  readonly module: EditModule;
  readonly options: GraphOptions;
  /** In the order in which the driver first visits them. */
  readonly nodes: Node[] = [];
  /** Slots of all nodes' operands and results, node after node. */
  private readonly nodeSlots: number[] = [];
  /** By node: where its slots begin; then where the last one's end. */
  private readonly slotsFrom: number[] = [0];
  readonly values: EditValue[] = [];
  /** By slot. */
  readonly layouts: (Layout | undefined)[] = [];
  /** The function whose results take part. */
  readonly main: EditFunc | undefined;
  resultLayouts: (Layout | undefined)[];
  /** The values that the main function returns. */
  readonly returned: ValueId[];
  /** Slot → the other members of its sharding group. */
  readonly groups: ReadonlyMap<ValueId, readonly ValueId[]>;
  private readonly ids = new Map<EditValue, ValueId>();
  private readonly slots: number[] = [];
  private readonly nodeOf = new Map<EditOp, number>();
  private readonly calls = new Map<string, EditOp[]>();
  private readonly told = new Map<ValueId, readonly number[]>();
  private readonly rules: RuleTable;
  /** Ops that stay, read or not. */
  private readonly impure: ReadonlySet<EditOp>;
  private dropped = new Uint8Array(0);

  constructor(module: EditModule, registry: Registry, options: GraphOptions = {}) {
    this.module = module;
    this.options = options;
    this.rules = new RuleTable(registry, options);
    this.impure = options.keepsUnread === true ? new Set() : impureOps(module);
    this.number();
    this.values.forEach((v) => {
      const holder = shardable(v);
      this.slots.push(holder === undefined ? -1 : this.id(holder));
      this.layouts.push(holder === v ? layoutOf(v) : undefined);
    });
    for (const op of module.ops()) this.node(op);
    this.dropped = new Uint8Array(this.nodes.length);
    this.main = module.main();
    this.resultLayouts = [...(this.main?.resultLayouts ?? [])];
    this.returned = (this.main?.body.last?.operands ?? []).map((v) => this.id(v));
    this.groups = groupsOf(module, (v) => this.id(v));
  }

  private number(): void {
    const add = (v: EditValue): void => {
      this.ids.set(v, (this.values.push(v) - 1) as ValueId);
    };
    for (const f of this.module.functions) f.body.params.forEach(add);
    for (const op of this.module.ops()) {
      if (op.kind === 'call') this.callers(op.attrs.callee as string).push(op);
      op.results.forEach(add);
      for (const r of op.regions) r.params.forEach(add);
    }
  }

  private callers(name: string): EditOp[] {
    const known = this.calls.get(name) ?? [];
    this.calls.set(name, known);
    return known;
  }

  private id(value: EditValue): ValueId {
    return this.ids.get(value) as ValueId;
  }

  slot(value: ValueId): ValueId {
    return this.slots[value] as ValueId;
  }

  /** Sum of what a table says of the slots of a node's operands and results. */
  sumOver(node: number, table: Uint32Array): number {
    const end = this.slotsFrom[node + 1] as number;
    let sum = 0;
    for (let i = this.slotsFrom[node] as number; i < end; i++) sum += table[this.nodeSlots[i] as number] ?? 0;
    return sum;
  }

  layoutOf(value: ValueId): Layout | undefined {
    return this.layouts[this.slots[value] as number];
  }

  /** The layout a node sees: that of an edge of a manual computation with or without its manual axes. */
  layoutAt(node: Node, value: ValueId, isResult: boolean): Layout | undefined {
    const layout = this.layoutOf(value);
    return isResult && node.op.kind === 'data_flow_edge' ? beforeEdge(this.owner(node), layout) : layout;
  }

  /** The layout to keep for one a node has made. */
  kept(node: Node, layout: Layout, isResult: boolean): Layout {
    return isResult && node.op.kind === 'data_flow_edge' ? afterEdge(this.owner(node), layout) : layout;
  }

  private owner(node: Node): EditValue {
    return node.op.operands[0] as EditValue;
  }

  typeOf(value: ValueId): TensorType {
    return (this.values[value] as EditValue).type;
  }

  useCount(value: ValueId): number {
    return (this.values[value] as EditValue).useCount;
  }

  identityRule(type: TensorType): FactorRule {
    return this.rules.identity(type);
  }

  /** Every value's layout back where the program keeps it. */
  writeBack(): void {
    this.layouts.forEach((layout, slot) => {
      const value = this.values[slot] as EditValue;
      if (layout !== undefined && this.slots[slot] === slot && layout !== layoutOf(value)) setLayout(value, layout);
    });
    if (this.main !== undefined) this.main.resultLayouts = [...this.resultLayouts];
  }

  // --- nodes, an op before its regions --------------------------------------------------------------------------------

  private node(op: EditOp): void {
    const ids = (values: readonly EditValue[]): ValueId[] => values.map((v) => this.id(v));
    const add = (node: Pick<Node, 'operands' | 'edge'> & Partial<Pick<Node, 'rule' | 'barrier'>>): void => {
      const { rule, operands, edge, barrier } = node;
      const results = ids(op.results);
      for (const v of operands) this.nodeSlots.push(this.slot(v));
      for (const v of results) this.nodeSlots.push(this.slot(v));
      this.slotsFrom.push(this.nodeSlots.length);
      const hasBlocked = rule?.factors.some((f) => f.blocked === true) === true;
      this.nodeOf.set(op, this.nodes.push({ op, rule, operands, results, hasBlocked, edge, barrier }) - 1);
    };
    switch (op.kind) {
      case 'data_flow_edge':
      case 'func_data_flow_edge': {
        const sources = op.kind === 'data_flow_edge' ? sourcesOf(op) : this.callSources(op);
        if (sources.length > 0)
          add({ rule: this.rules.identity(op.result.type, sources.length), operands: ids(sources), edge: true });
        return;
      }
      case 'propagation_barrier': {
        const barrier = ALLOWED[op.attrs.direction as keyof typeof ALLOWED];
        return add({ rule: this.rules.identity(op.result.type), operands: ids(op.operands), edge: false, barrier });
      }
      default: {
        const rule = this.rules.of(op);
        if (rule !== undefined) add({ rule, operands: ids(op.operands), edge: false });
        else if (this.options.keepsUnread !== true && !this.impure.has(op)) add({ operands: [], edge: false });
      }
    }
  }

  /** What flows into the end of a call: what callers pass, or what the callee returns. */
  private callSources(op: EditOp): EditValue[] {
    const [end] = op.operands as [EditValue];
    if (end.maker?.kind === 'call') {
      const { terminator } = this.module.func(end.maker.attrs.callee as string).body;
      return terminator.operands.slice(end.index, end.index + 1);
    }
    return this.callers(op.func.name).map((call) => call.operands[end.index] as EditValue);
  }

  /** Takes an op that nothing reads out of the program; gives the nodes to look at again, in order. */
  dropUnread(index: number): readonly number[] {
    if (this.options.keepsUnread === true) return NOTHING;
    const { op } = this.nodes[index] as Node;
    if (!isUnread(op) || this.impure.has(op)) return NOTHING;
    const gone = withInner(op);
    const makers = gone.flatMap((inner) => inner.operands.flatMap((v) => this.makerOfFew(v, inner)));
    for (const inner of gone) this.nodeOf.delete(inner);
    op.erase();
    this.dropped[index] = 1;
    return makers.flatMap((maker) => this.nodeOf.get(maker) ?? []);
  }

  isDropped(index: number): boolean {
    return this.dropped[index] === 1;
  }

  /** What makes a value that at most one other op reads: it may be unread itself now. */
  private makerOfFew(value: EditValue, gone: EditOp): EditOp[] {
    if (value.maker === undefined) return [];
    const others = new Set(value.uses().map((u) => u.op));
    others.delete(gone);
    return others.size > 1 ? [] : [value.maker];
  }

  // --- who is told of a change ----------------------------------------------------------------------------------------

  /** Nodes to look at when the layout of a slot changes, in order. */
  tellOf(slot: ValueId): readonly number[] {
    const known = this.told.get(slot);
    if (known !== undefined) return known;
    const value = this.values[slot] as EditValue;
    const found: number[] = [];
    const tell = (op: EditOp | undefined): void => {
      const node = op === undefined ? undefined : this.nodeOf.get(op);
      if (node !== undefined) found.push(node);
    };
    if (value.maker?.kind === 'data_flow_edge')
      for (const target of otherTargets(value.maker.operands[0] as EditValue)) this.tellUsers(target, tell);
    tell(value.maker);
    this.tellUsers(value, tell);
    this.told.set(slot, found);
    return found;
  }

  private tellUsers(value: EditValue, tell: (op: EditOp | undefined) => void): void {
    for (const use of value.uses()) {
      const edge = edgeFromSource(use);
      if (edge !== undefined) tell(edge);
      else if (use.op.kind === 'return') this.tellAtReturn(use.op, use.index, tell);
      else if (use.op.kind === 'call')
        this.tellUsers(this.module.func(use.op.attrs.callee as string).body.params[use.index] as EditValue, tell);
      else tell(use.op);
    }
  }

  private tellAtReturn(end: EditOp, index: number, tell: (op: EditOp | undefined) => void): void {
    const { owner } = end.block as EditBlock;
    if (owner instanceof EditOp) return tell(owner);
    for (const call of this.callers(owner.name)) this.tellUsers(call.results[index] as EditValue, tell);
  }
}

const NOTHING: readonly number[] = [];
const ALLOWED = { FORWARD, BACKWARD, NONE, BOTH } as const;
const sourcesOf = (edge: EditOp): EditValue[] =>
  edgeSources(edge.operands[0] as EditValue).map(({ op, index }) => op.operands[index] as EditValue);
