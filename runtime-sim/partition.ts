/**
 * Which devices hold the same data. A partition maps every device to a copy; copies are numbered by their first device,
 * so equal partitions are one object. A value replicated over 64 of 2,048 devices is 32 arrays, computed 32 times.
 */
export interface Partition {
  readonly id: number;
  /** device → copy. */
  readonly copyOf: Int32Array;
  readonly copies: number;
  /** copy → first device that holds it. */
  readonly firstDevice: Int32Array;
}

export class Partitions {
  readonly devices: number;
  /** All devices hold the same. */
  readonly whole: Partition;
  private readonly interned = new Map<number, Partition[]>();
  private readonly refinements = new Map<string, Partition>();
  private readonly projections = new Map<string, Int32Array>();
  private count = 0;

  constructor(devices: number) {
    this.devices = devices;
    this.whole = this.of(new Int32Array(devices));
  }

  /** Devices with the same label hold the same. O(devices). */
  of(labels: ArrayLike<number>): Partition {
    const copyOf = new Int32Array(this.devices);
    const first: number[] = [];
    const numbers = new Map<number, number>();
    let hash = 0x811c9dc5;
    for (let d = 0; d < this.devices; d++) {
      const label = labels[d] as number;
      let copy = numbers.get(label);
      if (copy === undefined) {
        copy = first.push(d) - 1;
        numbers.set(label, copy);
      }
      copyOf[d] = copy;
      hash = Math.imul(hash ^ copy, 0x01000193);
    }
    return this.intern(hash, copyOf, first);
  }

  /** Common refinement: devices share a copy where they share one in both. */
  refine(a: Partition, b: Partition): Partition {
    if (a === b || b.copies === 1) return a;
    if (a.copies === 1) return b;
    const key = a.id < b.id ? `${a.id},${b.id}` : `${b.id},${a.id}`;
    let fine = this.refinements.get(key);
    if (fine === undefined) {
      const labels = new Float64Array(this.devices);
      for (let d = 0; d < this.devices; d++) labels[d] = (a.copyOf[d] as number) * b.copies + (b.copyOf[d] as number);
      fine = this.of(labels);
      this.refinements.set(key, fine);
    }
    return fine;
  }

  /** Copy of `fine` → the copy of `coarse` that its devices hold. `fine` must refine `coarse`. */
  project(fine: Partition, coarse: Partition): Int32Array {
    const key = `${fine.id},${coarse.id}`;
    let map = this.projections.get(key);
    if (map === undefined) {
      map = fine.firstDevice.map((d) => coarse.copyOf[d] as number);
      this.projections.set(key, map);
    }
    return map;
  }

  private intern(hash: number, copyOf: Int32Array, first: readonly number[]): Partition {
    let bucket = this.interned.get(hash);
    if (bucket === undefined) this.interned.set(hash, (bucket = []));
    const known = bucket.find((p) => p.copies === first.length && p.copyOf.every((c, d) => c === copyOf[d]));
    if (known !== undefined) return known;
    const made: Partition = { id: this.count++, copyOf, copies: first.length, firstDevice: Int32Array.from(first) };
    bucket.push(made);
    return made;
  }
}
