/** Every law on every example of every op in the registry. */
import { describe, expect, test } from 'vitest';
import { registry } from '../../ir/ops/index.ts';
import type { Elements } from '../../ir/program.ts';
import { checkLaws } from '../../compiler/testing/laws/check-laws.ts';
import { examples } from './examples/index.ts';
import type { Finding } from '../../compiler/testing/laws/law.ts';
import { type OpExample, opOf } from '../../compiler/testing/laws/op-example.ts';

/** Ops that the partitioner refuses on a sharded dim. Take the line out when its localizer is there. */
const NOT_YET: Readonly<Record<string, string>> = {
  pad: 'shards that start between the elements of interior padding',
  reduce_window: 'shards that start between the elements of a dilated operand',
};

test('every op of the registry has an example, and every example an op', () => {
  const kinds = new Set(examples.map((e) => e.kind));
  expect(
    Object.keys(registry).filter((k) => !kinds.has(k)),
    'ops without an example in tests/laws/examples',
  ).toEqual([]);
  expect(
    [...kinds].filter((k) => registry[k] === undefined),
    'examples of ops that the registry lacks',
  ).toEqual([]);
});

test('no example stands twice', () => {
  const values = (e: OpExample): string => String((opOf(e).attrs.value as Elements | undefined)?.data);
  const text = examples.map((e) => `${e.kind} ${e.name} ${values(e)}`);
  expect(text.filter((t, i) => text.indexOf(t) !== i)).toEqual([]);
});

describe.each(Object.entries(registry))('%s', (kind, def) => {
  let found: readonly Finding[] | undefined;
  const findings = (): readonly Finding[] =>
    (found ??= examples.filter((e) => e.kind === kind).flatMap((e) => checkLaws(def, registry, e).findings));

  test('keeps every law', () => {
    expect(
      findings()
        .filter((f) => f.unsupported !== true)
        .map((f) => f.message),
    ).toEqual([]);
  });

  test('is refused by the partitioner only where NOT_YET says so', () => {
    const refused = findings()
      .filter((f) => f.unsupported === true)
      .map((f) => f.message);
    if (NOT_YET[kind] === undefined) expect(refused).toEqual([]);
    else expect(refused, `${kind} is supported now: take it out of NOT_YET`).not.toEqual([]);
    expect(refused.filter((m) => !m.includes('(permute, '))).toEqual([]);
  });
});
