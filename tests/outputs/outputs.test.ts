/** Traces and tables read back: they say what the report says. */
import { BinaryReader } from '@bufbuild/protobuf/wire';
import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { compile, importStablehlo, machine, parseTir, registry } from '../../compiler/index.ts';
import { paceOn } from '../../runtime-sim/cost/pace.ts';
import { type Costed, costed } from '../../runtime-sim/cost/report.ts';
import { chakraTrace } from '../../runtime-sim/outputs/chakra.ts';
import { memoryJson, opsCsv } from '../../runtime-sim/outputs/tables.ts';
import { chromeTrace } from '../../runtime-sim/outputs/trace.ts';

const v4 = machine('tpu-v4');
const pace = paceOn(v4, registry);
const file = 'examples/decoder_step.mlir';
const step = costed(
  compile(importStablehlo({ file, text: readFileSync(file, 'utf8') }), { pace }).module,
  registry,
  v4,
);
/** A loop of three trips, and a permute. */
const loop = costed(
  compile(
    parseTir({
      file: 'loop.tir',
      text: `module @loop
mesh @mesh {x=2, y=2}

func @main(%a: f32[2048, 2048] @{x, y}, %w: f32[2048, 2048] @{y, _}) -> (f32[2048, 2048] @{y, x}) {
  %r = for %a count=3 (%i, %h) {
    %p = matmul %h, %w
    %q = tanh %p : f32[2048, 2048] @{x, y}
    return %q
  }
  return %r
}
`,
    }),
    { pace },
  ).module,
  registry,
  v4,
);

describe('trace', () => {
  interface Event {
    readonly ph: string;
    readonly tid: number;
    readonly ts: number;
    readonly dur: number;
    readonly name: string;
    readonly args: Readonly<Record<string, unknown>>;
  }
  const events = (of: Costed): Event[] => (JSON.parse(chromeTrace(of)) as { traceEvents: Event[] }).traceEvents;

  it('names its lanes, and ends with the step', () => {
    const all = events(step);
    const lanes = all.filter((e) => e.name === 'thread_name').map((e) => e.args.name);
    expect(lanes).toEqual(['compute', ...Object.keys(step.report.links).sort()]);
    const last = Math.max(...all.filter((e) => e.ph === 'X').map((e) => e.ts + e.dur));
    expect(last / 1e6).toBeCloseTo(step.report.stepSeconds, 7);
  });

  it('has no two slices at a time on a link, and names source lines', () => {
    const links = events(step).filter((e) => e.ph === 'X' && e.tid > 0);
    for (const tid of new Set(links.map((e) => e.tid))) {
      const lane = links.filter((e) => e.tid === tid).sort((a, b) => a.ts - b.ts);
      lane.slice(1).forEach((e, i) => expect(e.ts).toBeGreaterThan((lane[i]?.ts ?? 0) + (lane[i]?.dur ?? 0) - 0.01));
    }
    expect(links.every((e) => String(e.args.source).startsWith(file))).toBe(true);
  });

  it('shows the first trip of a loop and counts the others', () => {
    expect(events(loop).map((e) => e.name)).toContain('2 more trips');
  });
});

