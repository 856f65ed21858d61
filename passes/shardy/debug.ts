/** Shardy's two debugging options of propagation, and of applying constraints before it, as one thing that is told of steps. */
import type { EditFunc, EditModule, EditOp, EditValue } from '../../ir/edit.ts';
import type { Mesh } from '../../ir/mesh.ts';
import type { Projection } from '../propagate/projection.ts';
import { EdgeLog } from './debug-edges.ts';
import { OriginLog } from './debug-origins.ts';
import { arrivals } from './debug-steps.ts';

export interface DebugStep {
  /** A function: its results met the values it returns. */
  readonly at: EditOp | EditFunc;
  readonly mesh: Mesh;
  readonly operands: readonly EditValue[];
  readonly results: readonly EditValue[];
  readonly before: Projection;
  readonly after: Projection;
}

export class DebugLogs {
  private readonly origins: OriginLog | undefined;
  private readonly edges: EdgeLog | undefined;

  constructor(module: EditModule, wanted: { readonly origins: boolean; readonly edges: boolean }) {
    this.origins = wanted.origins ? new OriginLog(module) : undefined;
    this.edges = wanted.edges ? new EdgeLog(module) : undefined;
  }

  step({ at, mesh, operands, results, before, after }: DebugStep): void {
    const arrived = arrivals(before, after);
    this.edges?.add(at, mesh, arrived);
    this.origins?.add(mesh, operands, results, arrived);
  }

  /** Writes what was seen on the module. */
  save(): void {
    this.origins?.save();
    this.edges?.save();
  }
}

/** The logs that options ask for; undefined where they ask for none. */
export function debugLogs(module: EditModule, options: ReadonlyMap<string, string>): DebugLogs | undefined {
  const isOn = (name: string): boolean => options.get(name) === 'true';
  const wanted = { origins: isOn('debug-sharding-origins'), edges: isOn('debug-propagation-edge-sharding') };
  return wanted.origins || wanted.edges ? new DebugLogs(module, wanted) : undefined;
}
