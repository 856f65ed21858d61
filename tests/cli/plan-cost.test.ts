/** shardc plan-cost as people call it. */
import { describe, expect, it } from 'vitest';
import { shardc } from './shardc.ts';

const plan = {
  model: { layers: 4, width: 256, heads: 4, ffn: 1024, vocabulary: 1024, sequence: 128 },
  batch: 8,
  microbatch: 1,
  tp: 2,
  pp: 2,
  machine: 'a100',
};

describe('shardc plan-cost', () => {
  it('prints a report, or gives it as JSON', () => {
    const { out, code } = shardc(['plan-cost', '-'], JSON.stringify(plan));
    expect(code).toBe(0);
    expect(out).toContain('3.5M parameters on 4 × a100: tp 2, pp 2');
    const json = JSON.parse(shardc(['plan-cost', '-', '--emit', 'json'], JSON.stringify(plan)).out);
    expect(json.microbatches).toBe(8);
    expect(json.stepSeconds).toBeGreaterThan(0);
  });

  it('shows a mistake at its place', () => {
    const { err, code } = shardc(['plan-cost', '-'], JSON.stringify({ ...plan, pp: 9 }, null, 2));
    expect(code).toBe(1);
    expect(err).toContain('error[SH0805]: model.layers: 4 layers are fewer than pp × virtual − 2 = 7');
    expect(err).toMatch(/> 3 \| {5}"layers": 4/);
  });
});
