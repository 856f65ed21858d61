/**
 * What `shardc plan-cost` reads: a transformer, how its training is spread over devices, and the machine. A JSON file of the
 * schema below (docs/plan-cost.md); every mistake is reported at once, at its place in the file.
 */
import { findNodeAtLocation, type Node, parseTree } from 'jsonc-parser';
import * as z from 'zod';
import { type Diagnostic, DiagnosticError, unsupported, userError } from '../../ir/diagnostics.ts';
import type { SourceText, Span } from '../../ir/program.ts';
import { SCHEDULES } from '../../runtime-sim/pipeline/order.ts';
import { parseJson } from '../json.ts';

const count = z
  .number()
  .int()
  .min(1)
  .max(2 ** 40);

const experts = z.strictObject({
  count,
  /** Experts per token. */
  top: z.union([z.literal(1), z.literal(2)]).default(2),
  /** Places per expert, over what an even spread needs. */
  capacity: z.number().min(1).max(64).default(1.25),
  /** Every how many layers has experts. */
  every: count.default(1),
});

const model = z.strictObject({
  layers: count,
  width: count,
  heads: count,
  /** Heads of keys and values; default as many as heads. */
  kvHeads: count.optional(),
  /** Default width / heads. */
  headSize: count.optional(),
  ffn: count,
  vocabulary: count,
  sequence: count,
  activation: z.enum(['relu', 'gelu', 'geglu', 'swiglu']).default('gelu'),
  norm: z.enum(['layer', 'rms']).default('layer'),
  bias: z.boolean().default(true),
  dropout: z.boolean().default(false),
  positions: z.enum(['learned', 'rotary', 'none']).default('learned'),
  /** Attention and feed-forward side by side (PaLM), not one after the other. */
  parallelBlock: z.boolean().default(false),
  /** Does attention run in one kernel, its scores never in memory (FlashAttention)? */
  fusedAttention: z.boolean().default(false),
  experts: experts.optional(),
});

export const descriptionSchema = z.strictObject({
  name: z.string().optional(),
  model,
  /** Sequences per step, of all replicas. */
  batch: count,
  /** Sequences per microbatch and replica. */
  microbatch: count,
  /** Devices along tensor, pipeline, data, context and expert parallelism; experts lie on devices of dp. */
  tp: count.default(1),
  pp: count.default(1),
  dp: count.default(1),
  cp: count.default(1),
  ep: count.default(1),
  /** Chunks of layers per stage. */
  virtual: count.default(1),
  schedule: z.enum(SCHEDULES).optional(),
  /** Activations outside products split over tp, by sequence (Megatron) or by feature (GSPMD, 2-D finalized). */
  sequenceParallel: z.boolean().default(false),
  featureParallel: z.boolean().default(false),
  recompute: z.enum(['none', 'selective', 'full']).default('none'),
  zero: z.union([z.literal(0), z.literal(1), z.literal(2), z.literal(3)]).default(0),
  /** Replicas that share one set of split state under zero; default dp. The others hold copies, and sum their gradients once a step. */
  zeroGroup: count.optional(),
  dtype: z.enum(['f32', 'bf16', 'f16']).default('bf16'),
  /** Of gradients, and of the optimizer's state and master weights. */
  gradients: z.enum(['f32', 'bf16', 'f16']).default('f32'),
  optimizer: z.enum(['adam', 'sgd']).default('adam'),
  /** Does the framework run op by op, as PyTorch does: layers recomputed whole, tensor collectives waited for? */
  eager: z.boolean().default(false),
  /** Are gradients of weights added up by the products that make them? Default: where the framework compiles. */
  fusedAccumulation: z.boolean().optional(),
  /** What runs beside computing: sends between stages, gradients summed during the last microbatch. */
  overlap: z
    .strictObject({
      sends: z.boolean().default(false),
      gradients: z.boolean().default(false),
      tensor: z.boolean().optional(),
    })
    .default({ sends: false, gradients: false }),
  machine: z.string().min(1),
});

export type Description = z.infer<typeof descriptionSchema>;
export type Model = Description['model'];

/** Forward passes of a step, over stages, chunks and microbatches: the pipeline is played action by action. */
const MAX_PASSES = 2 ** 17;
/** Bytes a file may have: a description is small. */
const MAX_BYTES = 2 ** 20;

/** Throws DiagnosticError with every mistake found. */
export function parseDescription(source: SourceText): Description {
  if (source.text.length > MAX_BYTES)
    throw userError('SH0806', `${source.file} has ${source.text.length} characters`, {
      expected: `at most ${MAX_BYTES}`,
    });
  const json = parseJson(source, 'SH0806', 'docs/plan-cost.md has an example');
  const mistake = mistakesIn(source.text);
  const parsed = descriptionSchema.safeParse(json);
  if (!parsed.success) {
    const mistakes = parsed.error.issues.flatMap((issue) => {
      const unknown = issue.code === 'unrecognized_keys' ? issue.keys : [undefined];
      return unknown.map((key) => {
        const path = [...issue.path, ...(key === undefined ? [] : [key])];
        return mistake(path, key === undefined ? issue.message : 'no such field');
      });
    });
    throw new DiagnosticError(mistakes);
  }
  const { kvHeads = 1 } = parsed.data.model;
  if (kvHeads > 1 && kvHeads % parsed.data.tp !== 0)
    throw unsupported(`${kvHeads} heads of keys on ${parsed.data.tp} devices of tensor parallelism`, {
      expected: 'one, or a multiple of tp',
    });
  const wrong = inconsistent(parsed.data).map(([path, message]) => mistake(path, message));
  if (wrong.length > 0) throw new DiagnosticError(wrong);
  return parsed.data;
}

