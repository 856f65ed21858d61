/**
 * The devices of a tiled sharding as digits of the device's number: what a tile index says of it.
 *
 *   devices=[2,1,2]<=[2,2]T(1,0)   dim 0: {size 2, stride 1}, subgroup: {size 2, stride 2}
 *
 * A digit of `size` values that are `stride` apart is a sub-axis of one axis over all n devices, of major part
 * n / (stride·size): device orders are axis orders. An order that has no digits needs a mesh of its own.
 */
import { gcd } from '../../axes.ts';
import type { DeviceOrder, Tiled } from './sharding.ts';

export interface Digit {
  readonly size: number;
  readonly stride: number;
}

/** Digits per tile dim, major first, with devices counted by `positionOf` (absent: as they are); or none. */
export function digitsOf(sharding: Tiled, positionOf?: Int32Array): readonly (readonly Digit[])[] | undefined {
  const { order, tile } = sharding;
  if (order.kind === 'iota' && positionOf === undefined) return overTiles(tile, iotaDigits(order));
  const positions = deviceList(order).map((d) => positionOf?.[d] ?? d);
  const digits = listDigits(positions);
  return digits === undefined ? undefined : overTiles(tile, digits);
}

/** The devices in the order of the tiles, written out. */
export function deviceList(order: DeviceOrder): readonly number[] {
  if (order.kind === 'list') return order.devices;
  const digits = iotaDigits(order);
  let devices = [0];
  for (const { size, stride } of digits)
    devices = devices.flatMap((d) => Array.from({ length: size }, (_, i) => d + i * stride));
  return devices;
}

function iotaDigits({ dims, perm }: Extract<DeviceOrder, { kind: 'iota' }>): Digit[] {
  const strides = dims.map((_, i) => dims.slice(i + 1).reduce((n, s) => n * s, 1));
  const digits: Digit[] = [];
  for (const p of perm.toReversed())
    if (dims[p] !== 1) prepend(digits, { size: dims[p] as number, stride: strides[p] as number });
  return digits;
}

/**
 * A list of positions as digits, minor first found: the run 0, s, 2s, … is a digit of stride s; where it breaks, a more
 * major one begins. Then every entry must be what the digits say.
 */
function listDigits(positions: readonly number[]): Digit[] | undefined {
  if (positions[0] !== 0) return undefined;
  const digits: Digit[] = [];
  let block = 1;
  while (block < positions.length) {
    const stride = positions[block] as number;
    let size = 2;
    while (size * block < positions.length && positions[size * block] === size * stride) size++;
    if (positions.length % (block * size) !== 0) return undefined;
    digits.unshift({ size, stride });
    block *= size;
  }
  return positions.every((p, i) => p === valueAt(digits, i)) ? digits : undefined;
}

function valueAt(digits: readonly Digit[], index: number): number {
  let value = 0;
  for (let i = digits.length - 1; i >= 0; i--) {
    const { size, stride } = digits[i] as Digit;
    value += (index % size) * stride;
    index = Math.floor(index / size);
  }
  return value;
}

/** Splits digits where one tile dim ends and the next begins; none where a digit does not split there. */
function overTiles(tile: readonly number[], digits: readonly Digit[]): Digit[][] | undefined {
  const rest = [...digits];
  const found: Digit[][] = tile.map(() => []);
  for (let dim = tile.length - 1; dim >= 0; dim--) {
    let missing = tile[dim] as number;
    while (missing > 1) {
      const last = rest.pop();
      if (last === undefined) return undefined;
      const size = gcd(missing, last.size);
      if (size < Math.min(missing, last.size)) return undefined;
      prepend(found[dim] as Digit[], { size, stride: last.stride });
      if (size < last.size) rest.push({ size: last.size / size, stride: last.stride * size });
      missing /= size;
    }
  }
  return found;
}

/** Digits that continue one another are one. */
function prepend(digits: Digit[], more: Digit): void {
  const [first] = digits;
  if (first !== undefined && more.stride === first.stride * first.size)
    digits[0] = { size: more.size * first.size, stride: first.stride };
  else digits.unshift(more);
}
