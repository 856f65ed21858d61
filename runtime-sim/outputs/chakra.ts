/**
 * `--emit chakra`: execution traces of MLCommons Chakra (schema 0.0.4), which ASTRA-sim replays: a file per device of
 * length-prefixed messages, GlobalMetadata first, then Nodes. Ops between two communications are one COMP node, so that
 * durations of less than a microsecond add up; permutes are a SEND and a RECV. Loops are unrolled, for replay does not
 * know them.
 */
import { BinaryWriter } from '@bufbuild/protobuf/wire';
import { unsupported } from '../../ir/diagnostics.ts';
import { type AxisRef, deviceCount, isFullAxis, type Mesh } from '../../ir/mesh.ts';
import { type Block, isCollective, isStart, type Op, synchronous, type ValueId } from '../../ir/program.ts';
import { loadOf, type Load } from '../cost/collective-cost.ts';
import { computes } from '../cost/cost-model.ts';
import type { Costed } from '../cost/report.ts';

const COMP = 4;
const SEND = 5;
const RECV = 6;
const COLLECTIVE = 7;
const COMM_TYPES: Readonly<Record<string, number>> = {
  all_reduce: 0,
  all_gather: 2,
  collective_broadcast: 5,
  all_to_all: 6,
  reduce_scatter: 7,
};

/** More than replay can take. */
const MAX_NODES = 1_000_000;

/** The trace of one device. */
export function chakraTrace(costed: Costed, device: number): Uint8Array {
  return new Tracer(costed, device).run();
}

export const traceDevices = ({ model }: Costed): number =>
  model.module.meshes[0] === undefined ? 1 : deviceCount(model.module.meshes[0]);

class Tracer {
  private readonly costed: Costed;
  private readonly device: number;
  private readonly out = new BinaryWriter();
  private readonly flights = new Map<ValueId, readonly number[]>();
  private nodes = 0;
  private tag = 0;
  /** Nodes that the next one waits for. */
  private waits: number[] = [];
  private stretch = { seconds: 0, flops: 0, bytes: 0, ops: 0 };
  private now = 0;

  constructor(costed: Costed, device: number) {
    this.costed = costed;
    this.device = device;
  }

  run(): Uint8Array {
    this.message((w) => w.tag(1, 2).string('0.0.4'));
    const stack: { block: Block; next: number; trips: number }[] = [
      { block: this.costed.model.func.body, next: 0, trips: 1 },
    ];
    for (let top = stack.at(-1); top !== undefined; top = stack.at(-1)) {
      const op = top.block.ops[top.next++];
      if (op !== undefined) {
        for (const block of this.step(op)) stack.push(block);
      } else if (--top.trips > 0) top.next = 0;
      else stack.pop();
    }
    this.flush();
    return this.out.finish();
  }

  /** What runs inside the op: a loop's body as often as it does; of branches the first, all being as likely. */
  private step(op: Op): { block: Block; next: number; trips: number }[] {
    const { model } = this.costed;
    if (op.kind === 'while') {
      const trips = (op.attrs.trip_count as number | undefined) ?? 1;
      const [, body] = op.regions;
      return body === undefined || trips === 0 ? [] : [{ block: body, next: 0, trips }];
    }
    if (op.kind === 'case') return op.regions.slice(0, 1).map((block) => ({ block, next: 0, trips: 1 }));
    if (op.kind === 'collective_done') this.end(op);
    else if (isCollective(synchronous(op))) this.communicate(op);
    else if (computes(op)) {
      const { seconds, flops, bytes } = model.tensorOp(op);
      const { stretch } = this;
      this.stretch = {
        seconds: stretch.seconds + seconds,
        flops: stretch.flops + flops,
        bytes: stretch.bytes + bytes,
        ops: stretch.ops + 1,
      };
    }
    return [];
  }

  private communicate(op: Op): void {
    const { func, module } = this.costed.model;
    const load = loadOf(synchronous(op), func, module.meshes);
    this.flush();
    const made = load === undefined ? [] : this.transfer(op, load);
    if (isStart(op)) for (const r of op.results) this.flights.set(r, made);
    else this.waits.push(...made);
  }

  private end(op: Op): void {
    this.flush();
    for (const v of op.operands) this.waits.push(...(this.flights.get(v) ?? []));
  }

