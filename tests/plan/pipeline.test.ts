/** Laws of pipeline schedules, on equal stages and free links. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type Action, orderOf, SCHEDULES, type ScheduleName } from '../../runtime-sim/pipeline/order.ts';
import { simulatePipeline } from '../../runtime-sim/pipeline/simulate.ts';

/** Forward, back, weights. */
const uneven = [3, 4, 2] as const;

function run(schedule: ScheduleName, stages: number, microbatches: number, chunks = 1, send = 0) {
  const shape = { stages, chunks, microbatches };
  const [forward, back, weights] = uneven;
  const together = schedule === 'zero-bubble' ? back : back + weights;
  const seconds = (_: number, { kind }: Action): number => ({ F: forward, B: together, W: weights })[kind];
  const work = { seconds, send: () => send, blockingSends: false };
  const order = orderOf(schedule, shape);
  return { order, ...simulatePipeline(order, shape, work) };
}

const shapes = fc.record({ stages: fc.integer({ min: 1, max: 9 }), rounds: fc.integer({ min: 1, max: 4 }) });
const whole = uneven[0] + uneven[1] + uneven[2];

describe('bubbles', () => {
  it.each(['gpipe', '1f1b'] as const)('%s waits p - 1 microbatches', (schedule) => {
    fc.assert(
      fc.property(shapes, ({ stages, rounds }) => {
        const m = stages * rounds;
        expect(run(schedule, stages, m).seconds).toBeCloseTo((m + stages - 1) * whole, 9);
      }),
      { numRuns: 30 },
    );
  });

  it('interleaved waits (p - 1) / v', () => {
    fc.assert(
      fc.property(shapes, fc.integer({ min: 2, max: 4 }), ({ stages, rounds }, chunks) => {
        const m = stages * rounds;
        const got = run('interleaved', stages, m, chunks).seconds / chunks;
        expect(got).toBeCloseTo((m + (stages - 1) / chunks) * whole, 9);
      }),
      { numRuns: 30 },
    );
  });

  it('zero-bubble waits (p - 1)(F + B - W)', () => {
    fc.assert(
      fc.property(shapes, ({ stages, rounds }) => {
        const m = 2 * stages * rounds;
        const [f, b, w] = uneven;
        expect(run('zero-bubble', stages, m).seconds).toBeCloseTo(m * whole + (stages - 1) * (f + b - w), 9);
      }),
      { numRuns: 30 },
    );
  });
});

describe('orders', () => {
  it.each(SCHEDULES)('%s does every microbatch once each way, forward first', (schedule) => {
    const chunks = schedule === 'interleaved' ? 3 : 1;
    const kinds = schedule === 'zero-bubble' ? ['F', 'B', 'W'] : ['F', 'B'];
    for (const actions of run(schedule, 4, 8, chunks).order) {
      const at = new Map(actions.map((a, i) => [`${a.kind}${a.microbatch}.${a.chunk}`, i]));
      expect(actions.length).toBe(at.size);
      expect(at.size).toBe(8 * chunks * kinds.length);
      for (const { microbatch, chunk } of actions) {
        const places = kinds.map((k) => at.get(`${k}${microbatch}.${chunk}`) as number);
        expect(places).toEqual(places.toSorted((a, b) => a - b));
      }
    }
  });

  it('1F1B holds as many microbatches as stages follow; zero-bubble no more than the first of these', () => {
    for (const schedule of ['1f1b', 'zero-bubble'] as const) {
      run(schedule, 4, 12).order.forEach((actions, stage) => {
        let held = 0;
        let most = 0;
        for (const { kind } of actions) {
          if (kind === 'F') held++;
          if (kind === (schedule === '1f1b' ? 'B' : 'W')) held--;
          most = Math.max(most, held);
        }
        if (schedule === '1f1b') expect(most).toBe(4 - stage);
        else expect(most).toBeLessThanOrEqual(4);
      });
    }
  });
});

it('a send delays each hop, once each way', () => {
  expect(run('1f1b', 4, 1, 1, 0.5).seconds).toBeCloseTo(4 * whole + 6 * 0.5, 9);
});
