// Decoding with a cache of keys and values: heads on `model`, sequences on `data`; four tokens, each found from the last.
import { add, argmax, f32, i32, mesh, nn, scan, shard, reshape, type Tensor, trace } from 'shardc';

const [batch, length, features, heads, groups, headSize, vocabulary] = [4, 16, 32, 8, 4, 4, 64];

interface Params extends nn.Attention {
  readonly table: Tensor;
  readonly scale: Tensor;
}

export function decode(params: Params, cache: nn.Cache, token: Tensor, position: Tensor) {
  type State = readonly [nn.Cache, Tensor, Tensor];
  const body = ([held, last, at]: State): readonly [State, Tensor] => {
    const x = reshape(nn.embedding(params.table, last), [batch, 1, features]);
    const [mixed, next] = nn.decodeStep(params, nn.rmsNorm(params.scale, x), held, at, { rotary: 10_000 });
    const kept: nn.Cache = {
      keys: shard(next.keys, 'data', null, 'model', null),
      values: shard(next.values, 'data', null, 'model', null),
    };
    const scores = nn.unembed(params.table, reshape(add(x, mixed), [batch, features]));
    const chosen = argmax(scores);
    return [[kept, chosen, add(at, 1)], chosen];
  };
  const [[filled], tokens] = scan(body, [cache, token, position] as State, null, { length: 4 });
  return { tokens, cache: filled };
}

const { wq, wk, wv, wo } = nn.attentionSpecs({ features, heads, groups, headSize, sharding: [null, 'model', null] });
const cache = f32([batch, length, groups, headSize], 'data', null, 'model', null);
export default trace(decode, {
  mesh: mesh({ data: 2, model: 4 }),
  args: [
    { wq, wk, wv, wo, table: f32([vocabulary, features]), scale: f32([features]) },
    { keys: cache, values: cache },
    i32([batch], 'data'),
    i32([]),
  ],
});
