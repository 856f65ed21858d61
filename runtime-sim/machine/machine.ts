/**
 * Machines: what a device computes, holds and sends. A machine is a JSON file of the schema below; the presets in
 * `data/` are files like a user's own. Units: bytes, seconds, flop/s, bytes/s.
 */
import * as z from 'zod';
import { userError } from '../../ir/diagnostics.ts';
import { DTYPES, type DType } from '../../ir/types.ts';
import { FUSIONS } from '../cost/traffic.ts';
import { PRESETS } from './presets.ts';

const positive = z.number().positive();
const share = positive.max(1);
const seconds = z.number().nonnegative();
const count = z.number().int().positive();

const compute = z.strictObject({
  /** Of the matrix unit by element type; a type that is missing runs as its nearest kin (`peakFlops` below). */
  peakFlops: z.strictObject({ f32: positive }).catchall(positive),
  /** Of everything else. */
  vectorFlops: positive,
  /**
   * Share of the peak that an [m, k] × [k, n] product reaches, s = min(m, k, n): best · s / (s + half), with `half` the size
   * at half the best rate (Hockney and Jesshope, Parallel Computers, 1981: n½).
   */
  efficiency: z.strictObject({ best: share, half: z.number().nonnegative() }),
  /** Seconds, at most, of a product's first loads and last stores, which do not hide behind its arithmetic. */
  staging: seconds.default(0),
  /** What m, n and k are padded to. */
  tile: z.strictObject({ rows: count, columns: count, depth: count }),
  /** Seconds before an op that fuses with nothing begins. */
  launch: seconds,
  /** What runs in one kernel: chains of ops, or whole rows with their reductions (cost/chain-fusion.ts, cost/row-fusion.ts). */
  fusion: z.enum(FUSIONS).default('chains'),
});

const memory = z.strictObject({
  bytes: positive,
  bandwidth: positive,
  efficiency: share,
  /** Between one device and its host's memory. */
  hostBandwidth: positive,
});

/** Between pods (slices), by the hosts' network. Per device. */
const dcn = z.strictObject({ bandwidth: positive, efficiency: share, latency: seconds, setup: seconds });

const torus = z.strictObject({
  kind: z.literal('torus'),
  /** Largest extents; more devices than that are several pods joined by the data-centre network. */
  pod: z.array(count).min(1).max(3),
  /** Which dims close to rings: those of the pod's full extent, or of extents that are multiples of `of`. */
  wrap: z.discriminatedUnion('rule', [
    z.strictObject({ rule: z.literal('full') }),
    z.strictObject({ rule: z.literal('multiple'), of: count }),
  ]),
  /** One link, one way. */
  linkBandwidth: positive,
  efficiency: share,
  /** textbook: rings pass whole chunks, and the way hides behind the bytes; measured: the last chunk goes both ways, and the way adds. */
  ring: z.enum(['textbook', 'measured']),
  hopLatency: seconds,
  /** Once per collective. */
  setup: seconds,
  dcn,
});

const level = z.strictObject({
  /** Devices that one switch of this level reaches; left out: all. */
  devices: count.optional(),
  /** Per device, one way. */
  bandwidth: positive,
  efficiency: share,
  /** Per step of an algorithm. */
  latency: seconds,
});

const switched = z.strictObject({
  kind: z.literal('switch'),
  setup: seconds,
  /** Innermost first: NVLink, then the network between nodes, … */
  levels: z.array(level).min(1),
});

export const machineSchema = z.strictObject({
  name: z.string().min(1),
  /** Where the numbers come from. */
  source: z.string(),
  compute,
  memory,
  network: z.discriminatedUnion('kind', [torus, switched]),
});

export type Machine = z.infer<typeof machineSchema>;
export type Torus = z.infer<typeof torus>;
export type Switched = z.infer<typeof switched>;

export const machineNames = (): string[] => PRESETS.map((m) => m.name);

/** A preset by name, or a user error that lists the names. */
export function machine(name: string): Machine {
  const found = PRESETS.find((m) => m.name === name);
  if (found === undefined) {
    throw userError('SH0801', `no machine is called "${name}"`, {
      expected: machineNames().join(', '),
      help: 'name one of these, or give a machine file',
    });
  }
  return parseMachine(found, `${name}.json`);
}

/** A machine file, already read as JSON. All mistakes are reported at once. */
export function parseMachine(json: unknown, file: string): Machine {
  const parsed = machineSchema.safeParse(json);
  const mistakes = parsed.success
    ? inconsistent(parsed.data)
    : parsed.error.issues.map((i) => `${i.path.join('.') || '(whole file)'}: ${i.message}`);
  if (parsed.success && mistakes.length === 0) return parsed.data;
  throw userError('SH0802', `${file} is not a machine: ${mistakes.join('; ')}`, {
    help: 'docs/machines.md states the fields; runtime-sim/machine/data/ holds the presets',
  });
}

/** What a schema cannot say. */
function inconsistent({ network }: Machine): string[] {
  const found: string[] = [];
  if (network.kind === 'switch') {
    const sizes = network.levels.map((l) => l.devices);
    if (sizes.slice(0, -1).includes(undefined)) found.push('network.levels: only the last may reach all devices');
    if (sizes.some((n, i) => i > 0 && n !== undefined && n % (sizes[i - 1] ?? 1) !== 0))
      found.push('network.levels: each must hold whole units of the one before');
  }
  return found;
}

/** Flop/s of matrix products on this element type. */
export function peakFlops({ compute }: Machine, dtype: DType): number {
  const rates: Readonly<Record<string, number>> = compute.peakFlops;
  const { class: cls, bits } = DTYPES[dtype];
  const own = Object.hasOwn(rates, dtype) ? rates[dtype] : undefined;
  const half = rates.bf16 ?? rates.f32;
  const kin = cls !== 'float' || bits > 16 ? rates.f32 : bits === 16 ? half : (rates.f8e4m3fn ?? half);
  return own ?? kin ?? compute.peakFlops.f32;
}

/** Share of the peak at this smallest extent. */
export const matrixEfficiency = ({ compute: { efficiency } }: Machine, extent: number): number =>
  (efficiency.best * extent) / (extent + efficiency.half);

/** The same machine as textbooks reckon with it: links and memory at their stated rates, 1 µs a hop, nothing to set up. */
export function ideal(machine: Machine): Machine {
  const { compute, memory, network } = machine;
  return {
    ...machine,
    name: `${machine.name} (ideal)`,
    compute: { ...compute, efficiency: { best: 1, half: 0 }, staging: 0, launch: 0 },
    memory: { ...memory, efficiency: 1 },
    network:
      network.kind === 'torus'
        ? { ...network, efficiency: 1, ring: 'textbook', hopLatency: 1e-6, setup: 0 }
        : { ...network, setup: 0, levels: network.levels.map((l) => ({ ...l, efficiency: 1, latency: 0 })) },
  };
}
