/** What padding costs: shares by hand, in the report, its text and `explain`. */
import { describe, expect, it } from 'vitest';
import { compile, explainOverview, machine, makeReport, parseTir, type Report } from '../../compiler/index.ts';
import { summaryText } from '../../compiler/summary.ts';

const NOT_RUN = { mode: 'off', devices: 4, maxRelError: null, verdict: 'not run' } as const;

/** Rows over four devices, then gathered: only the rows that are there are asked for. */
const program = (rows: number) =>
  compile(
    parseTir({
      file: 'rows.tir',
      text: `module @m
mesh @mesh {x=4}
func @main(%a: f32[${rows}, 8] @{_, _}, %w: f32[8, 8] @{_, _}) -> (f32[${rows}, 8] @{_, _}) {
  %b = sharding_constraint %a, @{x, _}
  %c = matmul %b, %w
  return %c
}
`,
    }),
  );

const reported = (rows: number): Report => makeReport(program(rows), machine('tpu-v5e'), NOT_RUN).report;

describe('padding', () => {
  it('13 rows over 4 devices: 3 of 16 are none', () => {
    const { padding } = reported(13);
    // Of one device: 4 rows of 8 by 8, and 12 of 16 rows received.
    expect(padding.flopsShare).toBeCloseTo(3 / 16);
    expect(padding.flops).toBeCloseTo((3 / 16) * 2 * 4 * 8 * 8);
    expect(padding.wireShare).toBeCloseTo(3 / 16);
    expect(padding.wireBytes).toBeCloseTo((3 / 16) * 12 * 8 * 4);
    expect(padding.causes).toMatchObject([
      { place: expect.stringMatching(/^rows.tir:\d$/), dims: '13 → 16' },
      { place: expect.stringMatching(/^rows.tir:\d$/), dims: '13 → 16' },
    ]);
  });

  it('is told where it costs more than a hundredth', () => {
    expect(summaryText('rows.tir', reported(13))).toMatch(
      /padding costs 18.8 % of the matrix arithmetic[^\n]*\n.*rows.tir:\d/,
    );
    expect(explainOverview(program(13))).toContain('13 → 16');
    for (const even of [12, 4096 - 1]) {
      expect(summaryText('rows.tir', reported(even))).not.toContain('padding costs');
      expect(explainOverview(program(even))).not.toContain('padding costs');
    }
    expect(reported(12).padding).toMatchObject({ flops: 0, wireBytes: 0, causes: [] });
  });
});
