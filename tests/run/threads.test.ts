/** Results of the simulator do not depend on how many threads share its products: the same bytes on one, two and five. */
import { afterEach, expect, it, vi } from 'vitest';

afterEach(() => {
  vi.doUnmock('node:os');
  vi.doUnmock('node:worker_threads');
  vi.resetModules();
});

/** Products beyond WORTH_THREADS (runtime-sim/kernels/machine.ts), at extents that no tile divides. */
const PRODUCTS = `mesh @mesh {x=2, y=2}
func @main(%a: f32[514, 1030] @{x, y}, %b: f32[1030, 1030] @{y, _}) -> (f32[514, 1030]) {
  %c = einsum "ik,kj->ij" %a, %b
  %d = einsum "ik,kj->ij" %c, %b
  return %d
}`;

/** Bytes of the result on one device and on the mesh, and how many threads were started, where the system has `threads`. */
async function resultsOn(threads: number): Promise<{ started: number; bytes: Buffer[] }> {
  vi.resetModules();
  let started = 0;
  vi.doMock('node:os', async (original) => ({ ...(await original()), availableParallelism: () => threads }));
  vi.doMock('node:worker_threads', async (original) => {
    const real = await original<typeof import('node:worker_threads')>();
    class Worker extends real.Worker {
      constructor(...args: ConstructorParameters<typeof real.Worker>) {
        super(...args);
        started++;
      }
    }
    return { ...real, Worker };
  });
  const { compile, parseTir } = await import('../../compiler/index.ts');
  const { registry } = await import('../../ir/ops/index.ts');
  const { mainFunction } = await import('../../ir/program.ts');
  const { makeInputs } = await import('../../runtime-sim/inputs.ts');
  const { runOneDevice } = await import('../../runtime-sim/interpret.ts');
  const { runSpmd } = await import('../../runtime-sim/spmd.ts');
  const { whole, module } = compile(parseTir({ file: 'products.tir', text: PRODUCTS }));
  const inputs = makeInputs(mainFunction(whole), 1, 'true');
  const one = runOneDevice(whole, registry, inputs, 'true');
  const mesh = runSpmd(module, registry, inputs, 'true');
  const bytes = [...one, ...mesh.results].map(({ data }) => Buffer.from(data.buffer, data.byteOffset, data.byteLength));
  return { started, bytes };
}

it('one, two and five threads', { timeout: 60_000 }, async () => {
  const alone = await resultsOn(1);
  expect(alone.started).toBe(0);
  expect(alone.bytes.map((b) => b.length)).toEqual([514 * 1030 * 4, 514 * 1030 * 4]);
  for (const threads of [2, 5]) {
    const shared = await resultsOn(threads);
    expect(shared.started).toBe(threads - 1);
    shared.bytes.forEach((b, i) => expect(b.equals(alone.bytes[i] as Buffer), `result ${i}`).toBe(true));
  }
});
