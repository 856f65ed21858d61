/** Which values depend smoothly on the ones that a gradient is asked for. */
import type { FuncBuilder } from '../../../ir/build.ts';
import { type Block, type Op, readsOf, type ValueId } from '../../../ir/program.ts';
import { isInexact } from '../../../ir/types.ts';
import { returned } from '../live-values.ts';
import type { ScanAttrs } from '../primitives.ts';

export type IsActive = (id: ValueId) => boolean;

/** Per result of the op. */
export function activeResults(b: FuncBuilder, op: Op, isActive: IsActive): boolean[] {
  const floats = op.results.map((r) => isInexact(b.typeOf(r).dtype));
  const flags = dependence(b, op, isActive);
  return floats.map((float, i) => float && flags[i] === true);
}

function dependence(b: FuncBuilder, op: Op, isActive: IsActive): readonly boolean[] {
  switch (op.kind) {
    case 'stop_gradient':
      return [];
    case 'scan':
      return scanActivity(b, op, isActive).results;
    case 'case':
      return op.regions
        .map((branch) => activeReturns(b, branch, () => false, isActive))
        .reduce((all, some) => all.map((flag, i) => flag || some[i] === true));
    case 'checkpoint':
    case 'custom_vjp':
    case 'manual_computation': {
      const [region] = op.regions as [Block];
      const flags = op.operands.map(isActive);
      return activeReturns(b, region, (p) => flags[region.params.indexOf(p)] === true, isActive);
    }
    default: {
      const some = readsOf(op).some(isActive);
      return op.results.map(() => some);
    }
  }
}

/** A carry that becomes active in the body is active from the next turn on: repeated until nothing changes. */
export function scanActivity(b: FuncBuilder, op: Op, isActive: IsActive): { results: boolean[]; params: boolean[] } {
  const { carries } = op.attrs as ScanAttrs;
  const [region] = op.regions as [Block];
  const params = [false, ...op.operands.map((id) => isActive(id) && isInexact(b.typeOf(id).dtype))];
  for (;;) {
    const results = activeReturns(b, region, (p) => params[region.params.indexOf(p)] === true, isActive);
    const late = results.findIndex((flag, k) => k < carries && flag && params[k + 1] !== true);
    if (late < 0) return { results: results.map((flag, k) => flag || (k < carries && params[k + 1] === true)), params };
    params[late + 1] = true;
  }
}

function activeReturns(b: FuncBuilder, block: Block, isActiveParam: IsActive, outer: IsActive): boolean[] {
  const active = new Set<ValueId>(block.params.filter(isActiveParam));
  const own = new Set<ValueId>(block.params);
  const isActive = (id: ValueId): boolean => active.has(id) || (!own.has(id) && outer(id));
  for (const op of block.ops) {
    const flags = op.results.length === 0 ? [] : activeResults(b, op, isActive);
    op.results.forEach((r, i) => {
      own.add(r);
      if (flags[i] === true) active.add(r);
    });
  }
  return returned(block).map(isActive);
}
