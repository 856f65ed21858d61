/** What padding costs, where it is worth telling: in the report and in `explain`. */
import type { PaddingCost } from '../runtime-sim/cost/padding-cost.ts';
import { section } from './tables.ts';
import { bytesText, flopsText, percentText } from './units.ts';

/** Below this share of the arithmetic and of the wire nothing is said. */
const WORTH_TELLING = 0.01;
/** Source lines shown. */
const TOP = 5;

/** None, or a table of the source lines that padding costs most. */
export function paddingLines({ flops, flopsShare, wireBytes, wireShare, causes }: PaddingCost): string[] {
  if (flopsShare <= WORTH_TELLING && wireShare <= WORTH_TELLING) return [];
  const title = `padding costs ${percentText(flopsShare)} of the matrix arithmetic (${flopsText(flops)}), ${percentText(wireShare)} of the wire (${bytesText(wireBytes)})`;
  const rows = causes
    .slice(0, TOP)
    .map((c) => [
      c.place,
      c.dims,
      c.flops > 0 ? flopsText(c.flops) : '',
      c.wireBytes > 0 ? bytesText(c.wireBytes) : '',
    ]);
  return [
    section(
      title,
      rows.map((r) => (r[3] === '' ? r.slice(0, 3) : r)),
    ),
  ];
}
