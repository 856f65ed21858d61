/**
 * GSPMD's shardings as XLA prints them (`HloSharding::ToString`), read into plain data.
 *
 *   {replicated}   {manual}   {unknown}   {unreduced}   {maximal device=3}
 *   {devices=[2,1,2]0,1,2,3 last_tile_dim_replicate}                 a list of devices (V1)
 *   {devices=[2,1,2]<=[2,2]T(1,0) last_tile_dims={manual, replicated}}   iota, reshaped and transposed (V2)
 *   {devices=[4]<=[4] shard_as 7}   {{replicated}, {devices=[4]<=[4]}}   a group; a tuple
 */
import { type DiagnosticError, userError } from '../../diagnostics.ts';
import { MAX_DEVICES } from '../../mesh.ts';

export type Subgroup = 'replicated' | 'manual' | 'unreduced';

/** Devices in the order of the tiles: a list, or 0 … n-1 reshaped to `dims` and transposed by `perm`. */
export type DeviceOrder =
  | { readonly kind: 'list'; readonly devices: readonly number[] }
  | { readonly kind: 'iota'; readonly dims: readonly number[]; readonly perm: readonly number[] };

export interface Tiled {
  readonly kind: 'tiled';
  /** Tiles per tensor dim, then the sizes of the subgroups. */
  readonly tile: readonly number[];
  readonly order: DeviceOrder;
  readonly subgroups: readonly Subgroup[];
}

export type GspmdSharding = (
  | Tiled
  | { readonly kind: 'replicated' | 'manual' | 'unknown' | 'unreduced' }
  | { readonly kind: 'maximal'; readonly device: number }
) & {
  /** Values with this number share one layout (`shard_as`) or follow the others (`shard_like`). */
  readonly group?: number;
};

/** The text of one attribute and where it stands in the source, for the code frames. */
export interface ShardingText {
  readonly text: string;
  readonly start: number;
}

/** One sharding per element of a tuple; a single one gives a list of one. */
export function parseShardings(source: ShardingText): readonly GspmdSharding[] {
  const scanner = new Scanner(source);
  const found = scanner.isTuple() ? scanner.list('{', '}', () => scanner.sharding()) : [scanner.sharding()];
  scanner.end();
  return found;
}

/** `unspecified_dims=[0,1]` of a @Sharding call: dims that propagation may still fill. */
export function parseUnspecifiedDims(source: ShardingText): readonly number[] {
  if (source.text.trim() === '') return [];
  const scanner = new Scanner(source);
  scanner.expect('unspecified_dims');
  scanner.expect('=');
  const dims = scanner.list('[', ']', () => scanner.integer());
  scanner.end();
  return dims;
}

const SIMPLE: ReadonlySet<string> = new Set(['replicated', 'manual', 'unknown', 'unreduced']);
const SUBGROUPS: readonly Subgroup[] = ['replicated', 'manual', 'unreduced'];

class Scanner {
  private readonly source: ShardingText;
  private readonly tokens: readonly { readonly image: string; readonly at: number }[];
  private at = 0;

  constructor(source: ShardingText) {
    this.source = source;
    this.tokens = [...source.text.matchAll(/<=|\d+|[A-Za-z_]\w*|[^\s]/g)].map((m) => ({ image: m[0], at: m.index }));
  }

  isTuple(): boolean {
    return this.image === '{' && this.tokens[this.at + 1]?.image === '{';
  }

  sharding(): GspmdSharding {
    this.expect('{');
    const from = this.at;
    const word = this.take();
    const sharding = word === 'devices' ? this.tiled() : this.whole(word, from);
    const group = this.group();
    this.metadata();
    this.expect('}');
    return group === undefined ? sharding : { ...sharding, group };
  }

  private whole(word: string, from: number): GspmdSharding {
    if (SIMPLE.has(word)) return { kind: word as 'replicated' };
    if (word !== 'maximal')
      throw this.error(
        `"${word}" is not a sharding`,
        'replicated, manual, unknown, unreduced, maximal device=K or devices=[…]',
        from,
      );
    this.expect('device');
    this.expect('=');
    return { kind: 'maximal', device: this.integer() };
  }

  private tiled(): Tiled {
    this.expect('=');
    const from = this.at;
    const tile = this.list('[', ']', () => this.positive());
    const order = this.order(product(tile), from);
    const subgroups = this.subgroups();
    if (subgroups.length > tile.length)
      throw this.error(`${subgroups.length} subgroups, but only ${tile.length} tile dims`, 'a tile dim per subgroup');
    return { kind: 'tiled', tile, order, subgroups };
  }

