/** Aligned columns under a dim title, as every command prints them. */
import pc from 'picocolors';

/** Rows of a table are shown up to here; the rest is counted. */
const MAX_ROWS = 24;

export function section(title: string, rows: readonly (readonly string[])[], empty = 'none'): string {
  if (rows.length === 0) return `${pc.dim(title)}  ${empty}\n`;
  const shown = rows.slice(0, MAX_ROWS);
  const widths = (shown[0] ?? []).map((_, c) => Math.max(...shown.map((r) => (r[c] ?? '').length)));
  const lines = shown.map(
    (r) => `  ${r.map((cell, c) => (c === r.length - 1 ? cell : cell.padEnd(widths[c] ?? 0))).join('  ')}`,
  );
  if (rows.length > MAX_ROWS) lines.push(pc.dim(`  … and ${rows.length - MAX_ROWS} more`));
  return `${pc.dim(title)}\n${lines.join('\n')}\n`;
}
