// Megatron-LM's MLP (arXiv:1909.08053, section 3): the first product is split by columns, the second by rows, so that
// one all_reduce per direction is all that moves. Training step: forward, backward, SGD.
import {
  einsum,
  f32,
  gelu,
  type Matrix,
  mean,
  mesh,
  named,
  shard,
  square,
  subtract,
  trace,
  treeMap,
  multiply,
  valueAndGrad,
} from 'shardc';

export interface Params {
  readonly win: Matrix;
  readonly wout: Matrix;
}

export function mlp({ win, wout }: Params, x: Matrix): Matrix {
  const hidden = gelu(einsum('bm,mf->bf', x, win));
  return named(einsum('bf,fm->bm', shard(hidden, 'data', 'model'), wout), 'y');
}

export function step(params: Params, x: Matrix, target: Matrix) {
  const loss = (p: Params) => mean(square(subtract(mlp(p, x), target)));
  const [value, grads] = valueAndGrad(loss)(params);
  return { loss: value, params: treeMap((p, g) => subtract(p, multiply(g, 0.1)), params, grads) };
}

export default trace(step, {
  mesh: mesh({ data: 2, model: 4 }),
  args: [
    { win: f32([16, 64], null, 'model'), wout: f32([64, 16], 'model', null) },
    f32([8, 16], 'data', null),
    f32([8, 16], 'data', null),
  ],
});
