/** `shardc/testing`: for those who write passes and ops. docs/testing.md shows each in use. */
export { difference, expectEquivalent, type EquivalenceOptions } from './equivalence.ts';
export { fileCheck } from './file-check.ts';
export { type FixtureOptions, type FixtureResult, fixturesIn, runFixture } from './fixtures.ts';
export { checkLaws, type LawReport } from './laws/check-laws.ts';
export { example, type ExampleOptions, type OpExample, reducer } from './laws/op-example.ts';
export { matchers } from './matchers.ts';
export { minimize } from './minimize.ts';
export { randomProgram, type RandomProgramOptions } from './random-programs.ts';
