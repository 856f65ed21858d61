/** The numbers of a value that constants alone make up: sizes, as shape arithmetic in a program computes them. */
import type { TensorArray } from '../array.ts';
import { internalError } from '../diagnostics.ts';
import type { KernelContext } from '../op.ts';
import { hostTransfers } from '../ops/host-transfers.ts';
import type { Op, ValueId } from '../program.ts';
import type { TypedBuilder } from '../typed-build.ts';
import { elementCount } from '../types.ts';

/** Sizes are few numbers; a table that is computed stays the program's. */
const MOST_ELEMENTS = 1024;
const MOST_STEPS = 256;

/** What gives other numbers elsewhere. */
const IMPURE: ReadonlySet<string> = new Set([...Object.keys(hostTransfers), 'custom_call', 'rng']);

const CONTEXT: KernelContext = {
  precision: 'true',
  call: () => {
    throw internalError('an op without regions called one');
  },
};

/** Undefined where it depends on an argument, or on more than shape arithmetic does. */
export function foldedConstant(
  b: TypedBuilder,
  maker: (value: ValueId) => Op | undefined,
  value: ValueId,
): TensorArray | undefined {
  const known = new Map<ValueId, TensorArray | undefined>();
  const fold = (v: ValueId, depth: number): TensorArray | undefined => {
    if (known.has(v)) return known.get(v);
    const found = depth > MOST_STEPS ? undefined : folded(v, depth);
    known.set(v, found);
    return found;
  };
  const folded = (v: ValueId, depth: number): TensorArray | undefined => {
    const op = maker(v);
    const type = b.typeOf(v);
    if (op === undefined || elementCount(type) > MOST_ELEMENTS) return undefined;
    const def = IMPURE.has(op.kind) ? undefined : b.registry[op.kind];
    if (def === undefined || op.regions.length > 0) return undefined;
    const inputs: TensorArray[] = [];
    for (const operand of op.operands) {
      const input = fold(operand, depth + 1);
      if (input === undefined) return undefined;
      inputs.push(input);
    }
    const types = (ids: readonly ValueId[]) => ids.map((id) => b.typeOf(id));
    const view = {
      kind: op.kind,
      attrs: op.attrs,
      operands: types(op.operands),
      results: types(op.results),
      regions: [],
    };
    return def.kernel(view, inputs, CONTEXT)[op.results.indexOf(v)];
  };
  return fold(value, 0);
}
