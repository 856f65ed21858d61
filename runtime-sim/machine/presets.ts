/** The machines that are known by name: one data file each, with where its numbers come from. */
import a100 from './data/a100.json' with { type: 'json' };
import b200 from './data/b200.json' with { type: 'json' };
import gb200 from './data/gb200-nvl72.json' with { type: 'json' };
import h100 from './data/h100.json' with { type: 'json' };
import h200 from './data/h200.json' with { type: 'json' };
import v2 from './data/tpu-v2.json' with { type: 'json' };
import v2Core from './data/tpu-v2-core.json' with { type: 'json' };
import v3 from './data/tpu-v3.json' with { type: 'json' };
import v3Core from './data/tpu-v3-core.json' with { type: 'json' };
import v4 from './data/tpu-v4.json' with { type: 'json' };
import v5e from './data/tpu-v5e.json' with { type: 'json' };
import v5p from './data/tpu-v5p.json' with { type: 'json' };
import v6e from './data/tpu-v6e.json' with { type: 'json' };
import tpu7x from './data/tpu7x.json' with { type: 'json' };
import v100 from './data/v100.json' with { type: 'json' };

/** As read: machine.ts checks them by the schema that users' files are checked by. */
export const PRESETS: readonly { readonly name: string }[] = [
  v2,
  v2Core,
  v3,
  v3Core,
  v4,
  v5e,
  v5p,
  v6e,
  tpu7x,
  v100,
  a100,
  h100,
  h200,
  b200,
  gb200,
];
