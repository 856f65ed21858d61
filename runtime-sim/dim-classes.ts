/** Classes of dims that have one extent, and the small extents chosen for them. */
import { lcm } from '../ir/axes.ts';
import { DimUnion } from '../ir/dim-union.ts';
import type { ValueId } from '../ir/program.ts';

export class DimClasses extends DimUnion {
  private readonly pins = new Map<number, string>();

  protected override joined(root: number, other: number): void {
    super.joined(root, other);
    const why = this.pins.get(other);
    if (why !== undefined) this.pins.set(root, why);
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
   * once in classes of `lean` shards or more. Classes differ in extent where that is cheap.
   */
  choose(shards: Shards, lean: number): Map<number, number> {
    const chosen = new Map<number, number>();
    const taken = new Set<number>();
    for (const [c, size] of this.extents()) {
      const unit = shards.get(c) as number;
      if (this.pins.has(c) || size <= 2 * unit) continue;
      const options = (unit >= lean ? [1, 2] : [2, 3]).map((k) => k * unit).filter((n) => n < size);
      const small = options.find((n) => !taken.has(n)) ?? options[0];
      if (small === undefined) continue;
      taken.add(small);
      chosen.set(c, small);
    }
    return chosen;
  }

  /** Of each class, the least common multiple of all that shards its dims. */
  shards(shardsOf: (id: ValueId) => readonly number[]): Shards {
    const shards = new Map<number, number>();
    this.types.forEach((_, id) =>
      shardsOf(id as ValueId).forEach((count, dim) => {
        const c = this.of(id as ValueId, dim);
        shards.set(c, lcm(shards.get(c) ?? 1, count));
      }),
    );
    return shards;
  }

  private extents(): Map<number, number> {
    const extents = new Map<number, number>();
    this.types.forEach((type, id) => type.shape.forEach((size, dim) => extents.set(this.of(id as ValueId, dim), size)));
    return extents;
  }
}

/** By class. */
export type Shards = ReadonlyMap<number, number>;
