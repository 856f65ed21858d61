/**
 * Which values ever reach HBM. Compilers fuse ops into kernels: a value between two ops of one kernel stays on chip. What
 * fuses depends on the machine: `chain-fusion.ts`, `row-fusion.ts`.
 */
import { type Block, type Func, type Op, typeOf, type ValueId } from '../../ir/program.ts';
import { byteSize } from '../../ir/types.ts';
import { chainFusion } from './chain-fusion.ts';
import { rowFusion } from './row-fusion.ts';
import { isAlias } from './memory-roles.ts';
import { usesOf } from '../../ir/uses.ts';

export const FUSIONS = ['chains', 'rows', 'attention'] as const;
export type FusionKind = (typeof FUSIONS)[number];

export interface Fusion {
  readonly written: ReadonlySet<ValueId>;
  /** What the op, of all ops in its kernel, reads from memory. */
  reads(op: Op): readonly ValueId[];
  /** Does the op run in one kernel with its neighbours? */
  fuses(op: Op): boolean;
  /** Is a slice or another order of dims read where the array lies? */
  readonly viewsAreFree: boolean;
}

export class Traffic {
  private readonly func: Func;
  private readonly fusion: Fusion;

  constructor(func: Func, blocks: Iterable<Block>, kind: FusionKind = 'chains') {
    this.func = func;
    const uses = usesOf(blocks);
    this.fusion = kind === 'chains' ? chainFusion(uses, func) : rowFusion(uses, func, kind === 'attention');
  }

  isMaterialised(value: ValueId): boolean {
    return this.fusion.written.has(value);
  }

  /** Does the op run in one loop with its neighbours? */
  fuses(op: Op): boolean {
    return this.fusion.fuses(op);
  }

  /** HBM bytes of one op: what is read from memory, materialised results written. */
  bytesOf(op: Op): number {
    switch (op.kind) {
      case 'gather':
      case 'dynamic_slice':
        return 2 * this.sizes(op.results);
      case 'dynamic_update_slice':
        return 2 * this.sizes(op.operands.slice(1, 2));
      case 'scatter':
        return 3 * this.sizes(op.operands.slice(-op.results.length));
      case 'slice':
        return this.fusion.viewsAreFree ? this.moved(op) : 2 * this.sizes(op.results);
      default:
        if (!isAlias(op, this.func)) return this.moved(op);
        return this.fusion.viewsAreFree ? this.viewBytes(op) : this.aliasBytes(op);
    }
  }

  private moved(op: Op): number {
    return this.sizes(this.fusion.reads(op)) + this.sizes(op.results.filter((v) => this.isMaterialised(v)));
  }

  private viewBytes(op: Op): number {
    return op.operands.every((v) => this.isMaterialised(v)) ? 0 : this.moved(op);
  }

  /** An alias moves nothing, unless it ends a fused chain (written) or begins one (read). */
  private aliasBytes(op: Op): number {
    return op.operands.reduce((n, operand, i) => {
      const made = this.isMaterialised(op.results[i] as ValueId);
      return this.isMaterialised(operand) === made ? n : n + this.sizes([operand]);
    }, 0);
  }

  private sizes(values: readonly ValueId[]): number {
    return values.reduce((n, v) => n + byteSize(typeOf(this.func, v)), 0);
  }
}
