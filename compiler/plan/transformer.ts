/**
 * The transformer of a description, in the DSL: embedding, a layer, and the head with its loss. Layouts are asked for where
 * a Megatron or GSPMD engineer asks for them: of weights (weights.ts), and of activations between and within blocks; the
 * compiler finds the rest.
 */
import { type DimSpec, shard } from '../dsl/mesh.ts';
import { rotate } from '../dsl/nn/attention.ts';
import { mixture, route } from '../dsl/nn/experts.ts';
import { einsum } from '../dsl/ops/contractions.ts';
import { causalMask, iota } from '../dsl/ops/creation.ts';
import {
  add,
  convert,
  divide,
  equal,
  gelu,
  multiply,
  relu,
  rsqrt,
  select,
  silu,
  square,
  subtract,
} from '../dsl/ops/elementwise.ts';
import { take } from '../dsl/ops/indexing.ts';
import { logSumExp, mean, softmax, sum } from '../dsl/ops/reductions.ts';
import { broadcastTo, expandDims, indexInDim, reshape, sliceInDim, squeeze } from '../dsl/ops/shaping.ts';
import { named, optimizationBarrier } from '../dsl/ops/structural.ts';
import type { Tensor } from '../dsl/tensor.ts';
import { customVjp } from '../dsl/custom-vjp.ts';
import type { Axes } from './axes.ts';
import type { Description, Model } from './description.ts';

export type Weights = Readonly<Record<string, Tensor>>;

/** Dropout masks of a layer, a byte an element: what a generator would write. */
export interface Masks {
  readonly attention?: Tensor;
  readonly afterAttention?: Tensor;
  readonly afterFfn?: Tensor;
}

export class Transformer {
  private readonly d: Description;
  private readonly m: Model;
  private readonly axes: Axes;

  constructor(d: Description, axes: Axes) {
    [this.d, this.m, this.axes] = [d, d.model, axes];
  }

  /** Between blocks. */
  get outer(): readonly DimSpec[] {
    return [this.axes.batch, this.axes.outerSequence, this.axes.outerFeatures];
  }

  embed(w: Weights, ids: Tensor): Tensor {
    const x = take(w.table as Tensor, ids, 0);
    const placed = w.positions === undefined ? x : add(x, w.positions);
    return shard(placed as Tensor, ...this.outer);
  }

  /** x [batch, sequence, width] → the same. */
  layer(w: Weights, x: Tensor, masks: Masks): Tensor {
    const ffn = w.expert_in === undefined ? this.ffn : this.experts;
    const n1 = this.norm('norm1', w, x);
    const attended = this.attention(w, n1, masks);
    if (this.m.parallelBlock)
      return this.between(add(add(x, this.dropped(attended, masks.afterAttention)), ffn(w, n1)) as Tensor);
    const h = this.kept(add(x, this.dropped(attended, masks.afterAttention)) as Tensor, 'middle');
    return this.between(add(h, this.dropped(ffn(w, this.norm('norm2', w, h)), masks.afterFfn)) as Tensor);
  }

  /** The mean loss over labels [batch, sequence]. */
  loss(w: Weights, x: Tensor, labels: Tensor): Tensor {
    const { batch, sequence, tensor } = this.axes;
    const scores = einsum('bsm,vm->bsv', this.norm('norm', w, x), w.table as Tensor);
    const logits = convert(shard(scores, batch, sequence, tensor), 'f32');
    const classes = iota(logits.shape, 2);
    const own = equal(classes, broadcastTo(expandDims(labels, 2), logits.shape));
    return mean(subtract(logSumExp(logits, -1), sum(select(own, logits, 0) as Tensor, -1)) as Tensor);
  }

  private between = (x: Tensor): Tensor => shard(x, ...this.outer);

  /** Laid out so where it is made, and again where it is read after it was kept: not gathered in between. */
  private kept = (x: Tensor, name: string): Tensor =>
    this.between(named(this.between(this.kernelEnd(this.between(x))), name));

  private saved = (x: Tensor, name: string): Tensor => named(this.kernelEnd(x), name);

  /** Eager frameworks run what they keep in kernels of their own, and their gradients too. */
  private kernelEnd = (x: Tensor): Tensor => (this.d.eager ? optimizationBarrier(x) : x);

  private scoresEnd = (x: Tensor): Tensor => (this.m.fusedAttention ? x : this.kernelEnd(x));