describe('tables', () => {
  it('a row per op, whose seconds and bytes sum to the report', () => {
    const [head, ...rows] = opsCsv(step).trim().split('\n');
    const columns = head?.split(',') ?? [];
    const cells = rows.map((r) => r.match(/("([^"]|"")*"|[^,]*)(,|$)/g)?.map((c) => c.replace(/,$/, '')) ?? []);
    const sum = (name: string): number =>
      cells.reduce((n, r) => n + Number(r[columns.indexOf(name)]) * Number(r[columns.indexOf('times')]), 0);
    expect(sum('wire_bytes')).toBe(step.report.wireBytes);
    expect(sum('flops')).toBeCloseTo(step.report.flops, 3);
    expect(sum('exposed_s')).toBeCloseTo(step.report.exposedSeconds, 12);
  });

  it('memory over time reaches the peak, and names what is alive there', () => {
    const memory = JSON.parse(memoryJson(step)) as {
      peakMemoryBytes: number;
      samples: { bytes: number }[];
      alive: { value: string; source: string; bytes: number }[];
    };
    expect(memory.peakMemoryBytes).toBe(step.report.peakMemoryBytes);
    expect(Math.max(...memory.samples.map((s) => s.bytes))).toBeLessThanOrEqual(memory.peakMemoryBytes);
    expect(memory.alive.reduce((n, a) => n + a.bytes, 0)).toBe(memory.peakMemoryBytes);
    expect(memory.alive.every((a) => a.source.startsWith(file))).toBe(true);
  });
});

describe('chakra', () => {
  const NODE_TYPES = { comp: 4, send: 5, receive: 6, collective: 7 };

  interface Node {
    id: number;
    type: number;
    deps: number[];
    micros: number;
    attrs: Map<string, number | string | boolean[]>;
  }

  /** Messages as the schema (et_def.proto 0.0.4) has them. */
  function read(bytes: Uint8Array): { version: string; nodes: Node[] } {
    const reader = new BinaryReader(bytes);
    const message = (): BinaryReader => new BinaryReader(reader.bytes());
    let version = '';
    fields(message(), { 1: (r) => (version = r.string()) });
    const nodes: Node[] = [];
    while (reader.pos < reader.len) nodes.push(readNode(message()));
    return { version, nodes };
  }

  function fields(r: BinaryReader, on: Readonly<Record<number, (r: BinaryReader) => unknown>>): void {
    while (r.pos < r.len) {
      const [no, wire] = r.tag();
      const handle = on[no];
      if (handle === undefined) r.skip(wire);
      else handle(r);
    }
  }

  function readNode(r: BinaryReader): Node {
    const node: Node = { id: 0, type: 0, deps: [], micros: 0, attrs: new Map() };
    fields(r, {
      1: (m) => (node.id = Number(m.uint64())),
      3: (m) => (node.type = m.int32()),
      5: (m) => {
        for (const end = m.uint32() + m.pos; m.pos < end; ) node.deps.push(Number(m.uint64()));
      },
      7: (m) => (node.micros = Number(m.uint64())),
      10: (m) => readAttr(new BinaryReader(m.bytes()), node.attrs),
    });
    return node;
  }

  function readAttr(r: BinaryReader, attrs: Node['attrs']): void {
    let name = '';
    let value: number | string | boolean[] = 0;
    const bools = (m: BinaryReader): void => {
      const list: boolean[] = [];
      fields(new BinaryReader(m.bytes()), {
        1: (inner) => {
          for (const end = inner.uint32() + inner.pos; inner.pos < end; ) list.push(inner.bool());
        },
      });
      value = list;
    };
    fields(r, {
      1: (m) => (name = m.string()),
      7: (m) => (value = m.int32()),
      9: (m) => (value = Number(m.int64())),
      27: (m) => (value = m.bool() ? 1 : 0),
      28: bools,
      29: (m) => (value = m.string()),
    });
    attrs.set(name, value);
  }

  it('reads back: nodes in order, each after what it waits for, as many collectives as the report counts', () => {
    const { version, nodes } = read(chakraTrace(step, 5));
    expect(version).toBe('0.0.4');
    nodes.forEach((n, i) => {
      expect(n.id).toBe(i);
      for (const d of n.deps) expect(d).toBeLessThan(n.id);
    });
    const counted = Object.entries(step.report.collectives)
      .filter(([kind]) => !/permute|shift|slice/.test(kind))
      .reduce((n, [, c]) => n + c.count, 0);
    expect(nodes.filter((n) => n.type === NODE_TYPES.collective)).toHaveLength(counted);
    expect(nodes.every((n) => n.attrs.has('is_cpu_op'))).toBe(true);
  });

  it('durations add up to the time computed, and loops are unrolled', () => {
    const { nodes } = read(chakraTrace(loop, 1));
    const computed = nodes.reduce((n, node) => n + node.micros, 0);
    expect(Math.abs(computed / 1e6 / loop.report.computeSeconds - 1)).toBeLessThan(0.05);
    const gathers = nodes.filter((n) => n.type === NODE_TYPES.collective);
    expect(gathers.length).toBeGreaterThanOrEqual(3);
    expect(gathers[0]?.attrs.get('involved_dim')).toHaveLength(2);
  });

  it('a permute is a send and a receive that match on the other device', () => {
    const ends = [0, 1, 2, 3].flatMap((d) =>
      read(chakraTrace(loop, d)).nodes.filter((n) => n.type === 5 || n.type === 6),
    );
    const key = (n: Node): string =>
      ['comm_src', 'comm_dst', 'comm_tag', 'comm_size'].map((a) => n.attrs.get(a)).join();
    const sent = ends.filter((n) => n.type === NODE_TYPES.send).map(key);
    const received = ends.filter((n) => n.type === NODE_TYPES.receive).map(key);
    expect(sent.length).toBeGreaterThan(0);
    expect(sent.sort()).toEqual(received.sort());
  });
});
