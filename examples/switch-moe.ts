// A Switch layer (arXiv:2101.03961): every token to its best expert, at most `capacity` per expert and group; what does
// not fit is dropped, on the mesh as on one device. Groups and experts share an axis, so tokens travel by all_to_all.
import {
  add,
  einsum,
  f32,
  mean,
  mesh,
  multiply,
  nn,
  relu,
  shard,
  square,
  subtract,
  type Tensor,
  trace,
  treeMap,
  valueAndGrad,
} from 'shardc';

const [groups, tokens, features, experts, hidden] = [8, 16, 8, 8, 16];

interface Params {
  readonly gate: Tensor;
  readonly win: Tensor;
  readonly wout: Tensor;
}

export function switchLayer({ gate, win, wout }: Params, x: Tensor): [Tensor, Tensor] {
  const routing = nn.route(gate, x, { capacity: Math.ceil((1.25 * tokens) / experts) });
  const y = nn.mixture(routing, x, (inputs) => {
    const mine = shard(inputs, 'expert', null, null, null);
    const h = relu(einsum('egcm,emh->egch', mine, win));
    return shard(einsum('egch,ehm->egcm', h, wout), 'expert', null, null, null);
  });
  return [y, routing.balance];
}

export function step(params: Params, x: Tensor, target: Tensor) {
  const loss = (p: Params): Tensor => {
    const [y, balance] = switchLayer(p, x);
    return add(mean(square(subtract(y, target))), multiply(balance, 0.01));
  };
  const [value, grads] = valueAndGrad(loss)(params);
  return { loss: value, params: treeMap((p, g) => subtract(p, multiply(g, 0.5)), params, grads) };
}

const data = f32([groups, tokens, features], 'expert', null, null);
export default trace(step, {
  mesh: mesh({ expert: 4 }),
  args: [
    {
      gate: f32([features, experts]),
      win: f32([experts, features, hidden], 'expert', null, null),
      wout: f32([experts, hidden, features], 'expert', null, null),
    },
    data,
    data,
  ],
});
