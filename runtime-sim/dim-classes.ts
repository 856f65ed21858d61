/** Classes of dims that have one extent: union-find over (value, dim), by offset into one array. */
import type { ValueId } from '../ir/program.ts';
import type { TensorType } from '../ir/types.ts';

export class DimClasses {
  private readonly types: readonly TensorType[];
  private readonly start: Int32Array;
  private readonly parent: Int32Array;
  private readonly pins = new Map<number, string>();

  constructor(types: readonly TensorType[]) {
    this.types = types;
    this.start = new Int32Array(types.length + 1);
    types.forEach((t, i) => {
      this.start[i + 1] = (this.start[i] as number) + t.shape.length;
    });
    this.parent = Int32Array.from({ length: this.start[types.length] as number }, (_, i) => i);
  }

  of(id: ValueId, dim: number): number {
    let at = (this.start[id] as number) + dim;
    while (this.parent[at] !== at) {
      this.parent[at] = this.parent[this.parent[at] as number] as number;
      at = this.parent[at] as number;
    }
    return at;
  }

  join(a: { id: ValueId; dim: number }, b: { id: ValueId; dim: number }): void {
    const [x, y] = [this.of(a.id, a.dim), this.of(b.id, b.dim)];
    if (x === y) return;
    this.parent[y] = x;
    const why = this.pins.get(y);
    if (why !== undefined) this.pins.set(x, why);
  }

  joinAll(a: ValueId, b: ValueId): void {
    this.types[a]?.shape.forEach((_, dim) => this.join({ id: a, dim }, { id: b, dim }));
  }

  /** This class keeps its extent. */
  pin(id: ValueId, dim: number, why: string): void {
    this.pins.set(this.of(id, dim), why);
  }

  reasons(): string[] {
    return [...new Set(this.pins.values())];
  }

  /**
   * New extents by class: the least common multiple of all shard counts, twice or more, so that local extents stay ≥ 2;
   * once where that is MANY already. Classes differ in extent where that is cheap.
   */
  choose(shardsOf: (id: ValueId) => readonly number[]): Map<number, number> {
    const shards = new Map<number, number>();
    const extent = new Map<number, number>();
    this.types.forEach((type, id) =>
      shardsOf(id as ValueId).forEach((count, dim) => {
        const c = this.of(id as ValueId, dim);
        shards.set(c, lcm(shards.get(c) ?? 1, count));
        extent.set(c, type.shape[dim] as number);
      }),
    );
    const chosen = new Map<number, number>();
    const taken = new Set<number>();
    for (const [c, size] of extent) {
      const unit = shards.get(c) as number;
      if (this.pins.has(c) || size <= 2 * unit) continue;
      const options = (unit >= MANY ? [1, 2] : [2, 3]).map((k) => k * unit).filter((n) => n < size);
      const small = options.find((n) => !taken.has(n)) ?? options[0];
      if (small === undefined) continue;
      taken.add(small);
      chosen.set(c, small);
    }
    return chosen;
  }
}

/** Shards from which on one element each has to do: the check of a step on 2,048 devices is then half the work. */
const MANY = 1024;

function lcm(a: number, b: number): number {
  let [x, y] = [a, b];
  while (y !== 0) [x, y] = [y, x % y];
  return (a / x) * b;
}
