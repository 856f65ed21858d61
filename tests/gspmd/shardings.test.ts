/** GSPMD's shardings and the axes they become place the same tile on every device. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { DiagnosticError, render } from '../../ir/diagnostics.ts';
import { closedDim, type Layout } from '../../ir/layout.ts';
import { axesIndex, deviceCount, type Mesh } from '../../ir/mesh.ts';
import { deviceList } from '../../ir/stablehlo/gspmd/device-order.ts';
import { type GspmdMeshes, meshesFor } from '../../ir/stablehlo/gspmd/meshes.ts';
import { gspmdText } from '../../ir/stablehlo/gspmd/print.ts';
import { parseShardings, type Tiled } from '../../ir/stablehlo/gspmd/sharding.ts';
import { importStablehlo } from '../../ir/stablehlo/import.ts';

const read = (text: string): Tiled => {
  const [sharding] = parseShardings({ text, start: 0 });
  if (sharding?.kind !== 'tiled') throw new Error(`${text} is not tiled`);
  return sharding;
};
const meshes = (texts: readonly string[], given: readonly Mesh[] = []): GspmdMeshes & { tiled: Tiled[] } => {
  const tiled = texts.map(read);
  return {
    ...meshesFor(
      tiled,
      (tiled[0]?.tile ?? []).reduce((n, t) => n * t, 1),
      given,
    ),
    tiled,
  };
};
const sizes = (mesh: Mesh | undefined): number[] => (mesh?.axes ?? []).map((a) => a.size);

/** Device → index of its tile in the first `rank` tile dims, by the sharding's own text. */
function tilesByText({ tile, order }: Tiled, rank: number): number[] {
  const copies = tile.slice(rank).reduce((n, t) => n * t, 1);
  const found: number[] = [];
  for (const [i, device] of deviceList(order).entries()) found[device] = Math.floor(i / copies);
  return found;
}

/** The same by the axes it became. */
function tilesByAxes({ meshes: known, of }: GspmdMeshes, sharding: Tiled, rank: number): number[] {
  const on = of.get(sharding);
  const mesh = known.find((m) => m.name === on?.mesh);
  if (on === undefined || mesh === undefined) throw new Error('no mesh');
  const found: number[] = [];
  for (let p = 0; p < deviceCount(mesh); p++)
    found[mesh.deviceIds?.[p] ?? p] = axesIndex(mesh, on.tile.slice(0, rank).flat(), p);
  return found;
}

/** A tiling of n devices: sizes whose product is n, in a random number of dims. */
const tilings = (n: number): fc.Arbitrary<number[]> =>
  fc.array(fc.nat(), { minLength: 1, maxLength: 4 }).map((seeds) => {
    let rest = n;
    const tile = seeds.map((seed) => {
      const divisors = Array.from({ length: rest }, (_, i) => i + 1).filter((d) => rest % d === 0);
      const size = divisors[seed % divisors.length] as number;
      rest /= size;
      return size;
    });
    return [...tile, rest];
  });

const shardingOf = (n: number): fc.Arbitrary<string> =>
  fc
    .tuple(tilings(n), tilings(n), fc.nat(), fc.boolean(), fc.constantFrom('', 'replicate', 'manual, replicated'))
    .map(([tile, dims, seed, list, tail]) => {
      const end = tail === '' ? '' : tail === 'replicate' ? ' last_tile_dim_replicate' : ` last_tile_dims={${tail}}`;
      const all = tail.includes(',') && tile.length < 2 ? [1, ...tile] : tile;
      const perm = shuffled(dims.length, seed);
      const order = list ? shuffled(n, seed).join() : `<=[${dims.join()}]T(${perm.join()})`;
      return `{devices=[${all.join()}]${order}${end}}`;
    });

function shuffled(n: number, seed: number): number[] {
  const items = Array.from({ length: n }, (_, i) => i);
  let state = seed + 1;
  for (let i = n - 1; i > 0; i--) {
    state = (state * 48271) % 2147483647;
    const j = state % (i + 1);
    [items[i], items[j]] = [items[j] as number, items[i] as number];
  }
  return items;
}

