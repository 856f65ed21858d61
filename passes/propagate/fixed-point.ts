/**
 * The driver: runs a strategy over the graph until nothing changes. The order is MLIR's greedy rewriter's, since it
 * decides conflicts: a stack that skips what is in it, first filled so that the program's first op is on top; per changed
 * slot the node that makes it is pushed, then its users (basic_propagation.cc, notifyShardingModified).
 */
import type { FactorRule } from '../../ir/factors.ts';
import type { Layout } from '../../ir/layout.ts';
import { type AxisRef, isFullAxis, isPlaceholder, type Mesh, sameAxes, sameMesh } from '../../ir/mesh.ts';
import type { ValueId } from '../../ir/program.ts';
import type { CauseLog } from './causes.ts';
import type { Graph, Node } from './graph.ts';
import { layoutOfProjection, type Projection, projectTensor, type TensorProjection } from './projection.ts';
import { along, BOTH, type Directions, NONE, type Strategy } from './strategy.ts';

/** Which way axes may move through a node, by its index. Lists are made once per rule, so that they can be told apart by identity. */
export type DirectionOf = (node: number) => Directions;

/** What a node's visit changed, for who wants to watch (shardy/debug-steps.ts). Undefined node: the function's results. */
export interface Step {
  readonly node: Node | undefined;
  readonly operands: readonly ValueId[];
  readonly results: readonly ValueId[];
  readonly mesh: Mesh;
  readonly before: Projection;
  readonly after: Projection;
}

export class Driver {
  readonly graph: Graph;
  readonly causes: CauseLog;
  private readonly watch: ((step: Step) => void) | undefined;
  private readonly meshes: ReadonlyMap<string, Mesh>;
  private readonly stack: number[] = [];
  private waiting = new Uint8Array(0);
  /** By slot: how often its layout has changed. */
  private readonly versions: Uint32Array;
  /** By node: what its last visit saw and was allowed, where that changed nothing. */
  private readonly settledStamp: Float64Array;
  private readonly settledDirections: (Directions | undefined)[] = [];
  private readonly unblocked = new Map<FactorRule, Map<Directions, Directions>>();

  constructor(graph: Graph, causes: CauseLog, watch?: (step: Step) => void) {
    this.graph = graph;
    this.watch = watch;
    this.versions = new Uint32Array(graph.values.length);
    this.settledStamp = new Float64Array(graph.nodes.length);
    this.meshes = new Map(graph.module.meshes.map((m) => [m.name, m]));
    this.causes = causes;
  }

  /** To the fixed point; the function's results meet the returned values before and after, not inside. */
  run(strategy: Strategy, direction: DirectionOf): void {
    const { nodes } = this.graph;
    this.meetResults(strategy);
    this.waiting = new Uint8Array(nodes.length).fill(1);
    for (let i = nodes.length - 1; i >= 0; i--) this.stack.push(i);
    for (let n = this.stack.pop(); n !== undefined; n = this.stack.pop()) {
      this.waiting[n] = 0;
      this.visit(n, strategy, direction);
    }
    this.meetResults(strategy);
  }

  private visit(index: number, strategy: Strategy, direction: DirectionOf): void {
    const { graph } = this;
    if (graph.isDropped(index)) return;
    const unread = graph.dropUnread(index);
    if (graph.isDropped(index)) {
      for (const other of unread) this.push(other, index);
      return;
    }
    const allowed = direction(index);
    if (this.isSettled(index, allowed)) return;
    const node = graph.nodes[index] as Node;
    const { rule } = node;
    if (rule === undefined) return;
    const asked = node.barrier ?? allowed;
    const directions = node.hasBlocked ? this.withoutBlocked(rule, asked) : asked;
    if (isNone(directions)) return;
    const before = [
      ...node.operands.map((v) => graph.layoutAt(node, v, false)),
      ...node.results.map((v) => graph.layoutAt(node, v, true)),
    ];
    const mesh = this.commonMesh(before);
    if (mesh === undefined) return this.settle(index, allowed);
    const count = node.operands.length;
    const projection: Projection = {
      operands: node.operands.map((_, i) => projectTensor(rule, rule.operands[i] ?? [], before[i])),
      results: node.results.map((_, i) => projectTensor(rule, rule.results[i] ?? [], before[count + i])),
    };
    const old = this.watch === undefined ? projection : copyOf(projection);
    const ends = moves(node) ? undefined : this.ends(mesh);
    const changed = strategy(rule, projection, directions, ends);
    if (changed === null) return this.settle(index, allowed);
    changed.forEach((is, t) => {
      if (is) this.update(index, mesh, projection, t, before[t]);
    });
    const meshOf = this.meshes.get(mesh) as Mesh;
    this.watch?.({
      node,
      mesh: meshOf,
      operands: node.operands,
      results: node.results,
      before: old,
      after: projection,
    });
  }

  // --- visits that would change nothing -------------------------------------------------------------------------------

  /** When the layouts of a node's values last changed: versions only grow, so equal sums are equal versions. */
  private stampOf(index: number): number {
    return this.graph.sumOver(index, this.versions);
  }

  private settle(index: number, allowed: Directions): void {
    this.settledStamp[index] = this.stampOf(index);
    this.settledDirections[index] = allowed;
  }

  /** The last visit changed nothing, and nothing that it saw has changed since. */
  private isSettled(index: number, allowed: Directions): boolean {
    return this.settledDirections[index] === allowed && this.settledStamp[index] === this.stampOf(index);
  }

  /** Layouts were changed from outside. */
  forget(): void {
    this.settledDirections.length = 0;
  }

