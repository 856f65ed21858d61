/**
 * Compiled kernels on several threads. Workers run nothing but the kernels, on the heap's shared memory: a job is a
 * kernel's number and its arguments. Jobs of one `run` write apart, each in its own order, so that results do not depend
 * on who ran what.
 *
 * Shared state: EPOCH counts runs; LEFT counts jobs down as threads take them; DONE counts them up.
 */
import { availableParallelism } from 'node:os';
import { Worker } from 'node:worker_threads';
import { internalError } from '../../ir/diagnostics.ts';
import type { WasmMemory } from '../memory/wasm.ts';

export type Job = readonly [kernel: number, ...args: number[]];
export type Kernel = (...args: number[]) => void;

const [EPOCH, LEFT, DONE, FAILED, TABLE] = [0, 1, 2, 3, 8];
/** Numbers of a job: its kernel, seven arguments. */
const JOB = 8;
export const MOST_JOBS = 1024;
const MOST_THREADS = 8;

const WORKER = `
const { workerData: { module, memory, shared } } = require('node:worker_threads');
const kernels = Object.values(new WebAssembly.Instance(module, { m: { m: memory } }).exports);
const state = new Int32Array(shared);
const take = () => Atomics.sub(state, ${LEFT}, 1) - 1;
for (;;) {
  const epoch = Atomics.load(state, ${EPOCH});
  for (let i = take(); i >= 0; i = take()) {
    const at = ${TABLE} + i * ${JOB};
    try {
      kernels[state[at]](...state.subarray(at + 1, at + ${JOB}));
    } catch {
      Atomics.store(state, ${FAILED}, 1);
    }
    Atomics.add(state, ${DONE}, 1);
    Atomics.notify(state, ${DONE});
  }
  Atomics.wait(state, ${EPOCH}, epoch);
}`;

export class Crew {
  /** This thread and the workers. */
  readonly threads: number;
  private readonly kernels: readonly Kernel[];
  private readonly state: Int32Array;

  constructor(module: object, memory: WasmMemory, kernels: readonly Kernel[]) {
    this.kernels = kernels;
    const shared = new SharedArrayBuffer((TABLE + MOST_JOBS * JOB) * 4);
    this.state = new Int32Array(shared);
    this.threads = Math.min(availableParallelism(), MOST_THREADS);
    for (let i = 1; i < this.threads; i++)
      new Worker(WORKER, { eval: true, workerData: { module, memory, shared }, execArgv: [] }).unref();
  }

  /** All jobs, MOST_JOBS at most; this thread works along, and alone while workers start. */
  run(jobs: readonly Job[]): void {
    const { state } = this;
    jobs.forEach((job, i) => state.set(job, TABLE + i * JOB));
    Atomics.store(state, DONE, 0);
    Atomics.store(state, LEFT, jobs.length);
    Atomics.add(state, EPOCH, 1);
    Atomics.notify(state, EPOCH);
    for (let i = this.take(); i >= 0; i = this.take()) {
      const [kernel, ...args] = jobs[i] as Job;
      (this.kernels[kernel] as Kernel)(...args);
      Atomics.add(state, DONE, 1);
    }
    for (let done = Atomics.load(state, DONE); done < jobs.length; done = Atomics.load(state, DONE))
      Atomics.wait(state, DONE, done);
    if (Atomics.load(state, FAILED) !== 0) throw internalError('a kernel failed on another thread');
  }

  private take(): number {
    return Atomics.sub(this.state, LEFT, 1) - 1;
  }
}