  private transfer(op: Op, load: Load): number[] {
    const kind = synchronous(op).kind;
    if (load.pattern !== undefined) return this.pair(kind, load);
    const type = COMM_TYPES[kind];
    if (type === undefined) throw unsupported(`${kind} in a Chakra trace`);
    const node = this.node(kind, COLLECTIVE, 0, (w) => {
      attribute(w, 'comm_type', (a) => a.tag(9, 0).int64(type));
      attribute(w, 'comm_size', (a) => a.tag(9, 0).int64(Math.round(load.operand)));
      involved(w, load);
    });
    return [node];
  }

  private pair(kind: string, { pattern, operand }: Load): number[] {
    const sources = pattern?.sources() ?? new Int32Array();
    const source = sources[this.device] as number;
    const target = sources.findIndex((s, d) => s === this.device && d !== this.device);
    const tag = this.tag++;
    const ends = (from: number, to: number) => (w: BinaryWriter) => {
      for (const [name, value] of Object.entries({ comm_src: from, comm_dst: to, comm_tag: tag }))
        attribute(w, name, (a) => a.tag(7, 0).int32(value));
      attribute(w, 'comm_size', (a) => a.tag(9, 0).int64(Math.round(operand)));
    };
    return [
      ...(target < 0 ? [] : [this.node(`${kind} send`, SEND, 0, ends(this.device, target))]),
      ...(source === this.device ? [] : [this.node(`${kind} receive`, RECV, 0, ends(source, this.device))]),
    ];
  }

  /** The ops since the last communication, as one node that later ones wait for. */
  private flush(): void {
    const { seconds, flops, bytes, ops } = this.stretch;
    if (seconds === 0) return;
    const node = this.node(`${ops} ops`, COMP, seconds, (w) => {
      attribute(w, 'num_ops', (a) => a.tag(9, 0).int64(Math.round(flops)));
      attribute(w, 'tensor_size', (a) => a.tag(9, 0).int64(Math.round(bytes)));
    });
    this.waits = [node];
    this.stretch = { seconds: 0, flops: 0, bytes: 0, ops: 0 };
  }

  private node(name: string, type: number, seconds: number, attributes: (w: BinaryWriter) => void): number {
    const id = this.nodes++;
    if (id > MAX_NODES) throw unsupported(`a Chakra trace of more than ${MAX_NODES} nodes`);
    const start = Math.floor(this.now * 1e6);
    this.now += seconds;
    const waits = [...new Set(this.waits)];
    this.message((w) => {
      w.tag(1, 0).uint64(id).tag(2, 2).string(name).tag(3, 0).int32(type);
      if (waits.length > 0) {
        w.tag(5, 2).fork();
        for (const d of waits) w.uint64(d);
        w.join();
      }
      w.tag(6, 0)
        .uint64(start)
        .tag(7, 0)
        .uint64(Math.floor(this.now * 1e6) - start);
      attribute(w, 'is_cpu_op', (a) => a.tag(27, 0).bool(false));
      attributes(w);
    });
    return id;
  }

  private message(fill: (w: BinaryWriter) => void): void {
    this.out.fork();
    fill(this.out);
    this.out.join();
  }
}

/** Node.attr = 10; AttributeProto.name = 1. */
function attribute(w: BinaryWriter, name: string, value: (w: BinaryWriter) => void): void {
  w.tag(10, 2).fork().tag(1, 2).string(name);
  value(w);
  w.join();
}

/** Mesh axes that the group extends along; parts of axes are a group of their own, named by them. */
function involved(w: BinaryWriter, { mesh, axes }: Load): void {
  if (axes.every((a) => isFullAxis(mesh, a))) {
    attribute(w, 'involved_dim', (a) => {
      a.tag(28, 2).fork().tag(1, 2).fork();
      for (const axis of mesh.axes) a.bool(axes.some((x) => x.name === axis.name));
      a.join().join();
    });
  } else attribute(w, 'pg_name', (a) => a.tag(29, 2).string(groupName(mesh, axes)));
}

const groupName = (mesh: Mesh, axes: readonly AxisRef[]): string =>
  axes.map((a) => (isFullAxis(mesh, a) ? a.name : `${a.name}:(${a.pre})${a.size}`)).join('+');