  private order(count: number, from: number): DeviceOrder {
    if (count > MAX_DEVICES) throw this.error(`${count} tiles`, `at most ${MAX_DEVICES}`, from);
    if (!this.accept('<=')) return { kind: 'list', devices: this.devices(count) };
    const at = this.at;
    const dims = this.list('[', ']', () => this.positive());
    if (product(dims) !== count)
      throw this.error(
        `${count} tiles, but the iota names ${product(dims)} devices`,
        `dims whose product is ${count}`,
        at,
      );
    const transposed = this.at;
    const perm = this.accept('T') ? this.list('(', ')', () => this.integer()) : dims.map((_, i) => i);
    if (perm.length !== dims.length || dims.some((_, i) => !perm.includes(i)))
      throw this.error(
        `T(${perm.join(',')}) is not a permutation of ${dims.length} dims`,
        `each of 0 … ${dims.length - 1} once`,
        transposed,
      );
    return { kind: 'iota', dims, perm };
  }

  private devices(count: number): number[] {
    const devices: number[] = [];
    const seen = new Set<number>();
    do {
      const from = this.at;
      const device = this.integer();
      if (device >= count || seen.has(device))
        throw this.error(
          seen.has(device) ? `device ${device} is named twice` : `device ${device} of ${count} tiles`,
          `each of 0 … ${count - 1} once`,
          from,
        );
      seen.add(device);
      devices.push(device);
    } while (this.accept(','));
    if (devices.length !== count)
      throw this.error(`${count} tiles, but ${devices.length} devices`, `each of 0 … ${count - 1} once`, this.at - 1);
    return devices;
  }

  private subgroups(): Subgroup[] {
    if (this.accept('last_tile_dim_replicate')) return ['replicated'];
    if (!this.accept('last_tile_dims')) return [];
    this.expect('=');
    return this.list('{', '}', () => {
      const word = this.take();
      const known = SUBGROUPS.find((s) => s === word);
      if (known === undefined)
        throw this.error(`"${word}" is not a subgroup`, 'manual, replicated or unreduced', this.at - 1);
      return known;
    });
  }

  private group(): number | undefined {
    return this.accept('shard_as') || this.accept('shard_like') ? this.integer() : undefined;
  }

  /** `metadata={op_name="…"}` says where XLA found it; nothing here reads it. */
  private metadata(): void {
    if (!this.accept('metadata')) return;
    this.expect('=');
    let depth = 0;
    do {
      const image = this.take();
      if (image === '{') depth++;
      if (image === '}') depth--;
    } while (depth > 0);
  }

  // --- tokens -------------------------------------------------------------------------------------------------------

  private get image(): string {
    return this.tokens[this.at]?.image ?? '';
  }

  private take(): string {
    const token = this.tokens[this.at];
    if (token === undefined) throw this.error('the sharding ends too early', 'a closing }');
    this.at++;
    return token.image;
  }

  private accept(image: string): boolean {
    if (this.image !== image) return false;
    this.at++;
    return true;
  }

  expect(image: string): void {
    if (!this.accept(image))
      throw this.error(this.image === '' ? 'it ends too early' : `unexpected \`${this.image}\``, `\`${image}\``);
  }

  integer(): number {
    if (!/^\d+$/.test(this.image) || !Number.isSafeInteger(Number(this.image)))
      throw this.error(this.image === '' ? 'it ends too early' : `unexpected \`${this.image}\``, 'a whole number');
    return Number(this.take());
  }

  private positive(): number {
    if (this.image === '0') throw this.error('a dim of 0 tiles', 'at least 1');
    return this.integer();
  }

  list<X>(open: string, close: string, item: () => X): X[] {
    this.expect(open);
    const items: X[] = [];
    while (!this.accept(close)) {
      if (items.length > 0) this.expect(',');
      items.push(item());
    }
    return items;
  }

  end(): void {
    if (this.at < this.tokens.length) throw this.error(`unexpected \`${this.image}\``, 'the end of the sharding');
  }

  private error(message: string, expected: string, at = this.at): DiagnosticError {
    const token = this.tokens[at];
    const start = this.source.start + (token?.at ?? this.source.text.length);
    return userError('SH0223', `this is not a GSPMD sharding: ${message}`, {
      span: { start, end: start + Math.max(1, token?.image.length ?? 1) },
      expected,
      help: 'as XLA prints them: {devices=[2,1,2]<=[2,2]T(1,0) last_tile_dim_replicate}',
    });
  }
}

const product = (sizes: readonly number[]): number => sizes.reduce((n, s) => n * s, 1);
