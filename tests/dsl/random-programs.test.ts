/** Programs that fast-check draws: well formed, and small where a property fails. */
import fc from 'fast-check';
import { expect, it } from 'vitest';
import { registry } from '../../compiler/index.ts';
import { randomProgram } from '../../compiler/testing/index.ts';
import { mainFunction, type Module } from '../../ir/program.ts';
import { verify } from '../../ir/verify.ts';

const programs = fc.array(fc.nat(), { maxLength: 60, size: 'max' }).map((draws) => randomProgram(draws));
const kinds = (m: Module): string[] => mainFunction(m).body.ops.map((op) => op.kind);

it('are well formed', () => {
  fc.assert(
    fc.property(programs, (m) => verify(m, registry).length === 0),
    { seed: 1, numRuns: 50 },
  );
});

it('shrink to what fails', () => {
  const found = fc.check(
    fc.property(programs, (m) => !kinds(m).includes('dot_general')),
    { seed: 1, numRuns: 500 },
  );
  const [smallest] = found.counterexample as [Module];
  expect(kinds(smallest)).toEqual(['transpose', 'dot_general', 'return']);
});