describe('shardings become axes', () => {
  it.each([
    [['{devices=[2,1,2]<=[2,2]T(1,0) last_tile_dim_replicate}'], [2, 2]],
    [['{devices=[4,1]<=[4]}', '{devices=[4,1]0,1,2,3}'], [4]],
    [
      ['{devices=[4,1]<=[4]}', '{devices=[2,2]<=[4]}'],
      [2, 2],
    ],
    [
      ['{devices=[2,4]<=[8]}', '{devices=[8,1]<=[2,4]T(1,0)}'],
      [2, 4],
    ],
    [
      ['{devices=[2,4]<=[8]}', '{devices=[4,2]<=[8]}'],
      [2, 2, 2],
    ],
    [['{devices=[4,2]0,4,1,5,2,6,3,7}'], [2, 4]],
  ])('%j: the fewest axes are %j', (texts, expected) => {
    const found = meshes(texts);
    expect(found.meshes).toHaveLength(1);
    expect(found.meshes[0]?.deviceIds).toBeUndefined();
    expect(sizes(found.meshes[0])).toEqual(expected);
  });

  it('an order without digits, and one that cuts elsewhere, get the same axes in another order', () => {
    const found = meshes([
      '{devices=[2,1,3]<=[6] last_tile_dim_replicate}',
      '{devices=[3,2]<=[6]}',
      '{devices=[6]0,2,1,3,5,4}',
    ]);
    expect(found.meshes.map(sizes)).toEqual([
      [2, 3],
      [2, 3],
      [2, 3],
    ]);
  });

  it('one order of its own is the order of the only mesh', () => {
    const found = meshes(['{devices=[4]0,2,3,1}', '{devices=[2,2]0,2,3,1 last_tile_dim_replicate}']);
    expect(found.meshes).toHaveLength(1);
    expect(found.meshes[0]?.deviceIds).toEqual([0, 2, 3, 1]);
  });

  it('a mesh that is given is kept, with sub-axes of it', () => {
    const mesh: Mesh = { name: 'm', axes: [{ name: 'data', size: 8 }] };
    const found = meshes(['{devices=[2,4]<=[2,4]}'], [mesh]);
    expect(found.meshes).toEqual([mesh]);
    expect(found.of.get(found.tiled[0] as Tiled)?.tile).toEqual([
      [{ name: 'data', pre: 1, size: 2 }],
      [{ name: 'data', pre: 2, size: 4 }],
    ]);
  });

  it('every device holds the tile that the text gives it, and the text that is printed gives it back', () => {
    fc.assert(
      fc.property(
        fc.constantFrom(4, 6, 8, 12, 16, 24).chain((n) => fc.array(shardingOf(n), { minLength: 1, maxLength: 4 })),
        (texts) => {
          const found = meshes(texts);
          for (const sharding of found.tiled) {
            const rank = sharding.tile.length - sharding.subgroups.length;
            const wanted = tilesByText(sharding, rank);
            expect(tilesByAxes(found, sharding, rank)).toEqual(wanted);
            const { mesh, tile } = found.of.get(sharding) ?? { mesh: '', tile: [] };
            const dims = tile.slice(0, rank).map((axes) => closedDim(axes));
            const layout: Layout = { mesh, dims, replicated: [], unreduced: [] };
            const printed = gspmdText(found.meshes.find((m) => m.name === mesh) as Mesh, layout);
            if (printed === '{replicated}') expect(new Set(wanted)).toEqual(new Set([0]));
            else expect(tilesByText(read(printed), rank)).toEqual(wanted);
          }
        },
      ),
      { numRuns: 300 },
    );
  });
});

describe('what is wrong in a sharding is shown inside the string', () => {
  const program = (sharding: string, rest = ''): string =>
    `module @m {\n  func.func @main(%arg0: tensor<8x4xf32> {mhlo.sharding = "${sharding}"}) -> tensor<8x4xf32> {\n    ${rest}return %arg0 : tensor<8x4xf32>\n  }\n}\n`;
  const errorOf = (text: string): string => {
    try {
      importStablehlo({ file: 'f.mlir', text });
    } catch (error) {
      if (error instanceof DiagnosticError)
        return error.diagnostics.map((d) => render(d, { file: 'f.mlir', text })).join('\n');
    }
    return '';
  };
  it.each([
    ['{devices=[2,2]<=[4', 'SH0223', 'ends too early'],
    ['{devices=[2,2]<=[8]}', 'SH0223', 'the iota names 8 devices'],
    ['{devices=[2,2]<=[2,2]T(0,0)}', 'SH0223', 'not a permutation'],
    ['{devices=[2,2]0,1,2}', 'SH0223', '4 tiles, but 3 devices'],
    ['{devices=[2,2]0,1,2,2}', 'SH0223', 'named twice'],
    ['{devices=[0,2]<=[0]}', 'SH0223', 'a dim of 0 tiles'],
    ['{devices=[2,2]<=[4] last_tile_dims={maximal}}', 'SH0223', 'not a subgroup'],
    ['{tiled}', 'SH0223', '"tiled" is not a sharding'],
    ['{devices=[4]<=[4]}', 'SH0212', '1 dims, the tensor f32[8,4] has 2'],
    ['{{replicated}, {replicated}}', 'SH0223', 'a tuple of 2'],
  ])('%s', (sharding, code, message) => {
    const text = errorOf(program(sharding));
    expect(text).toContain(code);
    expect(text).toContain(message);
    expect(text).toMatch(/--> f\.mlir:2:\d+/);
  });
  it('over another number of devices', () =>
    expect(
      errorOf(
        program(
          '{devices=[2,2]<=[4]}',
          '%0 = stablehlo.tanh %arg0 {mhlo.sharding = "{devices=[2,4]<=[8]}"} : tensor<8x4xf32>\n    ',
        ),
      ),
    ).toContain('SH0224'));
});
