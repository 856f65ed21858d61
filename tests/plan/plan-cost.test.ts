/** Plans: activation memory as published, flops as formulas have them, mistakes at their place. */
import { describe, expect, it } from 'vitest';
import { type DiagnosticError, machine } from '../../compiler/index.ts';
import { axesOf } from '../../compiler/plan/axes.ts';
import { type Description, parseDescription } from '../../compiler/plan/description.ts';
import { planCost } from '../../compiler/plan/plan-cost.ts';
import { stageProgram } from '../../compiler/plan/stage-programs.ts';

const [s, b, h, a, t, layers] = [512, 2, 1024, 16, 4, 8];
const base = {
  model: { layers, width: h, heads: a, ffn: 4 * h, vocabulary: 2048, sequence: s, dropout: true },
  batch: 2 * b,
  microbatch: b,
  machine: 'a100',
};
const plan = (over: object = {}): Description =>
  parseDescription({ file: 'plan.json', text: JSON.stringify({ ...base, ...over }) });
const kept = (over: object): number => {
  const d = plan(over);
  return stageProgram('layer', d, axesOf(d), 1).keptBytes;
};

describe('bytes kept per layer are those of arXiv:2205.05198, table 2', () => {
  const sbh = s * b * h;
  const scores = (5 * a * s) / h;
  it.each([
    ['no parallelism', {}, sbh * (34 + scores)],
    ['tensor parallel', { tp: t }, sbh * (10 + 24 / t + scores / t)],
    ['tensor and sequence parallel', { tp: t, sequenceParallel: true }, (sbh / t) * (34 + scores)],
    ['tensor parallel, selective', { tp: t, recompute: 'selective' }, sbh * (10 + 24 / t)],
    ['both, selective', { tp: t, sequenceParallel: true, recompute: 'selective' }, (34 * sbh) / t],
    ['full recomputation', { tp: t, recompute: 'full' }, 2 * sbh],
  ])('%s', (_, over, bytes) => expect(kept(over)).toBe(bytes));
});

describe('a step', () => {
  const report = (over: object) => planCost(plan(over), machine('a100')).report;
  const tokens = 2 * b * s;
  const forward = layers * (24 * h * h + 4 * s * h) + 2 * h * 2048;

  it('counts model flops as 3 times forward, hardware flops with what is computed again', () => {
    const none = report({});
    expect(none.modelFlopsPerSecond * none.stepSeconds).toBeCloseTo(3 * forward * tokens, -9);
    expect(none.hardwareUtilization).toBe(none.modelUtilization);
    const full = report({ recompute: 'full', eager: true });
    expect(full.modelFlopsPerSecond * full.stepSeconds).toBeCloseTo(3 * forward * tokens, -9);
    const again = full.hardwareFlopsPerSecond * full.stepSeconds - 3 * forward * tokens;
    expect(again).toBeCloseTo(layers * (24 * h * h + 4 * s * h) * tokens, -9);
  });

  it('keeps no scores where attention is one kernel, and is faster', () => {
    const model = { ...base.model, dropout: false };
    expect(kept({ model: { ...model, fusedAttention: true } })).toBe(kept({ model, recompute: 'selective' }));
    expect(report({ model: { ...model, fusedAttention: true } }).stepSeconds).toBeLessThan(
      report({ model }).stepSeconds,
    );
  });

  it('holds 18 bytes a parameter: weights, sums in f32, Adam', () => {
    const { memory, parameters } = report({});
    expect(memory.weightBytes + memory.gradientBytes + memory.optimizerBytes).toBe(18 * parameters);
  });

  it('holds the optimizer once per zero group, and everything under zero 3', () => {
    const split = report({ dp: 4, batch: 16, zero: 1 });
    expect(split.memory.optimizerBytes * 4).toBe(12 * split.parameters);
    expect(split.memory.weightBytes).toBe(2 * split.parameters);
    const three = report({ dp: 4, batch: 16, zero: 3 });
    expect(three.memory.weightBytes).toBeLessThan(0.3 * split.memory.weightBytes);
  });

  it('may leave the first and the last chunk the vocabulary only, with no parameter lost', () => {
    const model = { ...base.model, layers: 6 };
    const over = { model, pp: 2, batch: 16 * b };
    expect(report({ ...over, virtual: 4 }).parameters).toBe(report(over).parameters);
    expect(() => plan({ ...over, virtual: 5 })).toThrow();
  });

  it('waits (p − 1) / m of its work in 1F1B, less where interleaved, less with gradients of weights apart', () => {
    const over = { pp: 4, batch: 16 * b, overlap: { sends: true } };
    const [plain, chunks, apart] = [{}, { virtual: 2 }, { schedule: 'zero-bubble' }].map((o) =>
      report({ ...over, ...o }),
    );
    expect(chunks?.bubbleShare).toBeLessThan(plain?.bubbleShare ?? 0);
    expect(apart?.bubbleShare).toBeLessThan(plain?.bubbleShare ?? 0);
  });
});

describe('a description', () => {
  const mistakes = (text: string) => {
    try {
      parseDescription({ file: 'plan.json', text });
      return [];
    } catch (error) {
      return (error as DiagnosticError).diagnostics.map((d) => [
        d.code,
        d.message,
        text.slice(d.span?.start, d.span?.end),
      ]);
    }
  };
  it('has every mistake at its place', () => {
    const text = JSON.stringify({ ...base, tp: 'four', colour: 1 });
    expect(mistakes(text)).toEqual([
      ['SH0805', 'tp: Invalid input: expected number, received string', '"four"'],
      ['SH0805', 'colour: no such field', '1'],
    ]);
  });
  it('whose numbers do not fit each other is refused', () => {
    expect(mistakes(JSON.stringify({ ...base, tp: 3 })).map(([, message]) => message)).toContain(
      'tp: 3 does not divide 16 heads',
    );
    expect(mistakes('{')[0]?.[0]).toBe('SH0806');
  });
});
