/**
 * Every call becomes its callee's body: one body per call site, with the call stack in each op's origin.
 *
 *   %1 = call @relu(%0)   →   %c = constant 0; %b = broadcast_in_dim %c; %1 = maximum %0, %b
 */
import { FuncBuilder } from '../../ir/build.ts';
import { userError } from '../../ir/diagnostics.ts';
import {
  type Block,
  type Func,
  mainFunction,
  type Module,
  type Op,
  type Origin,
  type ValueId,
  valueInfo,
} from '../../ir/program.ts';

/** Calls nest at most this deep; a cycle is found long before. */
const MAX_STACK = 200;

export function inlineCalls(module: Module): Module {
  const main = mainFunction(module);
  const inliner = new Inliner(module);
  return { ...module, level: 'annotated', functions: [inliner.run(main)] };
}

interface Frame {
  readonly func: Func;
  readonly map: Map<ValueId, ValueId>;
  readonly stack: readonly string[];
}

class Inliner {
  private readonly builder = new FuncBuilder();
  private readonly functions: ReadonlyMap<string, Func>;

  constructor(module: Module) {
    this.functions = new Map(module.functions.map((f) => [f.name, f]));
  }

  run(main: Func): Func {
    const frame: Frame = { func: main, map: new Map(), stack: [] };
    for (const p of main.body.params) frame.map.set(p, this.builder.param(valueInfo(main, p).type, valueInfo(main, p)));
    for (const op of main.body.ops) this.op(op, frame);
    return this.builder.finish(main);
  }

  private op(op: Op, frame: Frame): void {
    if (op.kind === 'call') return this.call(op, frame);
    const operands = op.operands.map((v) => read(frame, v));
    const regions = op.regions.map((r) => this.region(r, frame));
    const origin = withStack(op.origin, frame.stack);
    const results = op.results.map((v) => {
      const info = valueInfo(frame.func, v);
      const made = this.builder.value(info.type, { ...info, origin });
      frame.map.set(v, made);
      return made;
    });
    this.builder.push({ ...op, operands, regions, results, origin });
  }

  private region(block: Block, frame: Frame): Block {
    return this.builder.region(() => {
      for (const p of block.params)
        frame.map.set(p, this.builder.param(valueInfo(frame.func, p).type, valueInfo(frame.func, p)));
      for (const op of block.ops) this.op(op, frame);
    });
  }

  private call(op: Op, frame: Frame): void {
    const name = op.attrs.callee as string;
    const callee = this.functions.get(name);
    const at = op.origin.span === undefined ? {} : { span: op.origin.span };
    if (callee === undefined) throw userError('SH0220', `there is no function @${name}`, at);
    if (frame.stack.includes(name) || frame.stack.length > MAX_STACK)
      throw userError('SH0221', `@${name} calls itself`, {
        ...at,
        expected: 'calls without a cycle',
        help: 'write the recursion as a while loop',
      });
    const inner: Frame = { func: callee, map: new Map(), stack: [...frame.stack, name] };
    callee.body.params.forEach((p, i) => inner.map.set(p, read(frame, op.operands[i] as ValueId)));
    for (const inside of callee.body.ops) {
      if (inside.kind !== 'return') this.op(inside, inner);
      else op.results.forEach((r, i) => frame.map.set(r, read(inner, inside.operands[i] as ValueId)));
    }
  }
}

function read(frame: Frame, id: ValueId): ValueId {
  const found = frame.map.get(id);
  if (found === undefined)
    throw new Error(`inline-calls: value ${id} of @${frame.func.name} is used before it is made`);
  return found;
}

const withStack = (origin: Origin, stack: readonly string[]): Origin =>
  stack.length === 0 ? origin : { ...origin, stack: [...stack].reverse() };
