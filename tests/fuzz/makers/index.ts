import { CONTROL_FLOW } from './control-flow.ts';
import { LIBRARY_OPS } from './library-ops.ts';
import type { OpMaker } from './maker.ts';
import { MANUAL } from './manual.ts';
import { REGISTRY_OPS } from './registry-ops.ts';
import { TENSOR_OPS } from './tensor-ops.ts';

/** The simplest first: a stream of choices that ends picks it. */
export const OP_MAKERS: readonly OpMaker[] = [
  ...Object.values(TENSOR_OPS),
  ...Object.values(LIBRARY_OPS),
  ...Object.values(CONTROL_FLOW),
  ...Object.values(MANUAL),
  ...Object.values(REGISTRY_OPS),
  ...Object.values(REGISTRY_OPS),
  ...Object.values(REGISTRY_OPS),
];
