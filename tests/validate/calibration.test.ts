/** Machine files hold what the fit of at most three named rows per chip gives, or what they share with such a chip. */
import { describe, expect, test } from 'vitest';
import { machine, machineNames } from '../../runtime-sim/machine/machine.ts';
import { DISPATCH } from './bench.ts';
import { calibrated, HELD, isHeld, numberAt, type Parameter } from './calibrate.ts';
import { nameOf } from './row.ts';
import { rows } from './rows.ts';
import { SHARED } from './shared.ts';

const all = rows();
const inFile = (chip: string, parameter: Parameter): number =>
  parameter === 'dispatch' ? (DISPATCH[chip] ?? 0) : numberAt(machine(chip), parameter);

/** Whose rows are lowered by JAX and compiled at their true size: minutes. `npm run calibrate` fits them. */
const LONG = new Set(['tpu-v3-core']);

describe('calibration', () => {
  test.each(Object.entries(HELD))('%s is held to at most three rows, a parameter each', (chip, held) => {
    expect(held.length).toBeLessThanOrEqual(3);
    expect(new Set(held.map(([parameter]) => parameter)).size).toBe(held.length);
    expect(all.filter((r) => r.chip === chip && isHeld(r)).map(nameOf)).toHaveLength(held.length);
  });

  test.each(Object.keys(HELD).filter((chip) => !LONG.has(chip)))(
    '%s has what the fit gives',
    (chip) => {
      for (const [parameter, value] of calibrated(chip, all))
        expect([parameter, inFile(chip, parameter)]).toEqual([parameter, value]);
    },
    120_000,
  );

  test.each(SHARED)('%s of %s is shared', (parameter, from, chips) => {
    expect((HELD[from] ?? []).map(([own]) => own)).toContain(parameter);
    for (const chip of chips) expect([chip, inFile(chip, parameter)]).toEqual([chip, inFile(from, parameter)]);
  });

  test('every parameter of every preset that a row can give is given by one, or shared', () => {
    const given = (chip: string, parameter: Parameter): boolean =>
      (HELD[chip] ?? []).some(([own]) => own === parameter) ||
      SHARED.some(([own, from, chips]) => own === parameter && (from === chip || chips.includes(chip)));
    const open = machineNames().flatMap((chip) => {
      const torus: Parameter[] = ['network.hopLatency', 'network.efficiency', 'compute.launch', 'compute.staging'];
      const own: Parameter[] = machine(chip).network.kind === 'torus' ? torus : ['network.levels.0.efficiency'];
      const wanted: Parameter[] = ['compute.efficiency.best', 'network.setup', ...own];
      return wanted.filter((parameter) => !given(chip, parameter)).map((parameter) => `${chip} ${parameter}`);
    });
    expect(open).toEqual([]);
  });
});
