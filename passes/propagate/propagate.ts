/**
 * Infers every layout from the annotated ones (Shardy's propagation): user priorities, around op priorities, around
 * factor propagation to a fixed point.
 */
import { internalError } from '../../ir/diagnostics.ts';
import { type FactorRule, RuleBuilder } from '../../ir/factors.ts';
import { closedDim, type Layout, openLayout } from '../../ir/layout.ts';
import type { AxisRef } from '../../ir/mesh.ts';
import type { Registry } from '../../ir/op.ts';
import { type Block, type Func, mainFunction, type Module, type Op, type ValueId, valueInfo } from '../../ir/program.ts';
import type { TensorType } from '../../ir/types.ts';
import { type Direction, propagateFactors } from './factor-propagation.ts';
import { layoutOfProjection, projectTensor } from './projection.ts';

export interface PropagateResult {
  readonly module: Module;
  readonly causes: ReadonlyMap<ValueId, readonly Cause[]>;
}

/** Why a value has an axis: an annotation, or an op that brought it from another value. */
export interface Cause {
  readonly dim: number;
  readonly axis: AxisRef;
  readonly op?: Op;
  readonly from?: ValueId;
  /** Round of op priority, 0…4. */
  readonly round?: number;
}

export function propagate(module: Module, registry: Registry): PropagateResult {
  const mesh = module.meshes[0];
  if (mesh === undefined) throw internalError('propagate: the module has no mesh');
  const run = new Propagation(mainFunction(module), registry, mesh.name);
  const func = run.run();
  return { module: { ...module, level: 'propagated', functions: [func] }, causes: run.causes };
}

/** An op, or a data-flow edge: tensors that move together by a factor rule. */
interface Node {
  readonly op: Op;
  readonly rule: FactorRule;
  readonly operands: readonly ValueId[];
  readonly results: readonly ValueId[];
  readonly passThrough: boolean;
}

const ROUNDS = [0, 1, 2, 3, 4] as const;

class Propagation {
  readonly causes = new Map<ValueId, Cause[]>();
  private readonly func: Func;
  private readonly registry: Registry;
  private readonly mesh: string;
  private readonly layouts: (Layout | undefined)[];
  private readonly nodes: Node[] = [];
  /** Nodes to look at again when a value changes: its definition first, then its users in program order. */
  private readonly definition = new Map<ValueId, number>();
  private readonly users = new Map<ValueId, number[]>();
  private readonly rules = new Map<string, FactorRule>();
  private readonly useCount: Uint32Array;
  private resultLayouts: (Layout | undefined)[];

  constructor(func: Func, registry: Registry, mesh: string) {
    this.func = func;
    this.registry = registry;
    this.mesh = mesh;
    this.layouts = func.values.map((v) => v.layout);
    this.resultLayouts = [...func.resultLayouts];
    this.useCount = new Uint32Array(func.values.length);
    this.collect(func.body);
    this.applyConstraints();
    func.values.forEach((_, id) => this.noteAnnotation(id as ValueId));
  }

  run(): Func {
    for (const priority of this.priorities()) {
      const hidden = this.hide(priority);
      this.meetResults();
      for (const round of ROUNDS) this.fixedPoint(round);
      this.meetResults();
      this.restore(hidden);
    }
    const returned = this.func.body.ops.at(-1)?.operands ?? [];
    const values = this.func.values.map((info, id) => ({ ...info, layout: this.layouts[id] ?? openLayout(this.mesh, info.type.shape.length) }));
    const resultLayouts = returned.map((v, i) => this.resultLayouts[i] ?? this.layouts[v] ?? openLayout(this.mesh, valueInfo(this.func, v).type.shape.length));
    return { ...this.func, values, resultLayouts };
  }

  // --- the graph ----------------------------------------------------------------------------------------------------

  private collect(body: Block): void {
    const visit = (block: Block): void => {
      for (const op of block.ops) {
        for (const v of op.operands) this.useCount[v] = (this.useCount[v] as number) + 1;
        if (op.kind === 'while') this.loopEdges(op);
        else if (op.kind === 'case') this.caseEdges(op);
        else if (op.kind === 'optimization_barrier') op.results.forEach((r, i) => this.edge(op, [op.operands[i] as ValueId], [r]));
        else this.tensorNode(op);
        if (op.kind === 'while' || op.kind === 'case') op.regions.forEach(visit);
      }
    };
    visit(body);
  }

  /** What a loop carries is one value in several places: init and the body's next value → parameters and result. */
  private loopEdges(op: Op): void {
    const [cond, body] = op.regions as readonly [Block, Block];
    const next = body.ops.at(-1)?.operands ?? [];
    op.results.forEach((r, i) => this.edge(op, [op.operands[i] as ValueId, next[i] as ValueId], [r, body.params[i] as ValueId, cond.params[i] as ValueId]));
  }

  private caseEdges(op: Op): void {
    op.results.forEach((r, i) => this.edge(op, op.regions.map((b) => b.ops.at(-1)?.operands[i] as ValueId), [r]));
  }