  /** In f32, as everybody computes norms. */
  private norm(name: string, w: Weights, x: Tensor): Tensor {
    const wide = convert(this.d.eager ? this.between(this.kernelEnd(x)) : x, 'f32');
    const centred = this.m.norm === 'rms' ? wide : subtract(wide, mean(wide, -1, { keepDims: true }));
    const factor = rsqrt(add(mean(square(centred as Tensor), -1, { keepDims: true }), 1e-5) as Tensor);
    const unit = convert(multiply(centred, factor) as Tensor, x.dtype);
    const scaled = this.byPart(unit, w[`${name}_scale`], multiply);
    return this.kept(this.byPart(scaled, w[`${name}_bias`], add), name);
  }

  /** x [batch, sequence, features] with a vector of features [copies, features]: each part of the sequence has its copy. */
  private byPart(x: Tensor, vector: Tensor | undefined, join: (a: Tensor, b: Tensor) => unknown): Tensor {
    if (vector === undefined) return x;
    const [copies, features] = vector.shape as readonly [number, number];
    if (copies === 1) return join(x, vector) as Tensor;
    const { batch, tensor } = this.axes;
    const [b, s] = x.shape as readonly [number, number, number];
    const parts = shard(reshape(x, [b, copies, s / copies, features]), batch, tensor, null, null);
    return this.between(reshape(join(parts, reshape(vector, [copies, 1, features])) as Tensor, [b, s, features]));
  }

  private biased = (x: Tensor, bias: Tensor | undefined): Tensor =>
    bias === undefined ? x : (add(x, expandDims(bias, [1, 2])) as Tensor);

  private dropped(x: Tensor, mask: Tensor | undefined): Tensor {
    return mask === undefined ? x : (multiply(multiply(x, convert(mask, x.dtype)), 1 / 0.9) as Tensor);
  }

  /** x [batch, sequence, width] → the same, once per part: what a column-split product reads. Its gradient adds the parts. */
  private spread(x: Tensor): Tensor {
    const { tensor, parts, batch, sequence } = this.axes;
    const whole = shard(x, batch, sequence, null);
    return shard(broadcastTo(expandDims(whole, 0), [parts, ...x.shape]), tensor, batch, sequence, null);
  }

  /** What the parts of a row-split product add up to. */
  private gathered(partial: Tensor): Tensor {
    const { tensor, batch, sequence } = this.axes;
    return this.between(sum(shard(partial, tensor, batch, sequence, null), 0));
  }

  private inside = (x: Tensor, name: string): Tensor => {
    const { tensor, batch, sequence } = this.axes;
    return this.saved(shard(x, tensor, batch, sequence, ...x.shape.slice(3).map(() => null)), name);
  };

  private attention(w: Weights, x: Tensor, masks: Masks): Tensor {
    const { tensor, batch } = this.axes;
    const [q, k, v] = this.queriesKeysValues(w, x);
    const whole = (t: Tensor): Tensor => shard(t, t.shape[0] === 1 ? null : tensor, batch, null, null, null);
    const keys = k.shape[0] === q.shape[0] ? 't' : 'u';
    const scores = divide(einsum(`tbqgnd,${keys}bkgd->tbgnqk`, q, whole(k)), Math.sqrt(q.shape.at(-1) as number));
    const mask = broadcastTo(causalMask(this.m.sequence, this.m.sequence), scores.shape);
    const probabilities = named(this.rowSoftmax(select(mask, scores, -10_000) as Tensor), 'probabilities');
    const kept = named(this.scoresEnd(this.dropped(probabilities, masks.attention)), 'kept');
    const context = this.inside(einsum(`tbgnqk,${keys}bkgd->tbqgnd`, kept, whole(v)), 'context');
    return this.byPart(this.gathered(einsum('tbqgnd,tgndm->tbqm', context, w.out as Tensor)), w.out_bias, add);
  }

  /** q [part, batch, sequence, groups, heads of a group, size], k and v [part, batch, sequence, groups, size]. */
  private queriesKeysValues(w: Weights, x: Tensor): [Tensor, Tensor, Tensor] {
    const project = (name: string, from: Tensor): Tensor => {
      const made = einsum('tbsm,tmgnd->tbsgnd', from, w[name] as Tensor);
      return this.biased(made, w[`${name}_bias`]);
    };
    const parts = this.spread(x);
    if (w.qkv !== undefined) {
      const all = this.inside(project('qkv', parts), 'qkv');
      const heads = (all.shape[4] as number) - 2;
      return [
        this.turned(sliceInDim(all, 0, heads, { dim: 4 })),
        this.turned(indexInDim(all, heads, 4)),
        indexInDim(all, heads + 1, 4),
      ];
    }
    const { batch, sequence } = this.axes;
    const shared = expandDims(shard(x, batch, sequence, null), 0);
    const kv = named(shard(project('kv', shared), null, batch, sequence, null, null, null), 'kv');
    const q = this.inside(project('q', parts), 'q');
    return [this.turned(q), this.turned(indexInDim(kv, 0, 4)), indexInDim(kv, 1, 4)];
  }

