/**
 * Ops from outside the standard registry as ops that XLA knows, by their `expand` facet: the last step before export.
 *
 *   %y = softsign %x   →   %a = abs %x; %b = add 1, %a; %y = divide %x, %b
 */
import { userError } from '../diagnostics.ts';
import type { AnyOpDef, Registry } from '../op.ts';
import { registry as standard } from '../ops/index.ts';
import { type Block, type Func, type Module, type Op, type ValueId, walkOps } from '../program.ts';
import { TypedBuilder } from '../typed-build.ts';

/** The same module where there is none. Throws for an op that neither XLA nor its own definition has a form of. */
export function expandOps(module: Module, registry: Registry): Module {
  if (registry === standard) return module;
  const functions = module.functions.map((func) => {
    const foreign = [...walkOps(func.body)].some((op) => foreignDef(op, registry) !== undefined);
    return foreign ? new Expander(func, registry).run() : func;
  });
  return { ...module, functions };
}

const foreignDef = ({ kind }: Op, registry: Registry): AnyOpDef | undefined => {
  const def = registry[kind];
  return def !== undefined && (standard[kind] === undefined || def.expand !== undefined) ? def : undefined;
};

class Expander {
  private readonly func: Func;
  private readonly registry: Registry;
  private readonly b: TypedBuilder;
  /** What stands for results of ops that were expanded. */
  private readonly now = new Map<ValueId, ValueId>();

  constructor(func: Func, registry: Registry) {
    this.func = func;
    this.registry = registry;
    this.b = new TypedBuilder(registry, func.values);
  }

  run(): Func {
    const { func, b } = this;
    for (const p of func.body.params) b.paramAt(p);
    this.ops(func.body);
    const { body: _, values: __, ...rest } = func;
    return b.finish(rest);
  }

  private ops(block: Block): void {
    for (const op of block.ops) {
      const operands = op.operands.map((id) => this.now.get(id) ?? id);
      const regions = op.regions.map((r) =>
        this.b.region(() => {
          for (const p of r.params) this.b.paramAt(p);
          this.ops(r);
        }),
      );
      const def = foreignDef(op, this.registry);
      if (def === undefined) this.b.push({ ...op, operands, regions });
      else this.expand(def, { ...op, operands, regions });
    }
  }

  private expand(def: AnyOpDef, op: Op): void {
    if (def.expand === undefined)
      throw userError('SH0615', `XLA has no op ${op.kind}, and its definition does not say what it is in ops of XLA`, {
        span: op.origin.span,
        help: 'give the definition an expand(b, op), which writes it with b.one(kind, operands, attrs)',
      });
    this.b.origin = op.origin;
    const made = def.expand(this.b, op);
    op.results.forEach((r, i) => {
      const id = made[i];
      if (id === undefined || this.b.typeOf(id) !== this.b.typeOf(r))
        throw userError('SH0615', `the expansion of ${op.kind} does not give result ${i} in the type of the op`);
      this.now.set(r, id);
    });
  }
}