  private edge(op: Op, operands: readonly ValueId[], results: readonly ValueId[]): void {
    const { shape } = valueInfo(this.func, operands[0] as ValueId).type;
    const rule = new RuleBuilder(operands.map(() => shape.length), results.map(() => shape.length));
    shape.forEach((size, d) => rule.add(operands.map(() => d), results.map(() => d), size));
    this.node({ op, rule: rule.build(), operands, results, passThrough: true });
  }

  private tensorNode(op: Op): void {
    if (op.kind === 'return' || op.results.length === 0) return;
    const rule = this.rule(op);
    if (rule === undefined) return;
    const passThrough = rule.elementwise === true || op.kind === 'reshape' || op.kind === 'transpose' || op.kind === 'sharding_constraint' ||
      op.kind === 'dynamic_slice' || op.kind === 'dynamic_update_slice';
    this.node({ op, rule, operands: op.operands, results: op.results, passThrough });
  }

  private node(node: Node): void {
    const index = this.nodes.push(node) - 1;
    for (const r of node.results) this.definition.set(r, index);
    for (const v of node.operands) {
      const users = this.users.get(v);
      if (users === undefined) this.users.set(v, [index]);
      else users.push(index);
    }
  }

  private rule(op: Op): FactorRule | undefined {
    const types = (ids: readonly ValueId[]): TensorType[] => ids.map((v) => valueInfo(this.func, v).type);
    const view = { kind: op.kind, attrs: op.attrs, regions: op.regions, operands: types(op.operands), results: types(op.results) };
    if (op.kind === 'sharding_constraint' || op.kind === 'reshard') return identityRule(view.results[0] as TensorType);
    if (op.kind === 'constant' || op.kind === 'iota') return undefined;
    const key = `${op.kind} ${[...view.operands, ...view.results].map((t) => t.shape.join('x')).join(',')} ${op.kind === 'reduce' || op.regions.length === 0 ? JSON.stringify(op.attrs, stringify) : ''}`;
    const cacheable = op.regions.length === 0;
    const known = cacheable ? this.rules.get(key) : undefined;
    if (known !== undefined) return known;
    const rule = this.registry[op.kind]?.factors(view);
    if (rule !== undefined && cacheable) this.rules.set(key, rule);
    return rule;
  }

  /**
   * A closed constraint on a value without a layout of its own also lays out that value, unless several constraints
   * compete for it (Shardy, apply-sharding-constraints): closed dims do not travel by propagation.
   */
  private applyConstraints(): void {
    const competing = new Map<ValueId, number>();
    const constraints = this.nodes.filter((n) => n.op.kind === 'sharding_constraint' || n.op.kind === 'reshard');
    for (const n of constraints) competing.set(n.operands[0] as ValueId, (competing.get(n.operands[0] as ValueId) ?? 0) + 1);
    for (const { op } of constraints) {
      const [operand, result] = [op.operands[0] as ValueId, op.results[0] as ValueId];
      const layout = op.attrs.layout as Layout;
      this.layouts[result] = layout;
      const closed = layout.dims.every((d) => !d.open);
      if (closed && this.layouts[operand] === undefined && competing.get(operand) === 1 && this.definition.has(operand)) this.layouts[operand] = layout;
    }
  }

  private noteAnnotation(id: ValueId): void {
    this.layouts[id]?.dims.forEach((d, dim) => { for (const axis of d.axes) this.note(id, { dim, axis }); });
  }

  private note(id: ValueId, cause: Cause): void {
    const known = this.causes.get(id);
    if (known === undefined) this.causes.set(id, [cause]);
    else known.push(cause);
  }

  // --- user priorities ----------------------------------------------------------------------------------------------

  private priorities(): number[] {
    const found = new Set<number>([0]);
    for (const layout of [...this.layouts, ...this.resultLayouts]) for (const d of layout?.dims ?? []) found.add(d.priority);
    return [...found].sort((a, b) => a - b);
  }

  /** Dims of later priorities take no part yet: closed, empty, their axes held back. */
  private hide(priority: number): Map<number, Layout> {
    const hidden = new Map<number, Layout>();
    this.layouts.forEach((layout, id) => {
      if (layout === undefined || !layout.dims.some((d) => d.priority > priority)) return;
      hidden.set(id, layout);
      const held = layout.dims.flatMap((d) => (d.priority > priority ? [...d.axes] : []));
      this.layouts[id] = { ...layout, dims: layout.dims.map((d) => (d.priority > priority ? closedDim([], d.priority) : d)), replicated: [...layout.replicated, ...held] };
    });
    return hidden;
  }

  private restore(hidden: ReadonlyMap<number, Layout>): void {
    for (const [id, before] of hidden) {
      const now = this.layouts[id] as Layout;
      this.layouts[id] = { ...now, replicated: before.replicated, dims: now.dims.map((d, i) => (d.priority > 0 && d.axes.length === 0 ? (before.dims[i] ?? d) : d)) };
    }
  }

