/** docs/ops.md: every op of StableHLO and CHLO, and what shardc makes of it. `BLESS=1` writes it anew. */
import { readFileSync, writeFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { isHostTransfer } from '../ir/ops/host-transfers.ts';
import { registry } from '../ir/ops/index.ts';
import type { FactorKind, FactorRule } from '../ir/factors.ts';
import { haloOfFactor, splitRule } from '../ir/op.ts';
import { COLLECTIVES, STRUCTURAL } from '../ir/program.ts';
import { EXPANSIONS } from '../ir/stablehlo/expansions.ts';
import { hasLocalizer } from '../passes/partition/localize.ts';
import { examples } from './laws/examples/index.ts';
import { viewOf } from '../compiler/testing/laws/op-example.ts';

const STABLEHLO = `abs add after_all all_gather all_reduce all_to_all and atan2 batch_norm_grad batch_norm_inference
batch_norm_training bitcast_convert broadcast broadcast_in_dim case cbrt ceil cholesky clamp collective_broadcast
collective_permute compare complex composite concatenate constant convert convolution cosine count_leading_zeros create_token
cross-replica-sum custom_call divide dot dot_general dynamic_broadcast_in_dim dynamic_conv dynamic_gather dynamic_iota dynamic_pad
dynamic_reshape dynamic_slice dynamic_update_slice einsum exponential exponential_minus_one fft floor gather
get_dimension_size get_tuple_element if imag infeed iota is_finite log log_plus_one logistic map maximum minimum multiply
negate not optimization_barrier or outfeed pad partition_id popcnt power real real_dynamic_slice recv reduce
reduce_precision reduce_scatter reduce_window remainder replica_id reshape reverse rng rng_bit_generator
round_nearest_afz round_nearest_even rsqrt scatter select select_and_scatter send set_dimension_size shift_left
shift_right_arithmetic shift_right_logical sign sine slice sort sqrt subtract tan tanh torch_index_select transpose
triangular_solve tuple unary_einsum uniform_dequantize uniform_quantize while xor`.split(/\s+/);

const CHLO = `acos acosh asin asinh atan atanh bessel_i1e broadcast_add broadcast_and broadcast_atan2 broadcast_compare
broadcast_complex broadcast_divide broadcast_maximum broadcast_minimum broadcast_multiply broadcast_next_after broadcast_or
broadcast_polygamma broadcast_power broadcast_remainder broadcast_select broadcast_shift_left
broadcast_shift_right_arithmetic broadcast_shift_right_logical broadcast_subtract broadcast_xor broadcast_zeta conj constant
constant_like cosh digamma erf erf_inv erfc is_inf is_neg_inf is_pos_inf lgamma mulhi next_after polygamma ragged_dot scan
sinh square tan top_k zeta`.split(/\s+/);

/** Read by the importer's own hand. */
const BY_HAND: Readonly<Record<string, string>> = {
  composite: 'a call of its decomposition',
  'cross-replica-sum': 'all_reduce, a sum',
  create_token: 'after_all of nothing',
  dot: 'dot_general',
  get_tuple_element: 'one of the values of a tuple',
  if: 'case',
  partition_id: 'in manual computations: the place on the mesh',
  replica_id: 'in manual computations: the place on the mesh',
  tuple: 'its values',
};

/** Refused by name, exit code 2: XLA takes none of them (docs/accepted.md). */
const REFUSED: Readonly<Record<string, string>> = {
  dynamic_conv: 'padding that is only known at run time',
  uniform_dequantize: 'uniform quantised types',
  uniform_quantize: 'uniform quantised types',
};

const structural: ReadonlySet<string> = new Set<string>([...STRUCTURAL, ...COLLECTIVES]);

test('docs/ops.md is what the registry says', () => {
  const table = [
    '# Ops',
    '',
    'Every op of StableHLO and of CHLO, and what shardc makes of it. Written by `BLESS=1 npx vitest run tests/ops-table.test.ts`.',
    'An op of the registry has its result types inferred, a reference kernel, a factor rule, text both ways (.tir, StableHLO), and',
    'is held to the laws on its examples (`tests/laws`) and, kernel and partitioned, to XLA (`tests/xla`). Forms of them beyond plain',
    'tensor ops, and what XLA says of each: [what is accepted](accepted.md).',
    '',
    '- *split over*: how its dims may be sharded: pass (each shard its own part), reduce (a sum or the like is owed), halo (parts of',
    '  neighbours are exchanged), whole (gathered, or moved to another dim)',
    '- *own*: a localizer of its own in `passes/partition/localize/`, or two steps in `passes/partition/split-sharded/`',
    '',
    '## StableHLO',
    ...rows(STABLEHLO),
    '',
    '## CHLO',
    ...rows(CHLO),
    '',
  ].join('\n');
  if (process.env.BLESS === '1') writeFileSync('docs/ops.md', table);
  expect(readFileSync('docs/ops.md', 'utf8')).toBe(table);
});

function rows(names: readonly string[]): string[] {
  return ['| op | in shardc | split over | own |', '| --- | --- | --- | --- |', ...names.map(row)];
}

function row(name: string): string {
  const known = BY_HAND[name];
  if (known !== undefined) return `| ${name} | read as ${known} | | |`;
  if (Object.hasOwn(EXPANSIONS, name) && registry[name] === undefined) return `| ${name} | read as other ops | | |`;
  if (structural.has(name)) return `| ${name} | structural or collective | | |`;
  const refused = REFUSED[name];
  if (refused !== undefined) return `| ${name} | not supported: ${refused} | | |`;
  if (registry[name] === undefined) throw new Error(`${name} is in no list`);
  if (isHostTransfer({ kind: name })) return `| ${name} | op, on each device by itself or on one | pass |  |`;
  const own = hasLocalizer(name) || name === 'top_k' || name === 'reduce' ? 'yes' : '';
  return `| ${name} | op | ${splits(name)} | ${own} |`;
}

/** The kinds of split that some example has. */
function splits(kind: string): string {
  const found = new Set<string>();
  for (const example of examples.filter((e) => e.kind === kind)) {
    const def = registry[kind];
    const view = viewOf(example);
    const rule: FactorRule = splitRule(def as NonNullable<typeof def>, view);
    rule.factors.forEach((f, i) => {
      if (f.size <= 1) return;
      const halo = haloOfFactor(def as NonNullable<typeof def>, view, rule, i, 1);
      const shard = halo === null ? 'whole' : f.kind === 'permute' || f.kind === 'replicate' ? 'halo' : f.kind;
      found.add(shard satisfies FactorKind | 'halo' | 'whole');
    });
  }
  return ['pass', 'reduce', 'halo', 'whole'].filter((s) => found.has(s)).join(', ');
}
