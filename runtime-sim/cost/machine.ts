/** Machines: what a device computes, holds and sends. Presets in machine-presets.ts; a user's own come as JSON. */
import { z } from 'zod';
import { userError } from '../../ir/diagnostics.ts';
import { DTYPES, type DType } from '../../ir/types.ts';
import { MACHINES } from './machine-presets.ts';

const positive = z.number().positive();

const torus = z.strictObject({
  kind: z.literal('torus'),
  /** Bytes/s of one ring in both directions together. */
  axisBandwidth: positive,
  /** Physical dims: how many rings one collective can use at once. */
  dims: z.number().int().positive(),
  /** Axes whose size is a multiple of this are rings; others are lines, which take twice as long. */
  wrapMultiple: z.number().int().positive(),
  efficiency: positive.max(1),
  /** Seconds per hop. */
  hopLatency: z.number().nonnegative(),
});

const switched = z.strictObject({
  kind: z.literal('switch'),
  /** Devices that share the fast switch; consecutive device ids. */
  nodeSize: z.number().int().positive(),
  /** Bytes/s that one device puts on the fast switch. */
  deviceBandwidth: positive,
  /** Bytes/s that one node puts on the network between nodes. */
  nodeBandwidth: positive,
  efficiency: positive.max(1),
  /** Seconds to start a collective, and per step of its ring. */
  startLatency: z.number().nonnegative(),
  hopLatency: z.number().nonnegative(),
});

export const machineSchema = z.strictObject({
  name: z.string().min(1),
  /** Where the numbers come from. */
  source: z.string(),
  /** Flop/s of the matrix unit by element type; a type that is missing runs as f32 (floats) or f32's rate (others). */
  peakFlops: z.strictObject({ f32: positive }).catchall(positive),
  /** Share of the peak that large matrix products reach. */
  flopsEfficiency: positive.max(1),
  /** Matrix dims are padded to multiples of this. */
  tile: z.number().int().positive(),
  hbmBytes: positive,
  hbmBandwidth: positive,
  hbmEfficiency: positive.max(1),
  network: z.discriminatedUnion('kind', [torus, switched]),
});

export type Machine = z.infer<typeof machineSchema>;
export type Torus = z.infer<typeof torus>;
export type Switched = z.infer<typeof switched>;

export const machineNames = (): string[] => Object.keys(MACHINES);

/** A preset by name, or a user error that lists the names. */
export function machine(name: string): Machine {
  const found = Object.hasOwn(MACHINES, name) ? MACHINES[name] : undefined;
  if (found === undefined) {
    throw userError('SH0801', `no machine is called "${name}"`, {
      expected: machineNames().join(', '),
      help: 'name one of these, or give a machine file',
    });
  }
  return found;
}

/** A user's machine file, already read as JSON. All mistakes are reported at once. */
export function parseMachine(json: unknown, file: string): Machine {
  const parsed = machineSchema.safeParse(json);
  if (parsed.success) return parsed.data;
  const mistakes = parsed.error.issues.map((i) => `${i.path.join('.') || '(whole file)'}: ${i.message}`);
  throw userError('SH0802', `${file} is not a machine: ${mistakes.join('; ')}`, {
    help: 'runtime-sim/cost/machine.ts states the fields',
  });
}

/** Flop/s of matrix products on this element type. */
export function peakFlops(machine: Machine, dtype: DType): number {
  const own = machine.peakFlops[dtype];
  if (own !== undefined) return own;
  const { class: cls, bits } = DTYPES[dtype];
  if (cls === 'float' && bits === 16) return machine.peakFlops.bf16 ?? machine.peakFlops.f32;
  if (cls === 'float' && bits === 8)
    return machine.peakFlops.f8e4m3fn ?? machine.peakFlops.bf16 ?? machine.peakFlops.f32;
  return machine.peakFlops.f32;
}
