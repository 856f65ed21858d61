/** The weights of each part of a transformer: shapes, and how tensor parallelism and zero lay them out. */
import type { DimSpec } from '../dsl/mesh.ts';
import { type Spec, spec } from '../dsl/spec.ts';
import type { Axes } from './axes.ts';
import type { Description, Model } from './description.ts';

export type Part = 'embedding' | 'layer' | 'expert layer' | 'head';
export type WeightSpecs = Readonly<Record<string, Spec>>;

type Shape = readonly number[];
type Row = readonly [name: string, shape: Shape, dims: readonly DimSpec[]];

/** `split`: is a dim also split over the axes of zero? */
export function weightsOf(part: Part, d: Description, axes: Axes, split: boolean, dtype = d.dtype): WeightSpecs {
  const rows =
    part === 'embedding'
      ? embedding(d, axes, split)
      : part === 'head'
        ? head(d, axes, split)
        : layer(d, axes, split, part);
  return Object.fromEntries(rows.map(([name, shape, dims]) => [name, spec(dtype, shape, ...dims) as Spec]));
}

function embedding({ model: m }: Description, { tensor, ...axes }: Axes, split: boolean): Row[] {
  const over = split ? axes.split : null;
  return [
    ['table', [m.vocabulary, m.width], [tensor, over]],
    ...(m.positions === 'learned' ? [['positions', [m.sequence, m.width], [null, over]] as Row] : []),
  ];
}

/** The table again: the last stage has a copy of its own. */
function head(d: Description, axes: Axes, split: boolean): Row[] {
  return [...embedding(d, axes, split).slice(0, 1), ...norm('norm', d, axes)];
}

function norm(name: string, { model: m }: Description, axes: Axes): Row[] {
  const scale = vector(`${name}_scale`, m.width, axes);
  return m.norm === 'layer' ? [scale, vector(`${name}_bias`, m.width, axes)] : [scale];
}

/** Over features, whole or split as activations are; under sequence parallelism a copy per part. */
const vector = (name: string, width: number, { copies, tensor, outerFeatures }: Axes): Row =>
  copies > 1 ? [name, [copies, width], [tensor, null]] : [name, [1, width], [null, outerFeatures]];

function layer(d: Description, axes: Axes, split: boolean, part: Part): Row[] {
  const { model: m } = d;
  return [
    ...norm('norm1', d, axes),
    ...attention(d, axes, split),
    ...(m.parallelBlock ? [] : norm('norm2', d, axes)),
    ...(part === 'layer' ? ffn(d, axes, split) : experts(d, axes, split)),
  ];
}

/**
 * Products split over tensor parallelism have a first dim of a part per device. Heads come in groups that share keys; where
 * one group serves all devices, its keys have no such dim.
 */
function attention({ model: m }: Description, axes: Axes, split: boolean): Row[] {
  const { tensor, parts } = axes;
  const over = split ? axes.split : null;
  const kv = m.kvHeads ?? m.heads;
  const size = m.headSize ?? m.width / m.heads;
  const per = m.heads / kv;
  const inputs: readonly (readonly [string, Shape, DimSpec])[] = sharesKeys(m, parts)
    ? [
        ['q', [parts, 1, per / parts], tensor],
        ['kv', [1, 1, 2], null],
      ]
    : [['qkv', [parts, kv / parts, per + 2], tensor]];
  const outGroups = sharesKeys(m, parts) ? [1, per / parts] : [kv / parts, per];
  return [
    ...inputs.flatMap(([name, [t = 1, g = 1, n = 1], on]): Row[] => [
      [name, [t, m.width, g, n, size], [on, over, null, null, null]],
      ...bias(`${name}_bias`, [t, g, n, size], [on, null, null, null], m.bias),
    ]),
    ['out', [parts, ...outGroups, size, m.width], [tensor, null, null, null, over]],
    ...(m.bias ? [vector('out_bias', m.width, axes)] : []),
  ];
}

/** Do all devices of tensor parallelism use the same keys? */
export const sharesKeys = (m: Model, parts: number): boolean => (m.kvHeads ?? m.heads) === 1 && parts > 1;

function ffn({ model: m }: Description, axes: Axes, split: boolean): Row[] {
  const { tensor, parts } = axes;
  const over = split ? axes.split : null;
  const gates = gatesOf(m.activation);
  return [
    ['in', [parts, m.width, gates, m.ffn / parts], [tensor, over, null, null]],
    ...bias('in_bias', [parts, gates, m.ffn / parts], [tensor, null, null], m.bias),
    ['down', [parts, m.ffn / parts, m.width], [tensor, null, over]],
    ...(m.bias ? [vector('down_bias', m.width, axes)] : []),
  ];
}

function experts({ model: m }: Description, axes: Axes, split: boolean): Row[] {
  const { tensor, parts } = axes;
  const over = split ? axes.expertSplit : null;
  const count = m.experts?.count ?? 1;
  return [
    ['gate', [m.width, count], [null, null]],
    [
      'expert_in',
      [parts, count, m.width, gatesOf(m.activation), m.ffn / parts],
      [tensor, axes.experts, over, null, null],
    ],
    ['expert_down', [parts, count, m.ffn / parts, m.width], [tensor, axes.experts, null, over]],
  ];
}

const bias = (name: string, shape: Shape, dims: readonly DimSpec[], has: boolean): Row[] =>
  has ? [[name, shape, dims]] : [];

const gatesOf = (activation: string): number => (activation === 'geglu' || activation === 'swiglu' ? 2 : 1);
