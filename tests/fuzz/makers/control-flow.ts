/** Loops, branches, functions and barriers, one within another. */
import type { ValueId } from '../../../ir/program.ts';
import { tensor, type TensorType } from '../../../ir/types.ts';
import { type ProgramMaker, scalarOf } from '../program.ts';
import { LIBRARY_OPS } from './library-ops.ts';
import type { OpMaker } from './maker.ts';
import { MANUAL } from './manual.ts';
import { TENSOR_OPS } from './tensor-ops.ts';

/** How deep regions and functions stand in each other. */
const MAX_DEPTH = 2;
const COUNTER = tensor('i32', []);

export const CONTROL_FLOW: Readonly<Record<string, OpMaker>> = {
  /** `while i < n` over a counter and up to three values, n written down or given at run time. */
  loop(p) {
    const x = p.float();
    if (x === undefined || p.depth >= MAX_DEPTH) return undefined;
    const carried = [...new Set([x, ...[0, 0].flatMap(() => (p.choices.chance(30) ? [p.float() ?? x] : []))])];
    const types = carried.map((v) => p.b.typeOf(v));
    const trips = p.choices.chance(25) ? undefined : p.choices.below(4);
    const bound = trips === undefined ? p.argument(COUNTER) : p.b.splat(trips, COUNTER);
    const cond = p.b.region(() => {
      const [i] = [COUNTER, ...types].map((t) => p.b.param(t)) as [ValueId];
      const go = p.b.one('compare', [i, bound], { direction: 'LT', compare_type: 'SIGNED' });
      p.b.op('return', [go], [], {});
    });
    const body = p.b.region(() => {
      const [i, ...given] = [COUNTER, ...types].map((t) => p.b.param(t)) as [ValueId, ...ValueId[]];
      const next = p.scoped(() => {
        for (const v of given) p.bind(v);
        return types.map((t, at) =>
          p.choices.chance(15) ? (given[at] as ValueId) : stepsTo(p, given[at] as ValueId, t),
        );
      });
      p.b.op('return', [p.b.one('add', [i, p.b.splat(1, COUNTER)]), ...next], [], {});
    });
    const attrs = trips === undefined ? {} : { trip_count: trips };
    const made = p.b.op('while', [p.b.splat(0, COUNTER), ...carried], [COUNTER, ...types], {}, attrs, [cond, body]);
    for (const extra of made.slice(2)) p.bind(extra);
    return made[1];
  },

  /** Two or three branches, by an index that may lie beyond them. */
  branch(p) {
    const x = p.float();
    if (x === undefined || p.depth >= MAX_DEPTH) return undefined;
    const type = p.b.typeOf(x);
    const index = p.argument(scalarOf('i32'));
    const less = p.b.one('subtract', [index, p.b.splat(p.choices.of([3, 2, 1, 5]), COUNTER)]);
    const branches = Array.from({ length: p.choices.of([2, 2, 3, 1]) }, () =>
      p.b.region(() => {
        p.b.op('return', [p.scoped(() => stepsTo(p, x, type))], [], {});
      }),
    );
    return p.b.op('case', [less], [type], {}, {}, branches)[0];
  },

  /** A function, new or called before. */
  call(p) {
    const x = p.float();
    if (x === undefined || p.depth >= MAX_DEPTH || p.manual.length > 0) return undefined;
    const type = p.b.typeOf(x);
    const known = p.functions.filter((f) => p.typeOfParam(f, 0) === type);
    const func = p.choices.chance(60) && known.length > 0 ? p.choices.of(known) : newFunction(p, type);
    // What a body asked for beside its operand may be for an op that jumps, or that NaN has no place in.
    const others = func.body.params.slice(1).map((_, i) => p.argument(p.typeOfParam(func, i + 1)));
    const made = p.b.op('call', [x, ...others], func.resultTypes, {}, { callee: func.name });
    for (const extra of made.slice(1)) p.bind(extra);
    return made[0];
  },

  barrier(p) {
    const x = p.any();
    const y = p.any();
    if (x === undefined || y === undefined) return undefined;
    const [made, other] = p.b.op('optimization_barrier', [x, y], [p.b.typeOf(x), p.b.typeOf(y)], {});
    p.bind(other as ValueId);
    return made;
  },

  propagation_barrier(p) {
    const x = p.any();
    if (x === undefined) return undefined;
    const direction = p.choices.of(['NONE', 'FORWARD', 'BACKWARD']);
    return p.b.op('propagation_barrier', [x], [p.b.typeOf(x)], {}, { direction })[0];
  },

  /** Two values that are laid out alike. */
  group(p) {
    const x = p.any((t) => t.shape.length > 0);
    if (x === undefined || p.depth > 0) return undefined;
    const other = p.like(p.b.typeOf(x));
    const group = p.nextGroup();
    for (const v of new Set([x, other])) p.b.op('sharding_group', [v], [], {}, { group });
    return p.b.one('negate', [other]);
  },
};

function newFunction(p: ProgramMaker, type: TensorType) {
  return p.makeFunction(type, (x) => {
    const made = stepsTo(p, x, type);
    const more = p.choices.chance(20) ? p.any() : undefined;
    return more === undefined ? [made] : [made, more];
  });
}

const INNER: Readonly<Record<string, OpMaker>> = { ...TENSOR_OPS, ...LIBRARY_OPS, ...CONTROL_FLOW, ...MANUAL };
/** Makers that keep the type, for bodies of loops and branches. */
const SAME_TYPE = [
  'unary',
  'reverse',
  'roll',
  'softmax',
  'mean_and_center',
  'cumulative',
  'sort',
  'binary',
  'loop',
  'branch',
  'call',
  'barrier',
  'manual',
];

/** A few ops that lead from a value back to its type, some laid out by hand. */
export function stepsTo(p: ProgramMaker, from: ValueId, type: TensorType): ValueId {
  let value = from;
  for (let left = p.choices.below(3); left > 0; left--) {
    p.bind(value);
    const made = INNER[p.choices.of(SAME_TYPE)]?.(p);
    if (made === undefined) continue;
    const placed = p.choices.chance(15) ? p.constrained(made) : made;
    if (p.b.typeOf(placed) === type) value = placed;
  }
  return p.b.one('add', [value, p.like(type)]);
}
