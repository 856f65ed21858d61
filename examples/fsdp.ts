// Fully sharded data parallelism (ZeRO-3, arXiv:1910.02054) by annotation: parameters and optimizer state lie split over
// the data axis; each layer's weights are gathered when its turn comes, and its gradients leave as reduce_scatters.
import {
  add,
  checkpoint,
  f32,
  type Matrix,
  matmul,
  mean,
  mesh,
  optim,
  scan,
  shard,
  square,
  subtract,
  tanh,
  type Tensor,
  trace,
  valueAndGrad,
} from 'shardc';

const [layers, width, batch] = [4, 16, 128];
const adam = optim.adam({ learningRate: 0.01 });

/** Weights of all layers [layers, in, out], each split over `data` on its rows. */
function loss(weights: Tensor, x: Matrix, target: Matrix): Tensor {
  const layer = checkpoint((h: Tensor, w: Tensor): Tensor => add(h, tanh(matmul(h, shard(w, null, null)))));
  const body = (h: Tensor, w: Tensor): readonly [Tensor, null] => [shard(layer(h, w), 'data', null), null];
  const [y] = scan(body, x as Tensor, weights);
  return mean(square(subtract(y, target)));
}

function step(weights: Tensor, state: optim.AdamState<Tensor>, x: Matrix, target: Matrix) {
  const [value, grads] = valueAndGrad(loss)(weights, x, target);
  const [params, next] = adam.update(grads, state, weights);
  return { loss: value, params, state: next };
}

const sharded = f32([layers, width, width], null, 'data', null);
export default trace(step, {
  mesh: mesh({ data: 8 }),
  args: [sharded, adam.specs(sharded), f32([batch, width], 'data', null), f32([batch, width], 'data', null)],
  results: { params: sharded, state: adam.specs(sharded) },
});
