/** The examples, each compiled once, and their rows in examples/README.md. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { compile, importStablehlo, type Program, parseTir, type Traced } from '../../compiler/index.ts';
import { bytesText } from '../../compiler/units.ts';
import decode from '../../examples/decode.ts';
import { decoder, strategies } from '../../examples/decoder.ts';
import fsdp from '../../examples/fsdp.ts';
import llama from '../../examples/llama.ts';
import megatron from '../../examples/megatron-mlp.ts';
import { pipeline } from '../../examples/pipeline.ts';
import ring from '../../examples/ring-attention.ts';
import switchMoe from '../../examples/switch-moe.ts';

const folder = join(import.meta.dirname, '../../examples');

interface Example {
  readonly what: string;
  readonly command: string;
  /** In TypeScript; absent = the file of the command is read. */
  readonly traced?: () => Traced;
  /** Trains: gives its parameters, and its state, as it took them. */
  readonly trains?: true;
  readonly lookAt: string;
}

export const examples: readonly Example[] = [
  {
    what: "Megatron's MLP, a training step",
    command: 'megatron-mlp.ts',
    traced: () => megatron as Traced,
    trains: true,
    lookAt: 'one all_reduce over `model` forward; `shardc explain examples/megatron-mlp.ts y`',
  },
  {
    what: "GSPMD's decoder, 2-D finalized",
    command: 'decoder.ts',
    traced: () => decoder(strategies.finalized) as Traced,
    trains: true,
    lookAt: 'seven annotations a layer; everything else follows',
  },
  {
    what: 'the same, attempt 2',
    command: 'STRATEGY=attempt2 decoder.ts',
    traced: () => decoder(strategies.attempt2) as Traced,
    trains: true,
    lookAt: 'activations whole over Y between blocks',
  },
  {
    what: 'the same, attempt 1',
    command: 'STRATEGY=attempt1 decoder.ts',
    traced: () => decoder(strategies.attempt1) as Traced,
    trains: true,
    lookAt: 'the batch is not split: memory doubles',
  },
  {
    what: 'a LLaMA-style decoder with experts',
    command: 'llama.ts',
    traced: () => llama as Traced,
    trains: true,
    lookAt: 'logical axes and rules; grouped queries, rotary positions, Adam; layers scanned and checkpointed',
  },
  {
    what: 'FSDP (ZeRO-3) with Adam',
    command: 'fsdp.ts',
    traced: () => fsdp as Traced,
    trains: true,
    lookAt: 'weights gathered twice (`checkpoint`), gradients scattered as they are summed',
  },
  {
    what: 'Switch mixture of experts',
    command: 'switch-moe.ts',
    traced: () => switchMoe as Traced,
    trains: true,
    lookAt: 'tokens travel by all_to_all; the same are dropped on 4 devices as on one',
  },
  {
    what: 'GPipe as vectorised stages',
    command: 'pipeline.ts',
    traced: () => pipeline('gpipe') as Traced,
    trains: true,
    lookAt: 'one neighbour shift per tick; stage weights do not move',
  },
  {
    what: 'circular pipeline',
    command: 'SCHEDULE=circular pipeline.ts',
    traced: () => pipeline('circular') as Traced,
    trains: true,
    lookAt: 'two layers per stage, microbatches go around',
  },
  {
    what: 'ring attention by shardMap',
    command: 'ring-attention.ts',
    traced: () => ring as Traced,
    lookAt: 'neighbours only; nobody holds the whole sequence',
  },
  {
    what: 'decoding with a KV cache',
    command: 'decode.ts',
    traced: () => decode as Traced,
    lookAt: 'the cache stays where it is',
  },
  { what: "Megatron's MLP, forward, as text", command: 'megatron-mlp.tir', lookAt: 'the same all_reduce' },
  { what: 'FSDP, forward, as text', command: 'fsdp.tir', lookAt: 'each weight gathered where it is used' },
  { what: 'a transformer block', command: 'block.tir', lookAt: 'as Megatron shards it: two all_reduce' },
  { what: 'an MLP from JAX', command: 'mlp.mlir', lookAt: 'one all_reduce' },
  { what: "a decoder's step from JAX", command: 'decoder_step.mlir', lookAt: '2-D sharded weights' },
];

const programs = new Map<Example, Program>();

export function programOf(example: Example): Program {
  let program = programs.get(example);
  if (program === undefined) programs.set(example, (program = compiled(example)));
  return program;
}

function compiled({ traced, command }: Example): Program {
  if (traced !== undefined) return compile(traced(), { check: 'full' });
  const file = { file: command, text: readFileSync(join(folder, command), 'utf8') };
  return compile(command.endsWith('.tir') ? parseTir(file) : importStablehlo(file), { check: 'off' });
}

export const README = join(folder, 'README.md');

/** `| what | mesh | command | wire bytes by kind | peak memory | look at |` */
export function rowOf(example: Example): string {
  const program = programOf(example);
  const report = program.report();
  const mesh = program.source.meshes[0]?.axes.map((a) => `${a.name}=${a.size}`).join(' ');
  const [file, ...settings] = example.command.split(' ').reverse();
  const command = [...settings, 'shardc', `examples/${file}`].join(' ');
  const wire = Object.entries(report.collectives)
    .filter(([, c]) => c.bytes > 0)
    .sort(([, a], [, b]) => b.bytes - a.bytes)
    .map(([kind, c]) => `${kind} ${bytesText(c.bytes)}`);
  const cells = [
    example.what,
    mesh,
    `\`${command}\``,
    wire.join(', '),
    bytesText(report.peakMemoryBytes),
    example.lookAt,
  ];
  return `| ${cells.join(' | ')} |`;
}
