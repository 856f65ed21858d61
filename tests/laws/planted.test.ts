/** Wrong facets, planted one at a time: the laws name the op, the law and where there is one the factor. */
import { describe, expect, test } from 'vitest';
import { type FactorKind, type FactorRule, RuleBuilder } from '../../ir/factors.ts';
import type { AnyOpDef, OpView } from '../../ir/op.ts';
import { registry } from '../../ir/ops/index.ts';
import { tensor, type TensorType } from '../../ir/types.ts';
import { checkLaws } from '../../compiler/testing/laws/check-laws.ts';
import { examples } from './examples/index.ts';
import type { LawName } from '../../compiler/testing/laws/law.ts';
import { example } from '../../compiler/testing/laws/op-example.ts';

interface Planted {
  readonly name: string;
  readonly kind: string;
  /** The definition with one facet changed. */
  readonly wrong: (right: AnyOpDef) => Partial<AnyOpDef>;
  /** Laws that must find it, and what they must say. */
  readonly caught: Readonly<Partial<Record<LawName, RegExp>>>;
}

const first = (types: readonly TensorType[]): TensorType => types[0] as TensorType;

/** The rule with every factor of one kind claimed to be of another. */
const relabelled = (rule: FactorRule, from: FactorKind, to: FactorKind): FactorRule => ({
  ...rule,
  factors: rule.factors.map((f) => (f.kind === from ? { ...f, kind: to } : f)),
});

const claim =
  (from: FactorKind, to: FactorKind) =>
  (right: AnyOpDef): Partial<AnyOpDef> => ({
    factors: (view) => relabelled(right.factors(view), from, to),
  });

/** Dims keep their place: wrong wherever the permutation moves them. */
const inPlace = ({ operands, results }: OpView): FactorRule => {
  const { shape } = first(operands);
  const rule = new RuleBuilder([shape.length], [first(results).shape.length]);
  shape.forEach((size, d) => rule.add([d], [d], size));
  return rule.build();
};

