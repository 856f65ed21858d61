/** Ops that move elements, on stacks: each is one planned move with the copies as its first dim. */
import { type Storage, stridesOf } from '../../ir/array.ts';
import type { OpAttrs } from '../../ir/attrs.ts';
import { elementCount, type TensorType } from '../../ir/types.ts';
import { room } from '../memory/room.ts';
import { aligned, type Rows } from '../stacked.ts';
import type { StackedCall, StackedKernel } from './kernel.ts';
import { planMove, runMove } from './move.ts';

type AttrsOf<K extends keyof OpAttrs> = OpAttrs[K];

export const movingKernels: Readonly<Record<string, StackedKernel>> = {
  broadcast_in_dim(call) {
    const { dims } = call.view.attrs as AttrsOf<'broadcast_in_dim'>;
    const [from] = call.view.operands as readonly [TensorType];
    const strides = stridesOf(from.shape);
    const steps = resultOf(call).shape.map((_, d) => {
      const source = dims.indexOf(d);
      return source < 0 || from.shape[source] === 1 ? 0 : (strides[source] as number);
    });
    return read(call, 0, steps);
  },
  transpose(call) {
    const strides = stridesOf((call.view.operands[0] as TensorType).shape);
    return read(
      call,
      0,
      (call.view.attrs as AttrsOf<'transpose'>).permutation.map((d) => strides[d] as number),
    );
  },
  reverse(call) {
    const { dims } = call.view.attrs as AttrsOf<'reverse'>;
    const { shape } = call.view.operands[0] as TensorType;
    const strides = stridesOf(shape);
    const base = dims.reduce((b, d) => b + (strides[d] as number) * ((shape[d] as number) - 1), 0);
    return read(
      call,
      base,
      strides.map((s, d) => (dims.includes(d) ? -s : s)),
    );
  },
  slice(call) {
    const { start, strides: by } = call.view.attrs as AttrsOf<'slice'>;
    const strides = stridesOf((call.view.operands[0] as TensorType).shape);
    const base = strides.reduce((b, s, d) => b + s * (start[d] ?? 0), 0);
    return read(
      call,
      base,
      strides.map((s, d) => s * (by[d] ?? 1)),
    );
  },
  reshape: ({ operands }) => aligned(operands[0] as Rows).data,
  pad,
  concatenate,
};

/** A dense result read from the operand's rows at `base` with these steps. */
function read({ view, operands, copies, precision }: StackedCall, base: number, steps: readonly number[]): Storage {
  const [from] = view.operands as readonly [TensorType];
  const type = view.results[0] as TensorType;
  const out = room(type.dtype, copies * elementCount(type), precision);
  const stack = aligned(operands[0] as Rows);
  const move = planMove([copies, ...type.shape], [elementCount(from), ...steps], stackStrides(type));
  runMove(move, stack.data, base, out, 0);
  return out;
}

function concatenate({ view, operands, copies, precision }: StackedCall): Storage {
  const type = view.results[0] as TensorType;
  const { dim } = view.attrs as AttrsOf<'concatenate'>;
  const out = room(type.dtype, copies * elementCount(type), precision);
  const to = stackStrides(type);
  let put = 0;
  operands.forEach((rows, i) => {
    const from = view.operands[i] as TensorType;
    runMove(
      planMove([copies, ...from.shape], stackStrides(from), to),
      aligned(rows).data,
      0,
      out,
      put * (to[dim + 1] as number),
    );
    put += from.shape[dim] as number;
  });
  return out;
}

/** Only the part of the operand that lands inside is moved: negative padding crops. */
function pad({ view, operands, copies, precision }: StackedCall): Storage {
  const { low, interior } = view.attrs as AttrsOf<'pad'>;
  const [from] = view.operands as readonly [TensorType];
  const type = view.results[0] as TensorType;
  const [x, fill] = operands as readonly [Rows, Rows];
  const n = elementCount(type);
  const out = room(type.dtype, copies * n, precision) as Float64Array;
  const values = aligned(fill).data as Float64Array;
  for (let c = 0; c < copies; c++) out.fill(values[c] as number, c * n, (c + 1) * n);
  const every = interior.map((i) => i + 1);
  const [source, target] = [stackStrides(from), stackStrides(type)];
  const first = low.map((l, d) => Math.max(0, Math.ceil(-l / (every[d] as number))));
  const sizes = first.map((f, d) => {
    const room = Math.floor(((type.shape[d] as number) - 1 - (low[d] as number)) / (every[d] as number));
    return Math.min((from.shape[d] as number) - 1, room) - f + 1;
  });
  if (sizes.some((s) => s <= 0)) return out;
  const base = first.reduce((b, f, d) => b + f * (source[d + 1] as number), 0);
  const put = first.reduce(
    (b, f, d) => b + ((low[d] as number) + f * (every[d] as number)) * (target[d + 1] as number),
    0,
  );
  const steps = target.map((s, d) => s * (every[d - 1] ?? 1));
  runMove(planMove([copies, ...sizes], source, steps), aligned(x).data, base, out, put);
  return out;
}

const resultOf = (call: StackedCall): TensorType => call.view.results[0] as TensorType;
/** Steps of [copies, …shape]. */
const stackStrides = (type: TensorType): number[] => [elementCount(type), ...stridesOf(type.shape)];