  /** Rotary positions along dim 2. */
  private turned = (t: Tensor): Tensor =>
    this.m.positions === 'rotary' ? rotate(t, iota([t.shape[2] as number], 0), 10_000, 2) : t;

  private ffn = (w: Weights, x: Tensor): Tensor => {
    const up = einsum('tbsm,tmcf->tbscf', this.spread(x), w.in as Tensor);
    const biased = this.inside(this.biased(up, w.in_bias), 'up');
    const hidden = this.saved(this.activated(biased, 3), 'hidden');
    return this.byPart(this.gathered(einsum('tbsf,tfm->tbsm', hidden, w.down as Tensor)), w.down_bias, add);
  };

  /** Its gradient reads the result only, which is what all keep of a softmax: p (g − Σ p g). */
  private rowSoftmax(x: Tensor): Tensor {
    const own = customVjp(
      (s: Tensor): Tensor => this.scoresEnd(probabilitiesOf(s)),
      (s: Tensor) => {
        const p = this.scoresEnd(probabilitiesOf(s));
        return [p, p] as const;
      },
      (p: Tensor, g: Tensor) => {
        const weighed = convert(multiply(p, this.scoresEnd(g)) as Tensor, 'f32');
        const centred = subtract(weighed, multiply(convert(p, 'f32'), sum(weighed, -1, { keepDims: true })));
        return [convert(centred as Tensor, p.dtype)];
      },
    );
    return own(x);
  }

  /** Of [..., 1 or 2, ...] on that dim: the activation, or the one half activated times the other. */
  private activated(x: Tensor, dim: number): Tensor {
    const part = (i: number): Tensor => (x.shape[dim] === 1 ? squeeze(x, dim) : indexInDim(x, i, dim));
    switch (this.m.activation) {
      case 'relu':
        return relu(part(0));
      case 'gelu':
        return gelu(part(0));
      case 'geglu':
        return multiply(gelu(part(0)), part(1)) as Tensor;
      case 'swiglu':
        return multiply(silu(part(0)), part(1)) as Tensor;
    }
  }

  /** GShard's mixture: each sequence is a group; experts lie on the axis of the batch, so tokens travel by all_to_all. */
  private experts = (w: Weights, x: Tensor): Tensor => {
    const { tensor, parts, experts, expertBatch, batch, sequence } = this.axes;
    const { count = 1, top = 2, capacity = 1 } = this.m.experts ?? {};
    const places = Math.ceil((top * capacity * (x.shape[1] as number)) / count);
    const whole = shard(x, batch, sequence, null);
    const y = mixture(route(w.gate as Tensor, whole, { top, capacity: places }), whole, (inputs) => {
      const mine = named(shard(inputs, experts, expertBatch, null, null), 'routed');
      const each = shard(
        broadcastTo(expandDims(mine, 0), [parts, ...mine.shape]),
        tensor,
        experts,
        expertBatch,
        null,
        null,
      );
      const up = named(einsum('tegom,temcf->tegocf', each, w.expert_in as Tensor), 'up');
      const hidden = named(this.activated(up, 4), 'hidden');
      const partial = einsum('tegof,tefm->tegom', hidden, w.expert_down as Tensor);
      return shard(sum(shard(partial, tensor, experts, expertBatch, null, null), 0), experts, expertBatch, null, null);
    });
    return this.between(y);
  };
}

const probabilitiesOf = (x: Tensor): Tensor => convert(softmax(convert(x, 'f32')), x.dtype);

/** What each way of recomputing keeps of a layer, by the names above. */
const CORE = ['probabilities', 'kept'];
const REST = ['norm1', 'norm2', 'qkv', 'q', 'kv', 'context', 'middle', 'up', 'hidden', 'routed'];
export const SAVED: Readonly<Record<Description['recompute'], readonly string[]>> = {
  none: [...REST, ...CORE],
  selective: REST,
  full: [],
};