const planted: readonly Planted[] = [
  {
    name: 'transpose whose rule leaves dims in place',
    kind: 'transpose',
    wrong: () => ({ factors: inPlace }),
    caught: {
      rule: /transpose .*"rule".*dim 0 of result 0 has 6 elements, its factors i/,
      partition: /transpose .*bf16\[4,4\].*factor i \(pass, 4\)/,
    },
  },
  {
    name: 'dot_general whose contracting factor passes',
    kind: 'dot_general',
    wrong: claim('reduce', 'pass'),
    caught: {
      rule: /dot_general .*factor k \(pass, 6\) is in no result/,
      partition: /dot_general .*factor k \(pass, 6\) over x=2.*claim to hold the same block/,
    },
  },
  {
    name: 'gather that reads its rows in shards',
    kind: 'gather',
    wrong: claim('reduce', 'pass'),
    caught: {
      rule: /gather .*factor k \(pass, 12\) is in no result/,
      partition: /gather .*factor k \(pass, 12\) over x=2/,
    },
  },
  {
    name: 'dynamic_slice whose owners owe nothing',
    kind: 'dynamic_slice',
    wrong: (right) => ({ split: (view) => relabelled(right.split?.(view) as FactorRule, 'reduce', 'pass') }),
    caught: {
      rule: /dynamic_slice .*factor j \(pass, 6\) is in no result/,
      partition: /dynamic_slice .*factor j \(pass, 6\) over x=2/,
    },
  },
  {
    name: 'exponential claimed linear',
    kind: 'exponential',
    wrong: () => ({ linearity: () => [[0]] }),
    caught: { linearity: /exponential .*operands \{0\}: f\(a\) \+ f\(b\) is .* and f\(a \+ b\) is/ },
  },
  {
    name: 'multiply claimed jointly linear',
    kind: 'multiply',
    wrong: () => ({ linearity: () => [[0, 1]] }),
    caught: { linearity: /multiply .*operands \{0, 1\}/ },
  },
  {
    name: 'add claimed linear in one operand',
    kind: 'add',
    wrong: () => ({ linearity: () => [[0]] }),
    caught: { linearity: /add .*operands \{0\}/ },
  },
  {
    name: 'dot_general combined by max',
    kind: 'dot_general',
    wrong: () => ({ combiner: () => 'max' }),
    caught: { combiner: /dot_general .*factor k \(reduce, 6\) over x=2.*partial results combined by max/ },
  },
  {
    name: 'reduce combined by sum whatever its region',
    kind: 'reduce',
    wrong: () => ({ combiner: () => 'sum' }),
    caught: {
      combiner: /reduce .*\(max\)\] breaks law "combiner" at factor j \(reduce, 6\).*combined by sum/,
    },
  },
  {
    name: 'transpose that infers its operand type',
    kind: 'transpose',
    wrong: () => ({ infer: ({ operands }) => [first(operands)] }),
    caught: {
      infer: /transpose .*infer gives f32\[4,6\], the example's results are f32\[6,4\]/,
      kernel: /transpose .*the kernel gives f32\[6,4\]/,
    },
  },
  {
    name: 'compare that infers its operand type',
    kind: 'compare',
    wrong: () => ({ infer: ({ operands }) => [first(operands)] }),
    caught: {
      infer: /compare .*infer gives f32\[4,6\]/,
      kernel: /compare .*the kernel gives pred\[4,6\], infer says f32\[4,6\]/,
    },
  },
  {
    name: 'add whose kernel writes into its operand',
    kind: 'add',
    wrong: (right) => ({
      kernel: (view, inputs, ctx) => {
        inputs[0]?.data.set(right.kernel(view, inputs, ctx)[0]?.data as never);
        return [inputs[0] as never];
      },
    }),
    caught: { kernel: /add .*the kernel changes its inputs/ },
  },
  {
    name: 'bf16 convert that does not round',
    kind: 'convert',
    wrong: (right) => ({
      kernel: (view, inputs, ctx) => right.kernel(view, inputs, { ...ctx, precision: 'wide' }),
    }),
    caught: { kernel: /convert .*precision true: the kernel gives Float64Array for bf16, not Float32Array/ },
  },
  {
    name: 'convolution that keeps its global groups',
    kind: 'convolution',
    wrong: () => ({ localAttrs: ({ attrs }) => attrs }),
    caught: { 'local-attrs': /convolution .*factor k \(pass, 4\) over x=2: convolution: .*groups/ },
  },
  {
    name: 'dot_general that counts 3 flops per product',
    kind: 'dot_general',
    wrong: (right) => ({ flops: (view) => ((right.flops?.(view) ?? 0) * 3) / 2 }),
    caught: { work: /dot_general .*flops are 144, by hand 96/ },
  },
  {
    name: 'dot_general whose flops leave out the contracting dims',
    kind: 'dot_general',
    wrong: () => ({ flops: ({ results }) => first(results).shape.reduce((n, d) => n * d, 1) }),
    caught: {
      work: /dot_general .*factor k \(reduce, 6\) over x=2: 8 flops on one device, 8 on each of 2 shards/,
    },
  },
  {
    name: 'iota of another type',
    kind: 'iota',
    wrong: () => ({ infer: ({ attrs }) => [tensor('f32', attrs.shape as number[])] }),
    caught: { infer: /iota .*infer gives f32\[12\], the example's results are i32\[12\]/ },
  },
  {
    name: 'dot_general that multiplies padding',
    kind: 'dot_general',
    wrong: (right) => ({ padRule: (view, f, rule) => (right.padRule?.(view, f, rule) ? {} : null) }),
    caught: { padding: /dot_general .*factor k \(reduce, 6\) over .*with padding poisoned, result 0 .* is NaN/ },
  },
  {
    name: 'dot_general that masks one side only',
    kind: 'dot_general',
    wrong: () => ({
      padRule: (_, f, rule) => (rule.factors[f]?.kind === 'reduce' ? { needs: () => [{ value: 0 }] } : {}),
    }),
    caught: { padding: /dot_general .*factor k \(reduce, 6\) over .*with padding poisoned, result 0 .* is NaN/ },
  },
  {
    name: 'reduce that pads a maximum with zeros',
    kind: 'reduce',
    wrong: (right) => ({
      padRule: (view, f, rule) =>
        rule.factors[f]?.kind === 'reduce' ? { needs: () => [{ value: 0 }] } : (right.padRule?.(view, f, rule) ?? null),
    }),
    caught: { padding: /reduce .*breaks law "padding" at factor . \(reduce, .*with padding poisoned, result 0 at/ },
  },
  {
    name: 'exponential that claims zeros stay zeros',
    kind: 'exponential',
    wrong: () => ({ padRule: () => ({ gives: (held) => held }) }),
    caught: { padding: /exponential .*operands padded with 0 holds 1 at .*, where 0 is claimed/ },
  },
  {
    name: 'reduce_window that reads padding for start values',
    kind: 'reduce_window',
    wrong: (right) => ({ padRule: (view, f, rule) => (right.padRule?.(view, f, rule) ? { apart: 'all' } : null) }),
    caught: { padding: /reduce_window .*with padding poisoned, result 0 .* is NaN/ },
  },
  {
    name: 'scatter that adds padded updates',
    kind: 'scatter',
    wrong: (right) => ({ padRule: (view, f, rule) => (right.padRule?.(view, f, rule) ? {} : null) }),
    caught: { padding: /scatter .*factor . \(reduce, .*with padding poisoned, result 0/ },
  },
];

describe('planted faults are caught by name', () => {
  test.each(planted)('$name', ({ kind, wrong, caught }) => {
    const right = registry[kind] as AnyOpDef;
    const def: AnyOpDef = { ...right, ...wrong(right) };
    const findings = examples.filter((e) => e.kind === kind).flatMap((e) => checkLaws(def, registry, e).findings);
    for (const [law, words] of Object.entries(caught)) {
      const messages = findings
        .filter((f) => f.law === law && f.op === kind && f.unsupported !== true)
        .map((f) => f.message);
      expect(
        messages.find((m) => words.test(m)),
        `${law}: ${messages.slice(0, 3).join('\n')}`,
      ).toBeDefined();
    }
  });
});

test('an attribute that the exporter does not print is missed when the text is read back', () => {
  const odd = example('reverse', 'f32[4,6] -> f32[4,6]', { attrs: { dims: [0], hidden: 1 } });
  const { findings } = checkLaws(registry.reverse as AnyOpDef, registry, odd);
  const [found] = findings.filter((f) => f.law === 'round-trip');
  expect(found?.message).toMatch(/reverse .*"round-trip": read back as\n.*reverse.*instead of\n.*hidden/s);
});

test('facets that throw are findings, not crashes', () => {
  const boom = (): never => {
    throw new Error('boom');
  };
  const add = example('add', '(f32[4], f32[4]) -> f32[4]');
  for (const facet of ['infer', 'factors', 'kernel', 'linearity', 'combiner', 'flops']) {
    const def = { ...(registry.add as AnyOpDef), [facet]: boom };
    const { findings } = checkLaws(def, registry, add);
    expect(findings.map((f) => f.message).join('\n'), facet).toMatch(/add .*breaks law ".*threw boom/);
  }
});
