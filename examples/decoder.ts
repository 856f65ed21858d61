// A decoder as GSPMD lays it out (arXiv:2105.04663, section 5.1): on a mesh X × Y, weights over both, and three ways to
// lay out activations. Seven annotations per layer; the rest follows. STRATEGY=attempt1|attempt2|finalized chooses.
import {
  add,
  causalMask,
  einsum,
  f32,
  gelu,
  i32,
  mesh,
  multiply,
  nn,
  scan,
  shard,
  subtract,
  trace,
  treeMap,
  valueAndGrad,
  type DimSpec,
  type Tensor,
} from 'shardc';

/** What each dim of an activation lies on: batch × sequence × model, × hidden, × heads × size. */
interface Strategy {
  readonly bsm: readonly DimSpec[];
  readonly bsh: readonly DimSpec[];
  readonly bsnd: readonly DimSpec[];
}

export const strategies = {
  attempt1: { bsm: [null, null, 'X'], bsh: [null, null, 'Y'], bsnd: [null, null, 'Y', null] },
  attempt2: { bsm: ['X', null, null], bsh: ['X', null, 'Y'], bsnd: ['X', null, 'Y', null] },
  finalized: { bsm: ['X', null, 'Y'], bsh: ['X', null, 'Y'], bsnd: ['X', null, 'Y', null] },
} as const satisfies Record<string, Strategy>;

export interface Sizes {
  readonly layers: number;
  readonly model: number;
  readonly hidden: number;
  readonly heads: number;
  readonly size: number;
  readonly vocabulary: number;
  readonly batch: number;
  readonly sequence: number;
}

export const small: Sizes = {
  layers: 2,
  model: 16,
  hidden: 32,
  heads: 4,
  size: 4,
  vocabulary: 32,
  batch: 4,
  sequence: 8,
};

interface Layer {
  readonly wq: Tensor;
  readonly wk: Tensor;
  readonly wv: Tensor;
  readonly wo: Tensor;
  readonly win: Tensor;
  readonly wout: Tensor;
  readonly scale: Tensor;
}
interface Params {
  readonly table: Tensor;
  /** All layers, stacked on dim 0. */
  readonly layers: Layer;
}

function layer(x: Tensor, w: Layer, { bsm, bsh, bsnd }: Strategy): Tensor {
  const n = nn.rmsNorm(w.scale, x);
  const [q, k, v] = [w.wq, w.wk, w.wv].map((weight) =>
    shard(einsum('bsm,mnd->bsnd', n, weight), ...bsnd),
  ) as unknown as [Tensor, Tensor, Tensor];
  const mask = causalMask(x.shape[1] as number, x.shape[1] as number);
  const h = add(x, shard(einsum('bsnd,ndm->bsm', nn.attend(q, k, v, mask), w.wo), ...bsm));
  const hidden = shard(gelu(einsum('bsm,mh->bsh', nn.rmsNorm(w.scale, h), w.win)), ...bsh);
  return add(h, shard(einsum('bsh,hm->bsm', hidden, w.wout), ...bsm));
}

export const decoder = (strategy: Strategy, sizes: Sizes = small, grid = mesh({ X: 2, Y: 4 })) => {
  const { layers: l, model, hidden, heads, size, vocabulary, batch, sequence } = sizes;
  function loss(params: Params, tokens: Tensor, labels: Tensor): Tensor {
    const x = shard(nn.embedding(params.table, tokens), ...strategy.bsm);
    const [y] = scan((h: Tensor, w: Layer): readonly [Tensor, null] => [layer(h, w, strategy), null], x, params.layers);
    return nn.softmaxCrossEntropy(nn.unembed(params.table, y), labels);
  }
  function step(params: Params, tokens: Tensor, labels: Tensor) {
    const [value, grads] = valueAndGrad(loss)(params, tokens, labels);
    return { loss: value, params: treeMap((p, g) => subtract(p, multiply(g, 0.02)), params, grads) };
  }
  const heads3 = f32([l, model, heads, size], null, 'X', 'Y', null);
  return trace(step, {
    mesh: grid,
    args: [
      {
        table: f32([vocabulary, model], 'Y', 'X'),
        layers: {
          wq: heads3,
          wk: heads3,
          wv: heads3,
          wo: f32([l, heads, size, model], null, 'Y', null, 'X'),
          win: f32([l, model, hidden], null, 'X', 'Y'),
          wout: f32([l, hidden, model], null, 'Y', 'X'),
          scale: f32([l, model]),
        },
      },
      i32([batch, sequence], 'X', null),
      i32([batch, sequence], 'X', null),
    ],
  });
};

const chosen = process.env.STRATEGY ?? 'finalized';
export default decoder(
  strategies[Object.hasOwn(strategies, chosen) ? (chosen as keyof typeof strategies) : 'finalized'],
);