  /** Nothing moves along a blocked factor. */
  private withoutBlocked(rule: FactorRule, directions: Directions): Directions {
    let made = this.unblocked.get(rule);
    if (made === undefined) {
      made = new Map();
      this.unblocked.set(rule, made);
    }
    const known = made.get(directions);
    if (known !== undefined) return known;
    const found = rule.factors.map(({ blocked }, f) => (blocked === true ? NONE : along(directions, f)));
    made.set(directions, found);
    return found;
  }

  /** Conservative propagation makes no sub-axes at ops. */
  private ends(name: string): ((axis: AxisRef) => boolean) | undefined {
    if (this.graph.options.conservative !== true) return undefined;
    const mesh = this.meshes.get(name) as Mesh;
    return (axis) => !isFullAxis(mesh, axis);
  }

  /** Writes a tensor's new layout into its slot and its group's, and tells whom it concerns. */
  private update(index: number, mesh: string, projection: Projection, t: number, before: Layout | undefined): void {
    const node = this.graph.nodes[index] as Node;
    const count = node.operands.length;
    const tensor = t < count ? projection.operands[t] : projection.results[t - count];
    const value = t < count ? node.operands[t] : node.results[t - count];
    if (tensor === undefined || value === undefined) return;
    const after = this.graph.kept(node, layoutOfProjection(node.rule as FactorRule, tensor, mesh, before), t >= count);
    const slot = this.graph.slot(value);
    if (slot < 0 || sameDims(this.graph.layouts[slot], after)) return;
    this.causes.propagated(slot, this.graph.layouts[slot], after, node, projection, t, (v) => this.graph.slot(v));
    this.graph.layouts[slot] = after;
    this.tell(slot, index);
    for (const other of this.graph.groups.get(slot) ?? []) {
      const member = this.graph.slot(other);
      this.causes.annotated(member, this.graph.layouts[member], after, node.op, slot);
      this.graph.layouts[member] = after;
      this.tell(member, index);
    }
  }

  private tell(slot: ValueId, from: number): void {
    this.versions[slot] = (this.versions[slot] ?? 0) + 1;
    for (const node of this.graph.tellOf(slot)) this.push(node, from);
  }

  private push(node: number, from: number): void {
    if (node < 0 || node === from || this.waiting[node] === 1) return;
    this.waiting[node] = 1;
    this.stack.push(node);
  }

  /**
   * The mesh all layouts name, or ones equal to it; none where they differ, or only one device is meant (Shardy,
   * getCommonMeshOrRef).
   */
  private commonMesh(layouts: readonly (Layout | undefined)[]): string | undefined {
    let found: Mesh | undefined;
    let anyAxes = false;
    for (const layout of layouts) {
      if (layout === undefined) continue;
      if (!anyAxes && layout.dims.some((d) => d.axes.length > 0)) anyAxes = true;
      if (found?.name === layout.mesh) continue;
      const mesh = this.meshes.get(layout.mesh);
      if (mesh === undefined || (isPlaceholder(mesh) && found !== undefined)) continue;
      if (found === undefined || isPlaceholder(found)) found = mesh;
      else if (!sameMesh(found, mesh)) return undefined;
    }
    return anyAxes && found !== undefined && found.axes.length > 0 ? found.name : undefined;
  }

  /** The function's results and the values it returns are one, as through an identity (propagateFuncResults). */
  private meetResults(strategy: Strategy): void {
    const { graph } = this;
    graph.returned.forEach((v, i) => {
      const [value, result] = [graph.layoutOf(v), graph.resultLayouts[i]];
      const mesh = value?.mesh ?? result?.mesh;
      if (mesh === undefined || (value !== undefined && result !== undefined && value.mesh !== result.mesh)) return;
      const rule = graph.identityRule(graph.typeOf(v));
      const projection: Projection = {
        operands: [projectTensor(rule, rule.operands[0] ?? [], value)],
        results: [projectTensor(rule, rule.results[0] ?? [], result)],
      };
      const old = this.watch === undefined ? projection : copyOf(projection);
      const changed = strategy(rule, projection, BOTH);
      if (changed === null) return;
      const of = this.meshes.get(mesh) as Mesh;
      this.watch?.({ node: undefined, mesh: of, operands: [v], results: [v], before: old, after: projection });
      if (changed[0] === true)
        this.meetValue(
          graph.slot(v),
          layoutOfProjection(rule, projection.operands[0] as Projection['operands'][0], mesh, value),
        );
      if (changed[1] === true)
        graph.resultLayouts[i] = layoutOfProjection(
          rule,
          projection.results[0] as Projection['results'][0],
          mesh,
          result,
        );
    });
  }

  private meetValue(slot: ValueId, after: Layout): void {
    for (const id of [slot, ...(this.graph.groups.get(slot) ?? []).map((v) => this.graph.slot(v))]) {
      this.causes.annotated(id, this.graph.layouts[id], after);
      this.graph.layouts[id] = after;
      this.versions[id] = (this.versions[id] ?? 0) + 1;
    }
  }
}

const isNone = (directions: Directions): boolean =>
  typeof directions === 'number' ? directions === NONE : directions.every((d) => d === NONE);

/** Strategies change a projection's axes in place. */
function copyOf({ operands, results }: Projection): Projection {
  const copy = (t: TensorProjection): TensorProjection => ({
    ...t,
    factors: t.factors.map((f) => (f === undefined ? f : { ...f })),
  });
  return { operands: operands.map(copy), results: results.map(copy) };
}

/** Edges and barriers only carry layouts: conservative propagation is about ops that compute. */
const moves = (node: Node): boolean => node.edge || node.barrier !== undefined;

/** Propagation changes axes alone. */
function sameDims(a: Layout | undefined, b: Layout): boolean {
  return b.dims.every((d, i) => sameAxes(a?.dims[i]?.axes ?? [], d.axes));
}
