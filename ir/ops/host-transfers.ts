/**
 * What crosses the program's edge while it runs (StableHLO spec): infeed and recv bring data in, outfeed and send
 * take it out, in the order of their tokens. Data is laid out as its value is: a device is fed its shard, and feeds
 * out its shard.
 *
 *   %x, %t1 = infeed %t : f32[8,16] @{x, _}     // each device reads the 4 rows that it holds, x=2
 *
 * How a run feeds them is the simulator's (runtime-sim/host-link.ts): a kernel alone has no queue.
 */
import type { OpAttrs } from '../attrs.ts';
import { unsupported } from '../diagnostics.ts';
import { RuleBuilder } from '../factors.ts';
import { type AnyOpDef, defineOp, InferError, type OpView } from '../op.ts';
import { readType, tensor, type TensorType, typeText } from '../types.ts';

type Brings = OpAttrs['infeed'];
type Takes = OpAttrs['outfeed'];

const TOKEN = tensor('token', []);

/** Every dim of the data may be split: shards are fed, or feed, on their own. */
function dataDims(operands: readonly TensorType[], results: readonly TensorType[]): RuleBuilder {
  const rule = new RuleBuilder(
    operands.map((t) => t.shape.length),
    results.map((t) => t.shape.length),
  );
  const sides = [operands, results] as const;
  sides.forEach((types, side) =>
    types.forEach((type, i) =>
      type.shape.forEach((size, d) => {
        const dims = sides.map((s, at) => s.map((_, j) => (at === side && j === i ? d : null)));
        rule.add(dims[0] as (number | null)[], dims[1] as (number | null)[], size);
      }),
    ),
  );
  return rule;
}

const noQueue = (kind: string): never => {
  throw unsupported(`${kind} outside of a run`);
};

const brings = (kind: string): AnyOpDef =>
  defineOp<Brings>({
    kind,
    infer({ operands, attrs }) {
      if (operands.length !== 1 || operands[0] !== TOKEN) throw new InferError(`${kind} takes one token`);
      return [...attrs.result_types.map((text) => typeOfText(kind, text)), TOKEN];
    },
    factors: ({ operands, results }) => dataDims(operands, results).build(),
    kernel: () => noQueue(kind),
    padRule: () => null,
    localAttrs: ({ attrs }, { results }) => ({ ...attrs, result_types: results.slice(0, -1).map(typeText) }),
    flops: () => 0,
  });

const takes = (kind: string): AnyOpDef =>
  defineOp<Takes>({
    kind,
    infer({ operands }) {
      if (operands.at(-1) !== TOKEN) throw new InferError(`the last operand of ${kind} is a token`);
      return [TOKEN];
    },
    factors: ({ operands, results }) => dataDims(operands, results).build(),
    kernel: () => noQueue(kind),
    padRule: () => null,
    flops: () => 0,
  });

function typeOfText(kind: string, text: string): TensorType {
  const type = readType(text);
  if (type === undefined) throw new InferError(`${kind}: ${text} is not a tensor type`);
  return type;
}

export const hostTransfers = {
  infeed: brings('infeed'),
  recv: brings('recv'),
  outfeed: takes('outfeed'),
  send: takes('send'),
};

/** Which way data goes. */
export const bringsIn = ({ kind }: { readonly kind: string }): boolean => kind === 'infeed' || kind === 'recv';
export const isHostTransfer = ({ kind }: { readonly kind: string }): boolean => Object.hasOwn(hostTransfers, kind);
/** All but the token. */
export const dataTypes = (view: Pick<OpView, 'kind' | 'operands' | 'results'>): readonly TensorType[] =>
  (bringsIn(view) ? view.results : view.operands).slice(0, -1);
