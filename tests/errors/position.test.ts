/** Lines and columns are found through a table of chunks: they are those of counting from the start. */
import { expect, it } from 'vitest';
import { position } from '../../ir/diagnostics.ts';

const counted = (text: string, offset: number): { line: number; column: number } => {
  const before = text.slice(0, offset).split('\n');
  return { line: before.length, column: (before.at(-1) as string).length + 1 };
};

it.each([
  ['nothing', ''],
  ['line breaks only', '\n'.repeat(9000)],
  ['lines of many lengths', Array.from({ length: 900 }, (_, i) => 'l'.repeat(i % 17)).join('\n')],
  ['lines longer than a chunk', `${'x'.repeat(5000)}\n`.repeat(3)],
  ['breaks at the ends of chunks', `${'x'.repeat(4095)}\n${'y'.repeat(4096)}\n\nz`],
])('%s', (_, text) => {
  const source = { file: 'a.tir', text };
  const places = Array.from({ length: 400 }, (_, i) => Math.floor((i * text.length) / 399));
  const near = [4094, 4095, 4096, 4097, 8191, 8192, 8193].filter((at) => at <= text.length);
  for (const at of [...places, ...near]) expect(position(source, at)).toEqual(counted(text, at));
});
