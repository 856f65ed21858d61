/** Every op of the registry, on every element type it has examples of (tests/laws/examples). */
import { ELEMENTWISE } from '../../../ir/ops/elementwise.ts';
import { registry } from '../../../ir/ops/index.ts';
import type { Elements, ValueId } from '../../../ir/program.ts';
import { DTYPES, type DTypeClass } from '../../../ir/types.ts';
import { type OpExample, opOf } from '../../../compiler/testing/laws/op-example.ts';
import { examples } from '../../laws/examples/index.ts';
import type { OpMaker } from './maker.ts';

const byKind = new Map<string, OpExample[]>(Object.keys(registry).map((kind) => [kind, []]));
for (const e of examples) byKind.get(e.kind)?.push(e);
const KINDS = [...byKind].filter(([, list]) => list.length > 0).map(([kind]) => kind);

/** A rounding error of what is at hand must not become a different answer: jumps and poles get numbers of their own. */
const SMOOTH: ReadonlySet<string> = new Set(
  'abs add and asinh atan cosine erf erfc exponential_minus_one logistic maximum minimum multiply negate not or sine subtract tanh xor'.split(
    ' ',
  ),
);

const classOf: Readonly<Record<DTypeClass, 'float' | 'int' | 'pred' | undefined>> = {
  float: 'float',
  signed: 'int',
  unsigned: 'int',
  pred: 'pred',
  complex: undefined,
  token: undefined,
};

/** Floats of a constant stand as f64, as those of an example do. */
const constantData = (data: OpExample['inputs'][number]['data']) => data as Elements['data'];

export const REGISTRY_OPS: Readonly<Record<string, OpMaker>> = {
  /** An example of an op, as it stands. */
  example(p) {
    const e = p.choices.of(byKind.get(p.choices.of(KINDS)) ?? []);
    const { attrs } = opOf(e);
    const types = e.func.body.params.map((v) => e.func.values[v]?.type);
    const operands = types.flatMap((type, i) => {
      if (type === undefined) return [];
      const numbers = e.options.inputs?.[i] === undefined ? undefined : e.inputs[i];
      if (numbers === undefined) return [SMOOTH.has(e.kind) ? p.like(type) : p.argument(type)];
      return [
        p.b.one('constant', [], { value: { data: constantData(numbers.data) }, dtype: type.dtype, shape: type.shape }),
      ];
    });
    const made = p.b.apply(e.kind, operands, attrs, e.options.regions?.(p.b) ?? []);
    for (const extra of made.slice(1)) p.bind(extra);
    return made[0];
  },

  /** An elementwise op on whatever element type is at hand. */
  elementwise(p) {
    const x = p.any();
    if (x === undefined) return undefined;
    const type = p.b.typeOf(x);
    const cls = classOf[DTYPES[type.dtype].class];
    const exact = cls !== 'float';
    const fitting = Object.entries(ELEMENTWISE).filter(
      ([kind, row]) => cls !== undefined && row[cls] !== undefined && (exact || SMOOTH.has(kind)),
    );
    if (fitting.length === 0) return undefined;
    const [kind, row] = p.choices.of(fitting);
    const operands: ValueId[] = row.arity === 1 ? [x] : [x, p.like(type)];
    return p.b.one(kind, operands);
  },
};
