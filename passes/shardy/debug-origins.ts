/**
 * Per value, which annotation each of its axes came from: `debug-sharding-origins`. An annotation is an argument or a
 * result of a function, a constraint, or an operand or result of a manual computation.
 *
 *   %0 = add %a, %b {sdy.sharding_origins = [{x = "input: 0", y = "constraint_0"}]}
 */
import { axisKey } from '../../ir/axes.ts';
import { type EditBlock, EditFunc, type EditModule, type EditOp, type EditValue } from '../../ir/edit.ts';
import type { Layout } from '../../ir/layout.ts';
import { type AxisRef, axisText, type Mesh, overlaps } from '../../ir/mesh.ts';
import { edgeSources, edgeToTarget, layoutOf, parameterOwners, shardable } from './data-flow.ts';
import type { Arrival } from './debug-steps.ts';

const KEY = 'sdy.sharding_origins';
const NAME = 'sdy.sharding_origin_name';

interface Origin {
  readonly axis: AxisRef;
  readonly from: string;
}

export class OriginLog {
  private readonly module: EditModule;
  private readonly origins = new Map<EditValue, { mesh: Mesh; axes: Map<string, Origin> }>();

  constructor(module: EditModule) {
    this.module = module;
    let constraints = 0;
    for (const op of module.ops('post'))
      if (op.kind === 'sharding_constraint') this.constraint(op, `constraint_${constraints++}`);
    let computations = 0;
    for (const op of module.ops('post'))
      if (op.kind === 'manual_computation') this.computation(op, `mc_${computations++}`);
    for (const func of module.functions) this.boundary(func);
  }

  private constraint(op: EditOp, name: string): void {
    this.annotate(op.result, op.attrs.layout as Layout, name);
    nameOrigin(op, name);
    const input = op.operands[0] as EditValue;
    this.annotate(input, layoutOf(input), name);
  }

  private computation(op: EditOp, name: string): void {
    const layouts = (side: string): readonly Layout[] => (op.attrs[side] ?? []) as readonly Layout[];
    layouts('in_layouts').forEach((layout, i) => {
      const owner = parameterOwners(op)[i] as EditValue;
      this.annotate(owner, layout, `${name}_input: ${i}`);
      for (const source of edgeSources(owner)) {
        const value = source.op.operands[source.index] as EditValue;
        this.annotate(value, layoutOf(value), `${name}_input: ${i}`);
      }
    });
    layouts('out_layouts').forEach((layout, i) =>
      this.annotate(op.results[i] as EditValue, layout, `${name}_output: ${i}`),
    );
    nameOrigin(op, name);
  }

  private boundary(func: EditFunc): void {
    func.body.params.forEach((p, i) => this.annotate(p, layoutOf(p), `input: ${i}`));
    func.body.terminator.operands.forEach((v, i) => this.annotate(v, func.resultLayouts[i], `output: ${i}`));
  }

  /** The first annotation of an axis counts. */
  private annotate(value: EditValue, layout: Layout | undefined, from: string): void {
    for (const axis of layout?.dims.flatMap((d) => d.axes) ?? []) this.note(value, layout?.mesh as string, axis, from);
  }

  private note(value: EditValue, mesh: string, axis: AxisRef, from: string): void {
    const holder = shardable(value);
    if (holder === undefined) return;
    const known = this.origins.get(holder) ?? { mesh: this.module.mesh(mesh), axes: new Map<string, Origin>() };
    this.origins.set(holder, known);
    if (!known.axes.has(axisKey(axis))) known.axes.set(axisKey(axis), { axis, from });
  }

  /** What arrived at the operands and results of one op. */
  add(mesh: Mesh, operands: readonly EditValue[], results: readonly EditValue[], arrived: readonly Arrival[]): void {
    const at = ({ side, index }: Arrival['source']): EditValue =>
      (side === 'operand' ? operands : results)[index] as EditValue;
    for (const { axis, source, target } of arrived) {
      const from = this.lookUp(at(source), axis);
      if (from !== undefined) this.note(at(target), mesh.name, axis, from);
    }
  }