/** Says what is wrong with a field, at its place in the file. */
function mistakesIn(text: string): (path: readonly PropertyKey[], message: string) => Diagnostic {
  const root = parseTree(text);
  return (path, message) => {
    const span = root === undefined ? undefined : spanOf(root, path);
    return {
      code: 'SH0805',
      severity: 'error',
      cause: 'user',
      message: `${path.length === 0 ? 'the file' : path.join('.')}: ${message}`,
      span,
      help: 'docs/plan-cost.md states the fields',
    };
  };
}

/** Where the field stands; where it is missing, the object that lacks it. */
function spanOf(root: Node, path: readonly PropertyKey[]): Span | undefined {
  for (let end = path.length; end >= 0; end--) {
    const node = findNodeAtLocation(root, path.slice(0, end) as string[]);
    if (node !== undefined) return { start: node.offset, end: node.offset + (end < path.length ? 1 : node.length) };
  }
  return undefined;
}

type Wrong = readonly [path: readonly string[], message: string];

/** What a schema cannot say. */
function inconsistent(d: Description): Wrong[] {
  const { model: m } = d;
  const kv = m.kvHeads ?? m.heads;
  const rules: (readonly [boolean, readonly string[], string])[] = [
    [
      m.headSize === undefined && m.width % m.heads !== 0,
      ['model', 'heads'],
      `${m.heads} heads do not divide width ${m.width}; give headSize`,
    ],
    [m.heads % kv !== 0, ['model', 'kvHeads'], `${kv} heads of keys do not divide ${m.heads} heads`],
    [m.heads % d.tp !== 0, ['tp'], `${d.tp} does not divide ${m.heads} heads`],
    [m.ffn % d.tp !== 0, ['tp'], `${d.tp} does not divide ffn ${m.ffn}`],
    [m.vocabulary % d.tp !== 0, ['tp'], `${d.tp} does not divide vocabulary ${m.vocabulary}; pad it`],
    [
      d.sequenceParallel && m.sequence % (d.tp * d.cp) !== 0,
      ['sequenceParallel'],
      `tp × cp does not divide sequence ${m.sequence}`,
    ],
    [d.featureParallel && m.width % d.tp !== 0, ['featureParallel'], `${d.tp} does not divide width ${m.width}`],
    [
      d.sequenceParallel && d.featureParallel,
      ['featureParallel'],
      'activations are split by sequence or by feature, not both',
    ],
    [m.sequence % d.cp !== 0, ['cp'], `${d.cp} does not divide sequence ${m.sequence}`],
    [
      d.batch % (d.dp * d.microbatch) !== 0,
      ['batch'],
      `${d.batch} is not a multiple of dp × microbatch = ${d.dp * d.microbatch}`,
    ],
    [
      // First and last chunk may have the vocabulary only, as Llama 3's do.
      m.layers < d.pp * d.virtual - 2,
      ['model', 'layers'],
      `${m.layers} layers are fewer than pp × virtual − 2 = ${d.pp * d.virtual - 2}`,
    ],
    [
      d.pp * d.virtual * microbatchesOf(d) > MAX_PASSES,
      ['batch'],
      `pp × virtual × microbatches = ${d.pp * d.virtual * microbatchesOf(d)} passes a step are more than ${MAX_PASSES}`,
    ],
    [d.dp % d.ep !== 0, ['ep'], `${d.ep} does not divide dp ${d.dp}: experts lie on its devices`],
    [d.ep > 1 && m.experts === undefined, ['ep'], 'the model has no experts'],
    [
      m.experts !== undefined && m.experts.count % d.ep !== 0,
      ['ep'],
      `${d.ep} does not divide ${m.experts?.count ?? 0} experts`,
    ],
    [
      d.zeroGroup !== undefined && d.dp % d.zeroGroup !== 0,
      ['zeroGroup'],
      `${d.zeroGroup ?? 0} does not divide dp ${d.dp}`,
    ],
    [
      d.virtual > 1 && scheduleOf(d) !== 'interleaved',
      ['schedule'],
      'several chunks per stage need the interleaved schedule',
    ],
    [
      scheduleOf(d) === 'interleaved' && microbatchesOf(d) % d.pp !== 0,
      ['batch'],
      `interleaving needs microbatches (${microbatchesOf(d)}) in whole rounds of ${d.pp} stages`,
    ],
  ];
  return rules.flatMap(([wrong, path, message]) => (wrong ? [[path, message] as const] : []));
}

export const scheduleOf = (d: Description): (typeof SCHEDULES)[number] =>
  d.schedule ?? (d.virtual > 1 ? 'interleaved' : '1f1b');

/** Per replica and step. */
export const microbatchesOf = ({ batch, dp, microbatch }: Description): number => batch / (dp * microbatch);
export const devicesOf = ({ tp, pp, dp, cp }: Description): number => tp * pp * dp * cp;
