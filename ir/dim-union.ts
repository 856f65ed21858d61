/** Union-find over the dims of a function's values, by offset into one array. */
import type { ValueId } from './program.ts';
import type { TensorType } from './types.ts';

export interface DimOf {
  readonly id: ValueId;
  readonly dim: number;
}

export class DimUnion {
  protected readonly types: readonly TensorType[];
  private readonly start: Int32Array;
  private readonly parent: Int32Array;

  constructor(types: readonly TensorType[]) {
    this.types = types;
    this.start = new Int32Array(types.length + 1);
    types.forEach((t, i) => {
      this.start[i + 1] = (this.start[i] as number) + t.shape.length;
    });
    this.parent = Int32Array.from({ length: this.start[types.length] as number }, (_, i) => i);
  }

  /** The class that the dim is in. */
  of(id: ValueId, dim: number): number {
    let at = (this.start[id] as number) + dim;
    while (this.parent[at] !== at) {
      this.parent[at] = this.parent[this.parent[at] as number] as number;
      at = this.parent[at] as number;
    }
    return at;
  }

  join(a: DimOf, b: DimOf): void {
    const [x, y] = [this.of(a.id, a.dim), this.of(b.id, b.dim)];
    if (x !== y) this.joined(x, y);
  }

  /** All dims of two values of one rank. */
  joinAll(a: ValueId, b: ValueId): void {
    this.types[a]?.shape.forEach((_, dim) => this.join({ id: a, dim }, { id: b, dim }));
  }

  /** Two classes, each named by its root, become one with the first root. */
  protected joined(root: number, other: number): void {
    this.parent[other] = root;
  }
}
