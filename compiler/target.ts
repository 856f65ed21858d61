/** What a program is priced, decided and scheduled for: the options that every command with a cost shares. */
import { type Command, Option } from 'commander';
import type { Registry } from '../ir/op.ts';
import type { Module } from '../ir/program.ts';
import { paceOn } from '../runtime-sim/cost/pace.ts';
import { timePrices } from '../runtime-sim/cost/time-prices.ts';
import { type Machine, machineNames } from '../runtime-sim/machine/machine.ts';
import type { PlacementWish } from '../runtime-sim/machine/placement.ts';
import type { CompileOptions } from './compile.ts';
import { type Input, registryOf } from './load.ts';
import { loadMachine, parsePlacement } from './load-machine.ts';
import { DEFAULT_MACHINE } from './pipeline.ts';

export interface TargetFlags {
  readonly mesh?: string;
  readonly machine: string;
  readonly topology?: string;
  readonly place?: string;
  readonly objective: 'wire' | 'time';
}

export interface Target {
  readonly machine: Machine;
  readonly wish: PlacementWish;
  readonly registry: Registry;
  readonly objective: TargetFlags['objective'];
}

export const withTargetOptions = (command: Command): Command =>
  command
    .option('--mesh <sizes>', 'other sizes for the mesh axes: 32x64 by position, x=2,y=4 by name')
    .option('--machine <name|file>', `one of ${machineNames().join(', ')}, or a JSON file`, DEFAULT_MACHINE)
    .option('--topology <extents>', 'extents of the torus that the mesh lies on: 8x16')
    .option('--place <axes>', 'physical dims that mesh axes may use: x=0,y=1+2')
    .addOption(
      new Option('--objective <what>', 'compare plans by wire bytes or by seconds on the machine')
        .choices(['wire', 'time'])
        .default('wire'),
    );

export const targetOf = (flags: TargetFlags, source: Input): Target => ({
  machine: loadMachine(flags.machine),
  wish: parsePlacement(flags.topology, flags.place),
  registry: registryOf(source),
  objective: flags.objective,
});

/** How `parsed` is compiled for the target, its ops in the order that is fastest there. */
export function compileOptions(parsed: Module, { machine, registry, objective, wish }: Target): CompileOptions {
  const mesh = parsed.meshes[0];
  const prices = objective === 'time' && mesh !== undefined ? { prices: timePrices(machine, mesh) } : {};
  return { registry, ...prices, pace: paceOn(machine, registry, wish) };
}
