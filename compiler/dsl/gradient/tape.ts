/**
 * Reverse mode on blocks: `record` writes a traced block again where we stand and notes how to go back; `pull` writes
 * the way back. Ops bring their own gradients (the `gradient` facet); forms with regions have a file each.
 */
import { type GradientOp, NoGradient } from '../../../ir/gradient.ts';
import { collectives } from '../../../ir/ops/collectives.ts';
import { type Layout, openDim } from '../../../ir/layout.ts';
import type { Block, Op, Origin, ValueId } from '../../../ir/program.ts';
import type { TypedBuilder } from '../../../ir/typed-build.ts';
import { isInexact } from '../../../ir/types.ts';
import { type Environment, copyOp } from '../blocks.ts';
import { diagnosticAt } from '../errors.ts';
import { returned } from '../live-values.ts';
import { activeResults, type IsActive } from './activity.ts';
import { recordBranches } from './branches.ts';
import { recordCheckpoint } from './checkpoint.ts';
import { Cotangents } from './cotangents.ts';
import { recordCustom } from './custom.ts';
import { recordManual } from './manual.ts';
import { recordScan } from './scan.ts';
import { type Axes, NONE, type Variation, without } from './variation.ts';

/**
 * Adds the cotangents of what an op read, given those of its results. `owed`: manual axes that a sum is owed over, by
 * default those that the op reads along and the value does not vary over.
 */
export type Back = (
  cotangents: readonly (ValueId | undefined)[],
  add: (of: ValueId, cotangent: ValueId, owed?: Axes) => void,
) => void;

interface Entry {
  readonly op: Op;
  readonly back: Back;
}

interface TapeOptions {
  /** Which values around the block are active. */
  readonly outerActive?: IsActive;
  /** Of the values of a shardMap body. */
  readonly variation?: Variation | undefined;
}

export interface RecordOptions {
  /** Values that need not be computed: what stands for each already. */
  readonly saved?: ReadonlyMap<ValueId, ValueId>;
}

export class Tape {
  readonly b: TypedBuilder;
  readonly env: Environment;
  private readonly active: Set<ValueId>;
  readonly variation: Variation | undefined;
  private readonly outerActive: IsActive;
  private readonly entries: Entry[] = [];

  /** `active` values of the block, by their names in it. */
  constructor(b: TypedBuilder, env: Environment, active: Iterable<ValueId>, options: TapeOptions = {}) {
    this.b = b;
    this.env = env;
    this.active = new Set(active);
    this.outerActive = options.outerActive ?? (() => false);
    this.variation = options.variation;
  }

  /** For a block within this one. */
  inner(env: Environment, active: Iterable<ValueId>): Tape {
    return new Tape(this.b, env, active, { outerActive: this.isActive, variation: this.variation });
  }

  /** Axes that `of` is the same along where `reader` is not. */
  owed(reader: ValueId, of: ValueId): Axes {
    return this.variation === undefined ? NONE : without(this.variation.of(reader), this.variation.of(of));
  }

  isActive = (id: ValueId): boolean => this.active.has(id) || this.outerActive(id);

  /** Writes the block's ops; what it returns, as values of now. */
  record(block: Block, options: RecordOptions = {}): ValueId[] {
    for (const op of block.ops) {
      if (op.kind !== 'return') this.op(op, options);
    }
    return this.env.read(returned(block));
  }

  private op(op: Op, { saved }: RecordOptions): void {
    const flags = activeResults(this.b, op, this.isActive);
    op.results.forEach((r, i) => {
      if (flags[i] === true) this.active.add(r);
    });
    this.b.origin = op.origin;
    const kept = op.results.flatMap((r) => saved?.get(r) ?? []);
    const have = kept.length > 0 && kept.length === op.results.length;
    const write = (): void => (have ? this.env.setAll(op.results, kept) : copyOp(this.b, op, this.env));
    if (!flags.includes(true)) {
      write();
      return;
    }
    switch (op.kind) {
      case 'scan':
        return this.note(op, recordScan(this, op));
      case 'case':
        return this.note(op, recordBranches(this, op));
      case 'checkpoint':
        return this.note(op, recordCheckpoint(this, op));
      case 'custom_vjp':
        return this.note(op, recordCustom(this, op, have ? kept : undefined));
      case 'manual_computation':
        return this.note(op, recordManual(this, op));
      default:
        write();
        this.note(op, this.facet(op));
    }
  }

