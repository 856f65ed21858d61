/** `--machine`: a preset's name, or a JSON file. */
import { userError } from '../ir/diagnostics.ts';
import { machine as presetMachine, type Machine, parseMachine } from '../runtime-sim/cost/machine.ts';
import { readSource } from './load.ts';

export function loadMachine(name: string): Machine {
  if (!name.endsWith('.json')) return presetMachine(name);
  const { text } = readSource(name);
  try {
    return parseMachine(JSON.parse(text), name);
  } catch (error) {
    if (error instanceof SyntaxError) throw userError('SH0803', `${name} is not JSON: ${error.message}`);
    throw error;
  }
}
