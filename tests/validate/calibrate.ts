/**
 * `npm run calibrate`: what each chip is held to, and the parameters that come of it. At most three rows per chip, a
 * parameter each; everything else in a machine file is from its datasheet or shared, and all other rows are predictions.
 */
import { machine } from '../../compiler/index.ts';
import { parseMachine, type Machine } from '../../runtime-sim/machine/machine.ts';
import { type Bench, nameOf, type Row } from './row.ts';
import { rows } from './rows.ts';

/** Where a parameter stands in a machine file; or `dispatch`, of a source's measurements (bench.ts). */
export type Parameter =
  | 'compute.efficiency.best'
  | 'compute.launch'
  | 'compute.staging'
  | 'network.setup'
  | 'network.hopLatency'
  | 'network.efficiency'
  | 'network.levels.0.efficiency'
  | 'dispatch';

const BOOK = 'scaling book, measured: ';
const NCCL = 'NCCL all-reduce (vTrain): ';
const GSPMD = 'GSPMD dense (table 2, recalled): ';

/** chip → [parameter, the row that gives it]. */
export const HELD: Readonly<Record<string, readonly (readonly [Parameter, string])[]>> = {
  'tpu-v5e': [
    ['network.hopLatency', `${BOOK}all_gather of 0.13 MB on 16`],
    ['network.setup', `${BOOK}bf16[256, 256] gathered on a line of 4`],
    ['network.efficiency', `${BOOK}all_gather of 1.0 GB on 16`],
  ],
  'tpu-v5p': [
    ['dispatch', `${BOOK}all_reduce of 4.2 MB on 4`],
    ['network.efficiency', `${BOOK}all_reduce of 8.6 GB on 4`],
  ],
  'tpu-v6e': [['compute.efficiency.best', 'tpu-recipes, matrix product: 8192³ bf16']],
  tpu7x: [
    ['compute.launch', 'tpu-recipes, matrix product per half chip: 512³ bf16'],
    ['compute.staging', 'tpu-recipes, matrix product per half chip: 2048³ bf16'],
    ['compute.efficiency.best', 'tpu-recipes, matrix product per half chip: 16384³ bf16'],
  ],
  'tpu-v3-core': [
    ['compute.efficiency.best', `${GSPMD}L128 M16384 F131072, 32x64, batch 128`],
    ['network.setup', 'GShard: all_to_all, 2048 cores'],
  ],
  a100: [
    ['network.setup', `${NCCL}1 MiB on 8 × a100`],
    ['network.levels.0.efficiency', `${NCCL}1024 MiB on 8 × a100`],
    ['compute.efficiency.best', 'Korthikanti, one layer of 22B: as it is'],
  ],
  v100: [
    ['network.setup', `${NCCL}1 MiB on 8 × v100`],
    ['network.levels.0.efficiency', `${NCCL}1024 MiB on 8 × v100`],
  ],
  h100: [
    ['dispatch', `${BOOK}all_reduce of 4.2 MB on 8`],
    ['network.levels.0.efficiency', `${BOOK}all_reduce of 8.6 GB on 8`],
  ],
};

export const isHeld = (row: Row): boolean => (HELD[row.chip] ?? []).some(([, name]) => name === nameOf(row));

/** Bounds of each, and where the search begins whatever the file holds. */
const RANGE: Readonly<Record<Parameter, readonly [least: number, most: number]>> = {
  'compute.efficiency.best': [0.3, 1],
  'compute.launch': [0, 1e-4],
  'compute.staging': [0, 1e-4],
  'network.setup': [0, 1e-3],
  'network.hopLatency': [0, 1e-4],
  'network.efficiency': [0.2, 1],
  'network.levels.0.efficiency': [0.2, 1],
  dispatch: [0, 1e-2],
};

interface Fit {
  readonly on: Machine;
  readonly bench: Bench;
}

/** The fit of one chip: each parameter is solved for its row, in turn, until none changes by a part in 10,000. */
export function calibrated(chip: string, known: readonly Row[] = rows()): ReadonlyMap<Parameter, number> {
  const held = (HELD[chip] ?? []).map(([parameter, name]) => {
    const row = known.find((r) => r.chip === chip && nameOf(r) === name);
    if (row === undefined) throw new Error(`${chip} is held to a row that is not there: ${name}`);
    return { parameter, row };
  });
  const values = new Map(held.map(({ parameter }) => [parameter, (RANGE[parameter][0] + RANGE[parameter][1]) / 2]));
  for (let change = 1; change > 1e-4; ) {
    change = 0;
    for (const { parameter, row } of held) {
      const before = values.get(parameter) as number;
      const off = (value: number): number => {
        const { on, bench } = withValues(chip, values, parameter, value);
        return row.predict(on, bench) / row.published - 1;
      };
      const after = solve(off, RANGE[parameter]);
      values.set(parameter, after);
      change = Math.max(change, Math.abs(after - before) / Math.max(after, 1e-12));
    }
  }
  return new Map([...values].map(([parameter, value]) => [parameter, Number(value.toPrecision(3))]));
}

function withValues(chip: string, values: ReadonlyMap<Parameter, number>, own: Parameter, value: number): Fit {
  const json = structuredClone(machine(chip)) as object;
  let dispatch = 0;
  for (const [parameter, v] of new Map(values).set(own, value)) {
    if (parameter === 'dispatch') dispatch = v;
    else setAt(json, parameter, v);
  }
  return { on: parseMachine(json, chip), bench: { dispatch } };
}

type Tree = { [key: string]: Tree | number };

function setAt(json: object, path: string, value: number): void {
  const keys = path.split('.');
  const last = keys.pop() as string;
  const parent = keys.reduce((at, key) => at[key] as Tree, json as Tree);
  parent[last] = value;
}

export const numberAt = (json: object, path: string): number =>
  path.split('.').reduce<unknown>((at, key) => (at as Tree)[key], json) as number;

/** Where `off` is zero: regula falsi (Illinois). `off` is monotonous; without a zero the nearer bound. */
function solve(off: (value: number) => number, [least, most]: readonly [number, number]): number {
  let [a, b] = [least, most];
  let [fa, fb] = [off(a), off(b)];
  if (fa * fb > 0) return Math.abs(fa) < Math.abs(fb) ? a : b;
  for (let i = 0; i < 60; i++) {
    const next = (a * fb - b * fa) / (fb - fa);
    const f = off(next);
    if (Math.abs(f) < 1e-6) return next;
    if (f * fb < 0) [a, fa] = [b, fb];
    else fa /= 2;
    [b, fb] = [next, f];
  }
  return b;
}

if (process.argv[1]?.endsWith('calibrate.ts') === true) {
  const only = process.argv.slice(2);
  for (const chip of Object.keys(HELD).filter((c) => only.length === 0 || only.includes(c))) {
    for (const [parameter, value] of calibrated(chip)) {
      const has = parameter === 'dispatch' ? '' : ` (file: ${numberAt(machine(chip), parameter)})`;
      console.log(`${chip}  ${parameter} = ${value}${has}`);
    }
  }
}