  private note(op: Op, back: Back): void {
    this.entries.push({ op, back });
  }

  /** The op's own gradient, on the values that stand for its operands and results now. */
  private facet(op: Op): Back {
    const operands = this.env.read(op.operands);
    const results = this.env.read(op.results);
    const wanted = op.operands.map((id) => this.isActive(id) && isInexact(this.b.typeOf(id).dtype));
    return (cotangents, add) => {
      const made = gradientOf(this.b, { ...op, operands, results, wanted }, cotangents);
      made.forEach((g, i) => {
        const operand = op.operands[i];
        if (g !== undefined && operand !== undefined) add(operand, g);
      });
    };
  }

  /** Writes the way back from cotangents of values of the block to those of all active values that it read. */
  pull(start: Iterable<readonly [of: ValueId, g: ValueId | undefined, owed?: Axes]>): Cotangents {
    const found = new Cotangents(this.b, this.variation);
    const add = (of: ValueId, g: ValueId, owed?: Axes): void => {
      if (this.isActive(of) && isInexact(this.b.typeOf(of).dtype)) found.add(of, g, owed);
    };
    for (const [of, g, owed] of start) if (g !== undefined) add(of, g, owed);
    for (let i = this.entries.length - 1; i >= 0; i--) {
      const { op, back } = this.entries[i] as Entry;
      this.b.origin = backward(op);
      const cotangents = op.results.map((r) => found.get(r));
      if (cotangents.every((g) => g === undefined)) continue;
      const reach = this.variation?.reach(op) ?? NONE;
      back(cotangents, (of, g, owed = without(reach, this.variation?.of(of) ?? NONE)) => add(of, g, owed));
    }
    return found;
  }
}

/** The same place, and why the ops are there. */
const backward = (op: Op): Origin => ({ ...op.origin, reason: `gradient of ${op.kind}` });

function gradientOf(
  b: TypedBuilder,
  op: Op & GradientOp,
  cotangents: readonly (ValueId | undefined)[],
): readonly (ValueId | undefined)[] {
  switch (op.kind) {
    case 'name':
    case 'optimization_barrier':
      return cotangents;
    case 'sharding_constraint': {
      const attrs = { layout: opened(op.attrs.layout as Layout) };
      return cotangents.map((g) => (g === undefined ? g : b.op(op.kind, [g], [b.typeOf(g)], b.origin, attrs)[0]));
    }
    case 'while':
      throw noGradient(
        op,
        'the number of turns is not known, so its values cannot be kept for the way back',
        'use fori with fixed bounds, or scan',
      );
  }
  const gradient = (b.registry[op.kind] ?? collectives[op.kind])?.gradient;
  if (gradient === undefined)
    throw noGradient(op, `${op.kind} has no gradient`, 'stopGradient(x), or customVjp with a gradient of your own');
  try {
    return gradient(b, op, cotangents);
  } catch (error) {
    if (error instanceof NoGradient)
      throw noGradient(op, error.message, 'stopGradient(x), or customVjp with a gradient of your own');
    throw error;
  }
}

/**
 * A cotangent lies as its primal does, and may be split further: the gradient of a gathered weight is then scattered
 * as it is summed.
 */
const opened = (layout: Layout): Layout => ({
  ...layout,
  dims: layout.dims.map((d) => openDim(d.axes, d.priority)),
  unreduced: [],
});

const noGradient = (op: Op, message: string, help: string): Error =>
  diagnosticAt(op.origin.user, 'SH0608', `no gradient through ${op.kind}: ${message}`, { help });

/** The cotangent, or zeros of this type. */
export const orZeros = (b: TypedBuilder, g: ValueId | undefined, like: ValueId): ValueId =>
  g ?? b.splat(0, b.typeOf(like));
