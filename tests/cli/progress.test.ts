/** A bar on terminals after a second, gone at the end; elsewhere a line now and then in work that takes over ten. */
import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { progressOn } from '../../compiler/progress.ts';

beforeEach(() => vi.useFakeTimers({ toFake: ['performance'] }));
afterEach(() => vi.useRealTimers());

function written(isTTY: boolean, use: (progress: ReturnType<typeof progressOn>) => void): string {
  let text = '';
  const out = { isTTY, write: (s: string) => (text += s) } as unknown as NodeJS.WriteStream;
  use(progressOn(out, 'check', 4));
  return text;
}

const slow = (progress: ReturnType<typeof progressOn>): void => {
  for (let i = 0; i < 4; i++) {
    vi.advanceTimersByTime(600);
    progress.step();
  }
  progress.end();
};

it('a terminal sees how far it is, and nothing of it in the end', () => {
  const text = written(true, slow);
  expect(text).toContain(' 50 %');
  expect(text).toContain('100 %');
  expect(text.endsWith('\r\u001b[K')).toBe(true);
});

it('a log has a line of how far it is after ten seconds, and no control characters', () => {
  const text = written(false, (progress) => {
    for (let i = 0; i < 4; i++) {
      vi.advanceTimersByTime(9000);
      progress.step();
    }
    progress.end();
  });
  expect(text).toBe('check 50 %\n');
});

it('work under a second, in a log under ten: nothing', () => {
  expect(written(false, slow)).toBe('');
  expect(
    written(true, (progress) => {
      progress.step();
      progress.end();
    }),
  ).toBe('');
});
