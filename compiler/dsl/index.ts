/** The language that models are written in. */
export {
  Tensor,
  type Matrix,
  type Operand,
  type Scalar,
  type Shape,
  type Tensor3,
  type Tensor4,
  type Vector,
} from './tensor.ts';
export { mesh, open, priority, rules, shard, type DimSpec, type MeshOptions, type Rules } from './mesh.ts';
export { bf16, f16, f32, f64, i32, i64, pred, Spec, spec, type SpecsOf, stacked, u32, u8 } from './spec.ts';
export { trace, Traced, type TraceOptions } from './trace-function.ts';
export { type ArraysOf, compile, Program, type ProgramOptions } from './program.ts';
export { type ArrayLike, type NDArray, toNested } from './arrays.ts';
export { treeMap, type MapTree, type Tree } from './tree.ts';
export * from './ops/complex.ts';
export * from './ops/contractions.ts';
export * from './ops/creation.ts';
export * from './ops/elementwise.ts';
export * from './ops/indexing.ts';
export * from './ops/linear-algebra.ts';
export * from './ops/normalisation.ts';
export * from './ops/random-bits.ts';
export * from './ops/reductions.ts';
export * from './ops/shaping.ts';
export * from './ops/structural.ts';
export * from './ops/windows.ts';
export { cond, fori, scan, type ScanOptions, switchCase, whileLoop } from './control.ts';
export {
  checkpoint,
  type CheckpointOptions,
  checkpointPolicies,
  grad,
  type GradOptions,
  valueAndGrad,
  vjp,
} from './transforms.ts';
export { customVjp } from './custom-vjp.ts';
export { vmap, type VmapOptions } from './vmap.ts';
export * as nn from './nn/index.ts';
export * as random from './random.ts';
export * as optim from './optim.ts';
export {
  allGather,
  allToAll,
  axisIndex,
  axisSize,
  pmax,
  pmean,
  pmin,
  ppermute,
  pshift,
  psum,
  reduceScatter,
  shardMap,
  type ShardMapOptions,
} from './shard-map.ts';
