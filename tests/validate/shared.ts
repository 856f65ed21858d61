/** Parameters that chips have of another chip's rows (calibrate.ts): the same software, or the same kind of unit. */
import type { Parameter } from './calibrate.ts';

const TPUS = ['tpu-v2', 'tpu-v2-core', 'tpu-v3', 'tpu-v3-core', 'tpu-v4', 'tpu-v5e', 'tpu-v5p', 'tpu-v6e', 'tpu7x'];
const NEW_GPUS = ['h100', 'h200', 'b200', 'gb200-nvl72'];

/** [parameter, whose rows give it, chips that share it]. */
export const SHARED: readonly (readonly [Parameter, string, readonly string[]])[] = [
  ['compute.launch', 'tpu7x', TPUS],
  ['compute.staging', 'tpu7x', TPUS],
  ['network.hopLatency', 'tpu-v5e', TPUS],
  ['network.setup', 'tpu-v5e', ['tpu-v4', 'tpu-v5p', 'tpu-v6e', 'tpu7x']],
  ['network.setup', 'tpu-v3-core', ['tpu-v2', 'tpu-v2-core', 'tpu-v3']],
  ['network.efficiency', 'tpu-v5e', TPUS.filter((chip) => chip !== 'tpu-v5p')],
  ['compute.efficiency.best', 'tpu-v6e', ['tpu-v4', 'tpu-v5e', 'tpu-v5p']],
  ['compute.efficiency.best', 'tpu-v3-core', ['tpu-v2', 'tpu-v2-core', 'tpu-v3']],
  ['compute.efficiency.best', 'a100', ['v100', ...NEW_GPUS]],
  ['network.setup', 'a100', NEW_GPUS],
  ['network.levels.0.efficiency', 'h100', ['h200', 'b200', 'gb200-nvl72']],
];
