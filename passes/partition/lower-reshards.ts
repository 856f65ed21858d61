/**
 * Does what insert-reshards decided: every `reshard` becomes the collectives of its plan, on global shapes.
 *
 *   %3 = reshard %2 @{x, _}       // %2 @{x, _; unreduced=y}
 *   →  %3 = all_reduce %2 axes=[y]
 */
import { FuncBuilder } from '../../ir/build.ts';
import { internalError } from '../../ir/diagnostics.ts';
import type { Layout } from '../../ir/layout.ts';
import {
  type Block,
  type Func,
  mainFunction,
  type Module,
  type Op,
  type Origin,
  type ValueId,
  valueInfo,
} from '../../ir/program.ts';
import type { Attrs } from '../../ir/program.ts';
import { splatElements } from '../../ir/elements.ts';
import { elementCount, type TensorType } from '../../ir/types.ts';
import { LayoutTable } from './layout-table.ts';
import { type Prices, wirePrices } from './prices.ts';
import type { Step } from './reshard-plan.ts';

export function lowerReshards(module: Module, prices: Prices = wirePrices): Module {
  const func = mainFunction(module);
  return {
    ...module,
    level: 'collective',
    functions: [new Lowering(func, new LayoutTable(module, prices)).run()],
  };
}

class Lowering {
  private readonly func: Func;
  private readonly table: LayoutTable;
  private readonly builder: FuncBuilder;
  private readonly renamed = new Map<ValueId, ValueId>();

  constructor(func: Func, table: LayoutTable) {
    this.func = func;
    this.table = table;
    this.builder = new FuncBuilder(func.values);
  }

  run(): Func {
    const body = this.builder.region(() => this.block(this.func.body));
    return { ...this.func, body, values: this.builder.values };
  }

  private block(block: Block): void {
    for (const p of block.params) this.builder.paramAt(p);
    for (const op of block.ops) {
      const operands = op.operands.map((v) => this.renamed.get(v) ?? v);
      if (op.kind === 'reshard') this.lower(op, operands[0] as ValueId);
      else
        this.builder.push({
          ...op,
          operands,
          regions: op.regions.map((r) => this.builder.region(() => this.block(r))),
        });
    }
  }

  private lower(op: Op, operand: ValueId): void {
    const { type, padding } = valueInfo(this.func, op.results[0] as ValueId);
    const from = this.intern(this.builder.layoutOf(operand));
    const to = this.intern(op.attrs.layout as Layout);
    if (elementCount(type) === 0) {
      this.renamed.set(op.results[0] as ValueId, this.empty(type, to, op.origin));
      return;
    }
    const plan = this.table.plan({ type }, from, to);
    if (!Number.isFinite(plan.bytes)) throw internalError('lower-reshards: a reshard has no plan');
    let value = operand;
    for (const step of plan.steps) {
      const origin: Origin = {
        pass: 'lower-reshards',
        from: [op.origin],
        ...(op.origin.reason === undefined ? {} : { reason: op.origin.reason }),
      };
      const [made] = this.builder.op(step.kind, [value], [type], origin, stepAttrs(step));
      this.builder.setLayout(made as ValueId, step.to);
      this.builder.setPadding(made as ValueId, padding);
      value = made as ValueId;
    }
    this.renamed.set(op.results[0] as ValueId, value);
  }

  /** No elements: nothing moves, and no collective may be asked to (StableHLO gathers no dim of size 0). */
  private empty(type: TensorType, layout: Layout, from: Origin): ValueId {
    const { dtype, shape } = type;
    const value = { data: splatElements(dtype, 0) };
    const origin: Origin = { pass: 'lower-reshards', from: [from], reason: 'no elements, nothing to move' };
    const [made] = this.builder.op('constant', [], [type], origin, { value, dtype, shape }) as [ValueId];
    this.builder.setLayout(made, layout);
    return made;
  }

  private intern(layout: Layout | undefined): Layout {
    if (layout === undefined) throw internalError('lower-reshards: a value has no layout');
    return this.table.of(
      layout.dims.map((d) => d.axes),
      layout.unreduced,
      layout.monoid,
      layout.mesh,
    );
  }
}

/** Attributes of the op that a step of a plan becomes. */
export function stepAttrs(step: Step): Attrs {
  const { mesh } = step.to;
  switch (step.kind) {
    case 'all_gather':
    case 'all_slice':
      return { mesh, axes: step.axes };
    case 'reduce_scatter':
      return { mesh, axes: step.axes, monoid: step.monoid };
    case 'all_reduce':
      return { mesh, axes: step.axes, monoid: step.monoid };
    case 'all_to_all':
      return { mesh, moves: step.moves };
    case 'collective_permute':
      return { mesh, from: step.from, to: step.to };
  }
}
