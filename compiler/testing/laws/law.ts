/**
 * What a law is and says. A law ties two facets of one op definition together by numbers: the kernel is the
 * meaning, and every other facet is a claim about it. Nothing here knows of a test framework.
 */
import type { AnyOpDef, Registry } from '../../../ir/op.ts';
import type { OpExample } from './op-example.ts';

/**
 * infer: stated types = inferred types. kernel: arrays of the inferred type, rounded, inputs untouched.
 * rule: the factor rule is well formed. partition: a shard computes its part. combiner: partial results
 * combine to the whole. linearity: f(a + b) = f(a) + f(b). local-attrs: per-device attributes infer the
 * per-device types. padding: longer factors change nothing that is seen. work: flops are counted and divide with the
 * shards. round-trip: printed StableHLO reads back as the same op. expansion: an op from outside is what it says it is
 * in ops of XLA.
 */
export const LAWS = [
  'infer',
  'kernel',
  'rule',
  'partition',
  'combiner',
  'linearity',
  'local-attrs',
  'padding',
  'work',
  'round-trip',
  'expansion',
] as const;
export type LawName = (typeof LAWS)[number];

/** One law that does not hold on one example. */
export interface Finding {
  readonly law: LawName;
  readonly op: string;
  /** Names op, example, law and, where one is at fault, the factor. */
  readonly message: string;
  /** Not wrong, but refused: the compiler said "not supported yet". */
  readonly unsupported?: true;
}

/** What a law reads. `registry` holds `def` under its kind. */
export interface LawContext {
  readonly def: AnyOpDef;
  readonly registry: Registry;
  readonly example: OpExample;
}

/** Collects what one example finds, and counts the instances that were looked at. */
export class Findings {
  readonly list: Finding[] = [];
  readonly checked = new Map<LawName, number>();
  private readonly op: string;
  private readonly example: string;

  constructor(op: string, example: string) {
    this.op = op;
    this.example = example;
  }

  /** One instance of a law: `holds` gives what is wrong, or undefined; what it throws is wrong too. */
  check(law: LawName, holds: () => string | undefined, where = ''): void {
    this.checked.set(law, (this.checked.get(law) ?? 0) + 1);
    let wrong: string | undefined;
    try {
      wrong = holds();
    } catch (error) {
      wrong = `threw ${error instanceof Error ? error.message : String(error)}`;
    }
    if (wrong !== undefined) this.list.push({ law, op: this.op, message: this.text(law, where, wrong) });
  }

  /** The compiler refuses this instance in words; the caller holds it against its list of known gaps. */
  refused(law: LawName, where: string, why: string): void {
    this.list.push({ law, op: this.op, message: this.text(law, where, why), unsupported: true });
  }

  private text(law: LawName, where: string, wrong: string): string {
    return `${this.op} [${this.example}] breaks law "${law}"${where === '' ? '' : ` at ${where}`}: ${wrong}`;
  }
}