  // --- the fixed point ----------------------------------------------------------------------------------------------

  private fixedPoint(round: number): void {
    const stack = this.nodes.map((_, i) => this.nodes.length - 1 - i);
    const waiting = new Uint8Array(this.nodes.length).fill(1);
    for (let n = stack.pop(); n !== undefined; n = stack.pop()) {
      waiting[n] = 0;
      for (const value of this.visit(this.nodes[n] as Node, round)) {
        const again = [this.definition.get(value), ...(this.users.get(value) ?? []).toReversed()];
        for (const other of again) {
          if (other === undefined || other === n || waiting[other] === 1) continue;
          waiting[other] = 1;
          stack.push(other);
        }
      }
    }
  }

  /** Propagates through one node; gives the values whose layout changed. */
  private visit(node: Node, round: number): ValueId[] {
    const { rule } = node;
    const allowed = rule.factors.map((_, f) => this.direction(node, f, round));
    if (allowed.every((d) => d === 'none')) return [];
    const all = [...node.operands, ...node.results];
    if (all.every((v) => this.layouts[v] === undefined)) return [];
    const project = (dims: FactorRule['operands'], ids: readonly ValueId[]): ReturnType<typeof projectTensor>[] => ids.map((v, i) => projectTensor(rule, dims[i] ?? [], this.layouts[v]));
    const operands = project(rule.operands, node.operands);
    const results = project(rule.results, node.results);
    const changed = propagateFactors(rule, operands, results, (f) => allowed[f] as Direction);
    const values: ValueId[] = [];
    for (const t of changed) {
      const id = all[t] as ValueId;
      const projection = t < operands.length ? operands[t] : results[t - operands.length];
      if (projection === undefined || values.includes(id)) continue;
      const before = this.layouts[id];
      const after = layoutOfProjection(rule, projection, this.mesh, before);
      this.layouts[id] = after;
      this.noteGrowth(id, before, after, node, round);
      values.push(id);
    }
    return values;
  }

  private noteGrowth(id: ValueId, before: Layout | undefined, after: Layout, node: Node, round: number): void {
    after.dims.forEach((d, dim) => {
      for (const axis of d.axes.slice(before?.dims[dim]?.axes.length ?? 0)) {
        const from = [...node.operands, ...node.results].find((v) => v !== id && this.layouts[v]?.dims.some((o) => o.axes.some((a) => a.name === axis.name)));
        this.note(id, { dim, axis, op: node.op, round, ...(from === undefined ? {} : { from }) });
      }
    });
  }

  /** Rounds are unions of schedules: pass-through ops first, broadcasts forward last (Shardy, op_priority_propagation.cc). */
  private direction(node: Node, f: number, round: number): Direction {
    const factor = node.rule.factors[f];
    if (factor?.blocked === true) return 'none';
    if (round >= 4) return 'both';
    if (round >= 3) return node.op.kind === 'broadcast_in_dim' ? 'backward' : 'both';
    let found: Direction = 'none';
    if (node.passThrough && (round >= 1 || !this.sharesOperands(node))) {
      found = node.op.kind === 'dynamic_slice' || node.op.kind === 'dynamic_update_slice' ? 'forward' : 'both';
    }
    if (round >= 2 && factor?.kind === 'pass') found = union(found, node.op.kind === 'broadcast_in_dim' ? 'backward' : 'both');
    return found;
  }

  private sharesOperands(node: Node): boolean {
    return node.operands.some((v) => (this.useCount[v] as number) > 1 && valueInfo(this.func, v).type.shape.length > 0);
  }

  /** The function's results and the values it returns are one. */
  private meetResults(): void {
    const returned = this.func.body.ops.at(-1)?.operands ?? [];
    returned.forEach((v, i) => {
      const type = valueInfo(this.func, v).type;
      const rule = identityRule(type);
      const operand = projectTensor(rule, rule.operands[0] ?? [], this.layouts[v]);
      const result = projectTensor(rule, rule.results[0] ?? [], this.resultLayouts[i]);
      const changed = propagateFactors(rule, [operand], [result], () => 'both');
      if (changed.has(0)) {
        const before = this.layouts[v];
        this.layouts[v] = layoutOfProjection(rule, operand, this.mesh, before);
        this.noteAnnotation(v);
      }
      if (changed.has(1)) this.resultLayouts[i] = layoutOfProjection(rule, result, this.mesh, this.resultLayouts[i]);
    });
  }
}

function identityRule(type: TensorType): FactorRule {
  const rule = new RuleBuilder([type.shape.length], [type.shape.length]);
  type.shape.forEach((size, d) => rule.add([d], [d], size));
  return rule.build({ elementwise: true });
}

const union = (a: Direction, b: Direction): Direction => (a === 'none' ? b : b === 'none' || a === b ? a : 'both');
const stringify = (_: string, v: unknown): unknown => (typeof v === 'bigint' ? String(v) : v);
