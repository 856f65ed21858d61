/** Every law on every example of every op in the registry. */
import { expect, test } from 'vitest';
import { isHostTransfer } from '../../ir/ops/host-transfers.ts';
import { registry } from '../../ir/ops/index.ts';
import type { Elements } from '../../ir/program.ts';
import { checkLaws } from '../../compiler/testing/laws/check-laws.ts';
import { examples } from './examples/index.ts';
import { type OpExample, opOf } from '../../compiler/testing/laws/op-example.ts';

/** What crosses the program's edge has no kernel to compare: tests/accepted runs it. */
test('every op of the registry has an example, and every example an op', () => {
  const kinds = new Set(examples.map((e) => e.kind));
  expect(
    Object.keys(registry).filter((k) => !kinds.has(k) && !isHostTransfer({ kind: k })),
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

/** A refusal by the partitioner is a finding too: no factor that a rule lets be split is without its localizer. */
test.each(Object.entries(registry))('%s keeps every law', (kind, def) => {
  const found = examples.filter((e) => e.kind === kind).flatMap((e) => checkLaws(def, registry, e).findings);
  expect(found.map((f) => f.message)).toEqual([]);
});
