/** `--machine`: a preset's name, or a JSON file; `--topology` and `--place`: how the mesh lies on it. */
import { userError } from '../ir/diagnostics.ts';
import { machine as presetMachine, type Machine, parseMachine } from '../runtime-sim/machine/machine.ts';
import type { PlacementWish } from '../runtime-sim/machine/placement.ts';
import { parseJson } from './json.ts';
import { readSource } from './load.ts';

export function loadMachine(name: string): Machine {
  if (!name.endsWith('.json')) return presetMachine(name);
  return parseMachine(parseJson(readSource(name), 'SH0803'), name);
}

export function parsePlacement(topology: string | undefined, place: string | undefined): PlacementWish {
  return {
    ...(topology === undefined ? {} : { shape: wholeNumbers(topology, 'x', '--topology') }),
    ...(place === undefined ? {} : { axes: Object.fromEntries(place.split(',').map(placeOf)) }),
  };
}

function placeOf(entry: string): [string, number[]] {
  const [axis = '', dims = ''] = entry.split('=');
  return [axis.trim(), wholeNumbers(dims, '+', '--place')];
}

function wholeNumbers(text: string, separator: string, option: string): number[] {
  const numbers = text.split(separator).map((n) => (/^\s*\d+\s*$/.test(n) ? Number(n) : Number.NaN));
  if (!numbers.some(Number.isNaN)) return numbers;
  throw userError('SH0804', `${option} does not read "${text}"`, {
    expected: option === '--topology' ? 'extents, as 8x16' : 'dims per axis, as x=0,y=1+2',
  });
}
