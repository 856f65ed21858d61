/** The progress bar: on terminals only, after a second, gone at the end. */
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

it('no terminal, or work under a second: nothing', () => {
  expect(written(false, slow)).toBe('');
  expect(
    written(true, (progress) => {
      progress.step();
      progress.end();
    }),
  ).toBe('');
});
