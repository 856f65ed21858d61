/**
 * The step's end on one device: gradients of one kind of layer, laid end to end in one buffer as Megatron and ZeRO do, are
 * summed over replicas and update the weights. Under zero 1 each replica sums and updates its part, and the weights are
 * gathered; under zero 2 and 3 the sums over the group are made in the backward pass already.
 */
import { registry } from '../../ir/ops/index.ts';
import { type DType, DTYPES } from '../../ir/types.ts';
import type { Module } from '../../ir/program.ts';
import { compile } from '../compile.ts';
import { type DimSpec, mesh, shard } from '../dsl/mesh.ts';
import { convert } from '../dsl/ops/elementwise.ts';
import { sum } from '../dsl/ops/reductions.ts';
import { adam, type Optimizer, sgd } from '../dsl/optim.ts';
import { type Spec, spec } from '../dsl/spec.ts';
import type { Tensor } from '../dsl/tensor.ts';
import { trace } from '../dsl/trace-function.ts';
import { type Axes, zeroGroupOf } from './axes.ts';
import type { Description } from './description.ts';
import { planPrices } from './prices.ts';

export interface OptimizerProgram {
  readonly local: Module;
  /** Of one device: master weights and the optimizer's state. */
  readonly stateBytes: number;
}

/** `elements`: of gradients on one device. */
export function optimizerProgram(elements: number, d: Description, axes: Axes): OptimizerProgram {
  const group = zeroGroupOf(d);
  const sizes = { outer: d.dp / group, group: group / axes.replicas, inner: axes.replicas * d.cp, tensor: d.tp };
  const there = Object.entries(sizes).filter(([, n]) => n > 1);
  const on = (...names: string[]): DimSpec => names.filter((n) => there.some(([axis]) => axis === n));
  const own = sizes.inner * sizes.tensor;
  const padded = Math.ceil(elements / group) * group;
  const summed = on('outer', 'group');
  const split = d.zero === 1 ? on('group') : null;
  const device = on('inner', 'tensor');
  const whole = d.zero === 2 ? on('tensor') : device;
  const of = (dtype: DType): Spec => spec(dtype, [own, padded], device, split) as Spec;
  const method = d.optimizer === 'adam' ? adam({ learningRate: 1e-3 }) : sgd({ learningRate: 1e-3 });
  const state = method.specs({ flat: of('f32') });
  const { run } = update(method, d.dtype, [device, split], [whole, null]);
  const grads = spec(d.gradients, [sizes.outer * sizes.group, own, padded], summed, device, null);
  const options = { mesh: mesh(there.length === 0 ? { data: 1 } : Object.fromEntries(there)), name: 'update' };
  const traced = trace(run as never, { ...options, args: [grads, { flat: of('f32') }, state] } as never);
  const { local } = compile(traced.module, { registry, prices: planPrices });
  const copies = (d.optimizer === 'adam' ? 2 : 0) + (DTYPES[d.dtype].bits < 32 ? 1 : 0);
  return { local: local as Module, stateBytes: (4 * copies * padded) / (d.zero === 1 ? sizes.group : 1) };
}

interface Flat {
  readonly flat: Tensor;
}

function update(method: Optimizer, dtype: DType, device: readonly DimSpec[], whole: readonly DimSpec[]) {
  return {
    run(grads: Tensor, master: Flat, state: object) {
      const total = convert(shard(sum(grads, 0), ...device), 'f32');
      const [next, after] = method.update({ flat: total }, state, { flat: master.flat });
      return { weights: shard(convert(next.flat, dtype), ...whole), master: next, state: after };
    },
  };
}
