/** The examples in TypeScript as StableHLO on real XLA: the same numbers, the bytes of the report, no more than XLA's own. */
import { beforeAll, describe, expect, it } from 'vitest';
import { compile, exportSdy, type Traced } from '../../compiler/index.ts';
import decode from '../../examples/decode.ts';
import { decoder, strategies } from '../../examples/decoder.ts';
import fsdp from '../../examples/fsdp.ts';
import megatron from '../../examples/megatron-mlp.ts';
import { pipeline } from '../../examples/pipeline.ts';
import ring from '../../examples/ring-attention.ts';
import switchMoe from '../../examples/switch-moe.ts';
import { type BesideXla, besideXla, expectAsReported } from './beside-xla.ts';
import { hasXla } from './on-xla.ts';

/** XLA takes 10 s of a core to compile a decoder: `SHARDC_XLA_EXAMPLES=all` has them too (npm run test:examples). */
const long: Readonly<Record<string, () => Traced>> = {
  'decoder, attempt 1': () => decoder(strategies.attempt1) as Traced,
  'decoder, attempt 2': () => decoder(strategies.attempt2) as Traced,
  'decoder, finalized': () => decoder(strategies.finalized) as Traced,
  'pipeline, circular': () => pipeline('circular') as Traced,
};
const examples: Readonly<Record<string, () => Traced>> = {
  'megatron-mlp': () => megatron as Traced,
  fsdp: () => fsdp as Traced,
  'switch-moe': () => switchMoe as Traced,
  'pipeline, gpipe': () => pipeline('gpipe') as Traced,
  'ring-attention': () => ring as Traced,
  decode: () => decode as Traced,
  ...(process.env.SHARDC_XLA_EXAMPLES === 'all' ? long : {}),
};

describe.skipIf(!hasXla())('examples on XLA', () => {
  const programs = Object.values(examples).map((traced) => compile(traced(), { check: 'off' }));
  let results: BesideXla[] = [];
  beforeAll(() => {
    results = besideXla(programs.map((p) => ({ original: exportSdy(p.source), emitted: p.toStableHLO() })));
  }, 240_000);
  it.each(Object.keys(examples).map((name, i) => ({ name, i })))('$name', ({ i }) => {
    const result = results[i] as BesideXla;
    expect(result.max_rel_error).toBeLessThan(2e-5);
    expect(result.shardc.total).toBeLessThanOrEqual(result.xla.total);
    expectAsReported(result, (programs[i] as (typeof programs)[number]).report());
  });
});
