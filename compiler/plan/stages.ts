/**
 * The stages of a pipeline: which layers each has, and what a microbatch through each of its chunks costs. Parts are compiled
 * and priced once, whatever the number of layers: n alike layers cost one and n − 1 times what a second one adds (under zero
 * 3 it gathers its weights beside the first).
 */
import type { Machine } from '../../runtime-sim/machine/machine.ts';
import type { Axes } from './axes.ts';
import { type Description, scheduleOf } from './description.ts';
import { type PartCost, partCost, type PassCost } from './part-cost.ts';
import { type StageProgram, stageProgram } from './stage-programs.ts';
import type { Part } from './weights.ts';

export interface PricedPart {
  readonly program: StageProgram;
  readonly cost: PartCost;
  /** What a second one after it adds. */
  readonly next: PartCost;
}

export type PricedParts = { readonly layer: PricedPart } & Readonly<Partial<Record<Part, PricedPart>>>;

export interface Chunk extends PartCost {
  readonly keptBytes: number;
  /** Parts of the model in it, with how many of each. */
  readonly parts: readonly (readonly [part: PricedPart, times: number])[];
}

export interface Stage {
  readonly chunks: readonly Chunk[];
  readonly weightBytes: number;
  readonly sumBytes: number;
  /** Of the whole model: elements of the weights of this stage's parts. */
  readonly parameters: number;
}

export function stagesOf(d: Description, axes: Axes, machine: Machine): { stages: Stage[]; parts: PricedParts } {
  const parts = priceParts(d, axes, machine);
  const chunks = d.pp * d.virtual;
  const counts = layerCounts(d, chunks);
  let from = 0;
  const all = counts.map((count, i) => {
    const made = chunkOf(d, parts, from, count, i === 0, i === chunks - 1);
    from += count;
    return made;
  });
  const chunksOf = (stage: number): Chunk[] =>
    Array.from({ length: d.virtual }, (_, chunk) => all[chunk * d.pp + stage] as Chunk);
  const stages = Array.from({ length: d.pp }, (_, stage) => stageOf(chunksOf(stage)));
  return { stages, parts };
}

/** As even as can be; where they do not divide, first and last have fewer, for they have the vocabulary's work too. */
function layerCounts({ model }: Description, chunks: number): number[] {
  const base = Math.floor(model.layers / chunks);
  let more = model.layers - base * chunks;
  const order = Array.from({ length: chunks }, (_, i) => i).sort((a, b) => distance(a, chunks) - distance(b, chunks));
  const counts = Array<number>(chunks).fill(base);
  for (const i of order) if (more-- > 0) counts[i] = base + 1;
  return counts;
}

const distance = (i: number, n: number): number => Math.abs(i - (n - 1) / 2);

function priceParts(d: Description, axes: Axes, machine: Machine): PricedParts {
  const options = {
    machine: d.model.fusedAttention ? withFusedAttention(machine) : machine,
    overlap: d.overlap.tensor ?? !d.eager,
    apart: scheduleOf(d) === 'zero-bubble',
  };
  const price = (part: Part): PricedPart => {
    const program = stageProgram(part, d, axes, 1);
    const cost = partCost(program, options);
    const alone = d.zero < 3 || part === 'embedding' || part === 'head';
    const next = alone ? cost : minus(partCost(stageProgram(part, d, axes, 2), options), cost);
    return { program, cost, next };
  };
  const layer = price('layer');
  const routed = d.model.experts === undefined ? {} : { 'expert layer': price('expert layer') };
  return { layer, ...routed, embedding: price('embedding'), head: price('head') };
}

const withFusedAttention = (machine: Machine): Machine => ({
  ...machine,
  compute: { ...machine.compute, fusion: 'attention' },
});

function chunkOf(
  d: Description,
  parts: PricedParts,
  from: number,
  count: number,
  first: boolean,
  last: boolean,
): Chunk {
  const every = d.model.experts?.every ?? 0;
  const routed = every === 0 ? 0 : Math.floor((from + count) / every) - Math.floor(from / every);
  const kinds: (readonly [PricedPart | undefined, number])[] = [
    [parts.embedding, first ? 1 : 0],
    [parts.layer, count - routed],
    [parts['expert layer'], routed],
    [parts.head, last ? 1 : 0],
  ];
  const own = kinds.flatMap(([part, times]) => (part === undefined || times === 0 ? [] : [[part, times] as const]));
  const costs = own.map(([part, times]) => plus(part.cost, part.next, times - 1));
  return {
    ...costs.reduce((a, b) => plus(a, b, 1)),
    keptBytes: own.reduce((n, [part, times]) => n + times * part.program.keptBytes, 0),
    parts: own,
  };
}

function stageOf(chunks: readonly Chunk[]): Stage {
  const programs = chunks.flatMap((c) => c.parts.map(([part, times]) => ({ program: part.program, times })));
  const total = (of: (p: StageProgram) => number): number =>
    programs.reduce((n, { program, times }) => n + times * of(program), 0);
  const twice = programs.some((p) => p.program.part === 'embedding') ? 1 : 0;
  return {
    chunks,
    weightBytes: total((p) => p.weightBytes - twice * p.tableBytes.weights),
    sumBytes: total((p) => p.sumBytes - twice * p.tableBytes.sums),
    parameters: total((p) => p.parameters),
  };
}

const minus = (a: PartCost, b: PartCost): PartCost => plus(a, b, -1);

/** a + times × b. */
function plus(a: PartCost, b: PartCost, times: number): PartCost {
  const both = (x: PassCost | undefined, y: PassCost | undefined): PassCost | undefined =>
    x === undefined || y === undefined ? undefined : passPlus(x, y, times);
  return {
    forward: passPlus(a.forward, b.forward, times),
    backward: passPlus(a.backward, b.backward, times),
    inputGradient: both(a.inputGradient, b.inputGradient),
    weightGradient: both(a.weightGradient, b.weightGradient),
    modelFlops: a.modelFlops + times * b.modelFlops,
    hardwareFlops: a.hardwareFlops + times * b.hardwareFlops,
  };
}

/** One after the other: they use the same working memory. */
function passPlus(a: PassCost, b: PassCost, times: number): PassCost {
  const kinds = new Set([...Object.keys(a.wireBytes), ...Object.keys(b.wireBytes)]);
  const sums = (of: 'wireBytes' | 'linkSeconds'): Record<string, number> =>
    Object.fromEntries([...kinds].map((k) => [k, (a[of][k] ?? 0) + times * (b[of][k] ?? 0)]));
  return {
    seconds: a.seconds + times * b.seconds,
    exposedSeconds: a.exposedSeconds + times * b.exposedSeconds,
    wireBytes: sums('wireBytes'),
    linkSeconds: sums('linkSeconds'),
    workingBytes: Math.max(a.workingBytes, b.workingBytes),
  };
}
