/**
 * Per op, which axis went from which operand or result to which, step by step: `debug-propagation-edge-sharding`.
 *
 *   %0 = add %a, %b {sdy.propagation_edges = #sdy.propagation_edges<[{step-1 = [{"x" = operand-0 -> [result-0]}]}]>}
 */
import { axisKey } from '../../ir/axes.ts';
import { EditFunc, type EditModule, type EditOp } from '../../ir/edit.ts';
import type { AxisRef, Mesh } from '../../ir/mesh.ts';
import { axisRefText } from '../../ir/stablehlo/sharding-text.ts';
import type { Arrival, Place } from './debug-steps.ts';

const KEY = 'sdy.propagation_edges';

interface Edge extends Arrival {
  readonly step: number;
}

export class EdgeLog {
  private readonly edges = new Map<EditOp | EditFunc, { mesh: Mesh; list: Edge[] }>();
  private step: number;

  /** Steps are counted on from those that are written in the module. */
  constructor(module: EditModule) {
    this.step = -1;
    for (const op of module.ops()) {
      const known = (op.attrs.debug as Readonly<Record<string, string>> | undefined)?.[KEY] ?? '';
      for (const [, n] of known.matchAll(/step-(\d+)/g)) this.step = Math.max(this.step, Number(n));
    }
    this.step++;
  }

  /** At a function: what its results and the values it returns told each other. */
  add(at: EditOp | EditFunc, mesh: Mesh, arrived: readonly Arrival[]): void {
    const step = this.step++;
    const known = this.edges.get(at) ?? { mesh, list: [] };
    this.edges.set(at, known);
    known.list.push(...arrived.map((a) => ({ ...a, step })));
  }

  /** A function's are all told with its first result, as Shardy has them. */
  save(): void {
    for (const [at, { mesh, list }] of this.edges) {
      if (list.length === 0) continue;
      const text = edgesText(mesh, list);
      if (at instanceof EditFunc) at.debug.results[0] = { ...at.debug.results[0], [KEY]: text };
      else at.attrs = { ...at.attrs, debug: { ...(at.attrs.debug as object), [KEY]: text } };
    }
  }
}

const placeText = ({ side, index }: Place): string => `${side}-${index}`;

interface Line {
  readonly axis: AxisRef;
  readonly source: string;
  readonly targets: Place[];
}

function edgesText(mesh: Mesh, edges: readonly Edge[]): string {
  const steps = new Map<number, Map<string, Line>>();
  for (const e of firstOfEach(edges)) {
    const lines = steps.get(e.step) ?? new Map<string, Line>();
    steps.set(e.step, lines);
    const key = `${axisKey(e.axis)} ${placeText(e.source)}`;
    const line = lines.get(key) ?? { axis: e.axis, source: placeText(e.source), targets: [] };
    lines.set(key, line);
    line.targets.push(e.target);
  }
  const order = [...steps].sort(([a], [b]) => a - b);
  return `#sdy.propagation_edges<[${order.map(([step, lines]) => `{step-${step} = [${linesText(mesh, [...lines.values()])}]}`).join(', ')}]>`;
}

/** An axis may take the same way twice; the first time counts. */
function firstOfEach(edges: readonly Edge[]): Edge[] {
  const first = new Map<string, Edge>();
  for (const e of edges) {
    const key = `${axisKey(e.axis)} ${placeText(e.source)} ${placeText(e.target)}`;
    if (!first.has(key)) first.set(key, e);
  }
  return [...first.values()];
}

function linesText(mesh: Mesh, lines: readonly Line[]): string {
  const byName = [...lines].sort((a, b) => (a.axis.name < b.axis.name ? -1 : a.axis.name > b.axis.name ? 1 : 0));
  const rank = (p: Place): number => (p.side === 'operand' ? 0 : 1);
  return byName
    .map(({ axis, source, targets }) => {
      const sorted = [...targets].sort((a, b) => rank(a) - rank(b) || a.index - b.index);
      return `{${axisRefText(mesh, axis)} = ${source} -> [${sorted.map(placeText).join(', ')}]}`;
    })
    .join(', ');
}
