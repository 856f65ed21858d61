/** Random programs, meshes and layouts: every level computes what one device computes. */
import { fuzzShard } from './run-programs.ts';

fuzzShard(2);