  /** A reshape may have split or joined the axis: then what overlaps it tells. */
  private lookUp(value: EditValue, axis: AxisRef): string | undefined {
    const axes = this.origins.get(shardable(value) ?? value)?.axes;
    const exact = axes?.get(axisKey(axis));
    return (exact ?? [...(axes?.values() ?? [])].find((o) => overlaps(o.axis, axis)))?.from;
  }

  save(): void {
    for (const [value, { mesh, axes }] of this.origins) {
      const returned = returnedAt(value);
      if (returned !== undefined)
        returned.func.debug.results[returned.index] = {
          ...returned.func.debug.results[returned.index],
          [KEY]: dictText(mesh, axes, `output: ${returned.index}`),
        };
      const op = value.maker;
      if (op === undefined) {
        const { owner } = value.owner as EditBlock;
        if (owner instanceof EditFunc)
          owner.debug.params[value.index] = {
            ...owner.debug.params[value.index],
            [KEY]: dictText(mesh, axes, `input: ${value.index}`),
          };
      } else setDebug(op, KEY, opText(op, value, mesh, axes));
    }
  }
}

/** An op with a layout of its own has one list; another one per result. */
function opText(op: EditOp, value: EditValue, mesh: Mesh, axes: ReadonlyMap<string, Origin>): string {
  if (op.kind === 'sharding_constraint') return dictText(mesh, axes, debugOf(op)[NAME]?.replaceAll('"', ''));
  if (op.kind === 'data_flow_edge') return dictText(mesh, axes, selfOfEdge(op));
  const lists = listsOf(debugOf(op)[KEY], op.results.length);
  lists[value.index] = dictText(mesh, axes, undefined);
  return `[${lists.join(', ')}]`;
}

/** Dicts hold no dicts, and no strings with braces. */
const listsOf = (text: string | undefined, count: number): string[] =>
  text === undefined ? Array.from({ length: count }, () => '{}') : (text.match(/\{[^}]*\}/g) ?? []);

function selfOfEdge(edge: EditOp): string | undefined {
  const owner = edge.operands[0] as EditValue;
  const op = owner.maker ?? (owner.owner as EditBlock).owner;
  if (op instanceof EditFunc || op.kind !== 'manual_computation') return undefined;
  const name = debugOf(op)[NAME]?.replaceAll('"', '') ?? '';
  return `${name}_${owner.maker === undefined ? 'input' : 'output'}: ${owner.index}`;
}

function dictText(mesh: Mesh, axes: ReadonlyMap<string, Origin>, self: string | undefined): string {
  const entries = [...axes.values()].map(
    ({ axis, from }) => [axisText(mesh, axis), from === self ? 'self' : from] as const,
  );
  const key = (name: string): string => (/^[A-Za-z_][\w$.]*$/.test(name) ? name : `"${name}"`);
  return `{${entries
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([name, from]) => `${key(name)} = "${from}"`)
    .join(', ')}}`;
}

const nameOrigin = (op: EditOp, name: string): void => setDebug(op, NAME, `"${name}"`);

const debugOf = (op: EditOp): Readonly<Record<string, string>> =>
  (op.attrs.debug as Readonly<Record<string, string>> | undefined) ?? {};

function setDebug(op: EditOp, key: string, text: string): void {
  op.attrs = { ...op.attrs, debug: { ...debugOf(op), [key]: text } };
}

/** Where the function returns the value, if it does. */
function returnedAt(value: EditValue): { func: EditFunc; index: number } | undefined {
  const use = value.uses().find(({ op }) => op.kind === 'return' && op.parent === undefined);
  return use === undefined ? undefined : { func: use.op.func, index: use.index };
}

/** Before its edges go, what they say is written on the op that owns them. */
export function sinkDebug(op: EditOp, sides: { readonly origins: boolean; readonly edges: boolean }): void {
  const collect = (prefix: string, owners: readonly EditValue[]): void => {
    for (const [on, name] of [
      [sides.origins, 'sharding_origins'],
      [sides.edges, 'propagation_edges'],
    ] as const) {
      const edges = owners.flatMap((o) => edgeToTarget(o) ?? []);
      const texts = edges.flatMap((edge) => debugOf(edge)[`sdy.${name}`] ?? []);
      if (on) setDebug(op, `sdy.${prefix}_${name}`, `[${texts.join(', ')}]`);
    }
  };
  collect('block_arg', parameterOwners(op));
  collect('result', op.results);
}
