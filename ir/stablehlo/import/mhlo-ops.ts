/** Ops of XLA's own dialect that StableHLO has not, and that XLA takes beside it: read as what they mean. */
import { unsupported } from '../../diagnostics.ts';
import type { Block, ValueId } from '../../program.ts';
import type { TypedBuilder } from '../../typed-build.ts';
import type { TensorType } from '../../types.ts';
import type { Raw } from '../op-attrs.ts';
import type { Head, ImportContext } from './context.ts';
import { writeAs } from './emit.ts';
import type { ReadOp } from './tensor-op.ts';

interface Given {
  readonly b: TypedBuilder;
  readonly operands: readonly ValueId[];
  readonly raw: Raw;
  readonly regions: readonly Block[];
}

const MHLO: Readonly<Record<string, (g: Given) => readonly ValueId[]>> = {
  /** The data, once the token is there. */
  add_dependency({ b, operands }) {
    const types = operands.map((v) => b.typeOf(v));
    return b.op('optimization_barrier', operands, types, b.origin).slice(0, 1);
  },
  /** The same bytes: of one element type another shape. */
  bitcast({ b, operands, raw }) {
    const [x] = operands as readonly [ValueId];
    const [to] = raw.results as readonly [TensorType];
    const { dtype } = b.typeOf(x);
    if (dtype !== to.dtype) return [b.one('bitcast_convert', [x], { dtype: to.dtype, shape: to.shape })];
    return b.typeOf(x) === to ? [x] : [b.one('reshape', [x], { shape: to.shape })];
  },
  copy: ({ operands }) => operands,
  domain: ({ operands }) => operands,
  /** Its region stands in its place: what is fused is the backend's business. */
  fusion({ b, operands, regions }) {
    const [body] = regions as readonly [Block];
    body.params.forEach((param, i) => {
      const { shape } = b.typeOf(param);
      const operand = operands[i] as ValueId;
      b.push({
        kind: 'reshape',
        operands: [operand],
        results: [param],
        attrs: { shape },
        regions: [],
        origin: b.origin,
      });
    });
    for (const op of body.ops.slice(0, -1)) b.push(op);
    return body.ops.at(-1)?.operands ?? [];
  },
  topk({ b, operands, raw }) {
    const { fields } = raw;
    if (fields.get('largest') === false) throw unsupported('mhlo.topk of the smallest elements');
    return b.apply('top_k', operands, { k: Number(fields.get('k') ?? raw.results[0]?.shape.at(-1)) });
  },
  trace: () => [],
};

export const isMhlo = ({ spelled, kind }: Head): boolean => spelled.startsWith('mhlo.') && Object.hasOwn(MHLO, kind);

export function writeMhlo(c: ImportContext, head: Head, { operands, regions = [] }: ReadOp, raw: Raw): void {
  writeAs(c, head, head.kind, raw, (b) => MHLO[head.kind]?.({ b, operands, raw, regions }) ?? []);
}
