// A LLaMA-style decoder with a mixture of experts: grouped queries, rotary positions, top-2 routing with capacity, layers
// scanned and checkpointed, trained by Adam. The model names logical axes; `rules` says where they lie on the mesh.
import {
  add,
  checkpoint,
  checkpointPolicies,
  einsum,
  f32,
  i32,
  mean,
  mesh,
  multiply,
  nn,
  optim,
  rules,
  scan,
  shard,
  silu,
  stacked,
  type Tensor,
  trace,
  valueAndGrad,
} from 'shardc';

const [layers, batch, sequence, vocabulary, features] = [2, 4, 8, 32, 16];
const [heads, groups, headSize, experts, hidden, capacity] = [4, 2, 8, 4, 32, 6];
const adam = optim.adam({ learningRate: 0.01 });

interface Block {
  readonly attention: nn.Attention;
  readonly experts: { readonly gate: Tensor; readonly up: Tensor; readonly silu: Tensor; readonly down: Tensor };
  readonly norms: readonly [Tensor, Tensor];
}
interface Params {
  readonly embedding: Tensor;
  readonly blocks: Block;
  readonly norm: Tensor;
  readonly head: Tensor;
}
type State = optim.AdamState<Params>;

const onBatch = (x: Tensor): Tensor => shard(x, 'batch', null, null);

/** Tokens to their best two experts and back, and how evenly the experts are used. */
function feedForward({ gate, up, silu: activated, down }: Block['experts'], x: Tensor): readonly [Tensor, Tensor] {
  const routing = nn.route(gate, x, { top: 2, capacity });
  const y = nn.mixture(routing, x, (tokens) => {
    const inputs = shard(tokens, 'expert', 'batch', null, null);
    const inner = multiply(silu(einsum('egcm,emf->egcf', inputs, activated)), einsum('egcm,emf->egcf', inputs, up));
    return einsum('egcf,efm->egcm', inner, down);
  });
  return [onBatch(y), routing.balance];
}

function block(x: Tensor, params: Block): readonly [Tensor, Tensor] {
  const [before, between] = params.norms;
  const seen = add(x, nn.attention(params.attention, nn.rmsNorm(before, x), { rotary: 10_000 }));
  const [y, balance] = feedForward(params.experts, nn.rmsNorm(between, seen));
  return [onBatch(add(seen, y)), balance];
}

function loss(params: Params, tokens: Tensor, targets: Tensor): Tensor {
  const layer = checkpoint(block, { policy: checkpointPolicies.dotsWithNoBatchDimsSaveable });
  const [x, balance] = scan(layer, onBatch(nn.embedding(params.embedding, tokens)), params.blocks);
  const logits = nn.unembed(params.head, nn.rmsNorm(params.norm, x));
  return add(nn.softmaxCrossEntropy(logits, targets), multiply(mean(balance), 0.01));
}

function step(params: Params, state: State, tokens: Tensor, targets: Tensor) {
  const [value, grads] = valueAndGrad(loss)(params, tokens, targets);
  const [next, after] = adam.update(grads, state, params);
  return { loss: value, params: next, state: after };
}

const params = {
  embedding: f32([vocabulary, features], 'vocab', 'embed'),
  blocks: stacked(
    {
      attention: nn.attentionSpecs({
        ...{ features, heads, groups, headSize },
        sharding: ['embed', 'heads', null],
        groupSharding: null,
      }),
      experts: {
        gate: f32([features, experts]),
        up: f32([experts, features, hidden], 'expert', 'embed', null),
        silu: f32([experts, features, hidden], 'expert', 'embed', null),
        down: f32([experts, hidden, features], 'expert', null, 'embed'),
      },
      norms: [f32([features]), f32([features])] as const,
    },
    layers,
  ),
  norm: f32([features]),
  head: f32([vocabulary, features], 'vocab', 'embed'),
};
const data = i32([batch, sequence], 'batch', null);

export default trace(step, {
  mesh: mesh({ data: 2, model: 4 }),
  rules: rules({ batch: 'data', heads: 'model', vocab: 'model', expert: 'model', embed: null }),
  args: [params, adam.specs(params), data, data],
  results: { params, state: adam.specs(params) },
});
