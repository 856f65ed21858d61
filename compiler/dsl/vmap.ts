/** vmap: a function of one example becomes one of a batch of them (jax.vmap). Stages and experts are stacked so. */
import { fullAxis } from '../../ir/mesh.ts';
import { tensor } from '../../ir/types.ts';
import { Batcher } from './batch/batcher.ts';
import { ensure } from './batch/rules.ts';
import { Environment } from './blocks.ts';
import { fail } from './errors.ts';
import { dimOf } from './ops/lift.ts';
import { moveDim } from './ops/shaping.ts';
import type { Tensor } from './tensor.ts';
import { functionBlock } from './transforms.ts';
import { currentTrace, type Trace } from './trace.ts';
import { isTensor, leavesOf, tensorsOf, withTensors } from './tree.ts';

export interface VmapOptions {
  /** The mapped dim of every tensor of an argument, null for arguments that all examples share; default 0 for all. */
  readonly inDims?: number | readonly (number | null)[];
  /** Where the batch stands in the results; default 0. */
  readonly outDims?: number;
  /** Mesh axis that the batch lies on, in layouts asked for inside (spmd_axis_name). */
  readonly axis?: string;
}

export function vmap<A extends readonly unknown[], R>(
  fn: (...args: A) => R,
  options: VmapOptions = {},
): (...args: A) => R {
  const { inDims = 0, outDims = 0 } = options;
  return (...args) => {
    const trace = currentTrace();
    const dims = args.map((_, i) => (typeof inDims === 'number' ? inDims : (inDims[i] ?? null)));
    const size = batchSize(args, dims);
    const examples = args.map((arg, i) => one(trace, arg, dims[i] ?? null)) as unknown as A;
    const { block, out } = functionBlock(trace, 'the mapped function', fn, examples);
    const given = args.flatMap((arg, i) =>
      tensorsOf(arg).map((t) => (dims[i] === null ? t : moveDim(t, dims[i] as number, 0))),
    );
    const flags = args.flatMap((arg, i) => tensorsOf(arg).map(() => dims[i] !== null));
    const results = trace.build((b) => {
      const env = new Environment();
      env.setAll(
        block.params,
        given.map((t) => trace.id(t)),
      );
      const batched = block.params.filter((_, i) => flags[i] === true);
      const batcher = new Batcher(b, env, batched, { size, axis: axisOf(trace, options.axis) });
      return batcher.write(block).map((x) => ensure({ b, size }, x));
    });
    const tensors = results.map((id) => trace.tensor(id));
    return withTensors(out, outDims === 0 ? tensors : tensors.map((t) => moveDim(t, 0, outDims)));
  };
}

function axisOf(trace: Trace, name: string | undefined) {
  if (name === undefined) return undefined;
  const { mesh } = trace;
  if (mesh?.axes.some((a) => a.name === name) !== true)
    fail('SH0210', `the mesh has no axis "${name}"`, {
      expected: mesh?.axes.map((a) => a.name).join(', ') ?? 'a mesh',
    });
  return fullAxis(mesh, name);
}

function batchSize(args: readonly unknown[], dims: readonly (number | null)[]): number {
  const found = args.flatMap((arg, i) => {
    const dim = dims[i] ?? null;
    if (dim === null) return [];
    return leavesOf(arg, isTensor, `argument ${i}`).map(({ path, leaf }) => ({
      path,
      size: leaf.shape[dimOf(leaf, dim)] as number,
    }));
  });
  const sizes = new Set(found.map((f) => f.size));
  const [size] = sizes;
  if (size === undefined || sizes.size !== 1)
    fail('SH0611', `vmap over ${found.map((f) => `${f.path}: ${f.size}`).join(', ') || 'no argument'}`, {
      expected: 'one extent along the mapped dims',
      help: 'null in inDims for what all examples share',
    });
  return size;
}

/** Stands for one example: only its types are looked at. */
function one(trace: Trace, arg: unknown, dim: number | null): unknown {
  if (dim === null) return arg;
  return withTensors(
    arg,
    tensorsOf(arg).map((t): Tensor => {
      const at = dimOf(t, dim);
      const id = trace.id(t);
      return trace.tensor(
        trace.b.value(
          tensor(
            trace.b.typeOf(id).dtype,
            t.shape.filter((_, d) => d !== at),
          ),
        ),
      );
    }),
  );
}
