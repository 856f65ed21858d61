/** The compiled kernels over the heap of the run that is under way. */
import type { Heap } from '../memory/heap.ts';
import { heapNow } from '../memory/room.ts';
import { compileModule, instantiate } from '../memory/wasm.ts';
import { assemble } from './assembler.ts';
import { Crew, type Job, type Kernel } from './crew.ts';
import { tileProducts } from './tile-product.ts';
import { vectorLoops } from './vector-loops.ts';

/** From this much work on, in floating-point operations, threads are worth their start. */
const WORTH_THREADS = 1e9;

export class Machine {
  readonly heap: Heap;
  private readonly module: object;
  private readonly kernels: readonly Kernel[];
  private readonly numbers = new Map<string, number>();
  private crew: Crew | undefined;
  private work = 0;

  constructor(heap: Heap) {
    this.heap = heap;
    const functions = [...tileProducts(), ...vectorLoops()];
    functions.forEach((f, i) => this.numbers.set(f.name, i));
    this.module = compileModule(assemble(functions));
    const { exports } = instantiate(this.module, heap.memory);
    this.kernels = functions.map((f) => exports[f.name] as Kernel);
  }

  /** Undefined where there is no kernel of this name. */
  kernel(name: string): Kernel | undefined {
    const number = this.numbers.get(name);
    return number === undefined ? undefined : this.kernels[number];
  }

  numberOf(name: string): number {
    return this.numbers.get(name) as number;
  }

  /** Jobs that write apart, on all threads once there was work enough for them. */
  run(jobs: readonly Job[], work: number): void {
    this.work += work;
    if (jobs.length > 1 && this.work > WORTH_THREADS) {
      this.crew ??= new Crew(this.module, this.heap.memory, this.kernels);
      if (this.crew.threads > 1) return this.crew.run(jobs);
    }
    for (const [kernel, ...args] of jobs) (this.kernels[kernel] as Kernel)(...args);
  }
}

let machine: Machine | undefined;

/** Undefined where the run has no heap. */
export function machineNow(): Machine | undefined {
  const heap = heapNow();
  if (heap === undefined) return undefined;
  if (machine?.heap !== heap) machine = new Machine(heap);
  return machine;
}
