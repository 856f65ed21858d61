/** `npm run wire [part of a name…]`: ours beside XLA's for every program of this folder, as a table. */
import { DiagnosticError } from '../../compiler/index.ts';
import { ratio, Tally } from '../tally.ts';
import { compiled, type Figures, figuresOf, isKnownLoss, XLA } from './measured.ts';

const parts = process.argv.slice(2);
const tally = new Tally();
let [lost, refused, unexpected, moved] = [0, 0, 0, 0];
for (const [name, xla] of Object.entries(XLA)) {
  if (parts.length > 0 && !parts.some((p) => name.includes(p))) continue;
  const ours = measured(name);
  if (typeof ours === 'string') {
    refused++;
    if (!isKnownLoss(name)) unexpected++;
    console.log(`${name.padEnd(44)} ${ours}`);
    continue;
  }
  const { ratio: wire, isLost } = tally.add(ours.bytes, xla.bytes);
  const flops = ratio(ours.flops, xla.flops);
  const otherwise = ours.results.filter((tiles, i) => tiles !== xla.results[i]).length;
  moved += otherwise;
  const bad = isLost || flops > 1.02 || otherwise > 0;
  if (bad) lost++;
  if (bad && !isKnownLoss(name)) unexpected++;
  console.log(
    `${name.padEnd(44)} ${String(Math.round(ours.bytes)).padStart(9)} / ${String(xla.bytes).padStart(9)} ${wire.toFixed(3).padStart(8)}  flops ${flops.toFixed(3)} ${bad ? 'LOST' : '    '} ${counts(ours)}${parts.length > 0 ? ` | ${counts(xla)}` : ''}`,
  );
}
console.log(`${tally}; with flops and layouts ${lost} lost, ${refused} refused, ${moved} results laid out otherwise`);

if (unexpected > 0) process.exitCode = 1;

function measured(name: string): Figures | string {
  try {
    return figuresOf(compiled(name));
  } catch (error) {
    if (error instanceof DiagnosticError)
      return error.diagnostics
        .map((d) => `${d.code} ${d.message}`)
        .join('; ')
        .slice(0, 160);
    return `BUG ${error instanceof Error ? error.message : String(error)}`;
  }
}

function counts({ count }: Figures): string {
  return Object.entries(count)
    .map(([kind, n]) => `${kind.replace(/-/g, '_')}:${n}`)
    .join(' ');
}
