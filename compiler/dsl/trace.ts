/**
 * Tracing: a function is called once on symbolic tensors, and what it does to them is written down as a module at the
 * parsed level. One trace is current at a time; regions (loop bodies, branches) are scopes within it.
 */
import { InferError, type Registry } from '../../ir/op.ts';
import type { Mesh } from '../../ir/mesh.ts';
import type { Attrs, Block, ValueId } from '../../ir/program.ts';
import type { TypedBuilder } from '../../ir/typed-build.ts';
import { type TensorType, typeText } from '../../ir/types.ts';
import { CheckedBuilder } from './checked-builder.ts';
import { fail } from './errors.ts';
import { type Above, callerOrigin } from './location.ts';
import type { Rules } from './mesh.ts';
import { handle, Tensor } from './tensor.ts';

/** A stretch of the program in which its tensors may be used. */
export interface Scope {
  readonly trace: Trace;
  readonly what: string;
  open: boolean;
}

export class Trace {
  readonly b: TypedBuilder;
  readonly mesh: Mesh | undefined;
  readonly rules: Rules;
  /** Axes that a shardMap body owns itself. */
  readonly manualAxes: string[] = [];
  /** Innermost last. */
  private readonly scopes: Scope[];

  constructor(registry: Registry, mesh: Mesh | undefined, rules: Rules) {
    this.b = new CheckedBuilder(registry);
    this.mesh = mesh;
    this.rules = rules;
    this.scopes = [{ trace: this, what: 'the traced function', open: true }];
  }

  private get scope(): Scope {
    return this.scopes.at(-1) as Scope;
  }

  tensor(id: ValueId): Tensor {
    const { dtype, shape } = this.b.typeOf(id);
    return new Tensor(dtype, shape, { scope: this.scope, id });
  }

  param(type: TensorType, name?: string): Tensor {
    return this.tensor(this.b.param(type, name === undefined ? {} : { name, origin: callerOrigin() }));
  }

  /** The value behind a tensor; fails for one that cannot be used here. */
  id(tensor: Tensor): ValueId {
    mustBeTensor(tensor);
    const { scope, id } = tensor[handle];
    if (scope.trace !== this)
      fail('SH0602', `a tensor ${typeText(tensor)} of another trace is used here`, {
        expected: 'tensors of the function being traced',
        help: 'pass it as an argument',
      });
    if (!scope.open)
      fail('SH0603', `a tensor ${typeText(tensor)} of ${scope.what} is used after it ended`, {
        help: 'return it from there',
      });
    return id;
  }

  /** Appends ops through the builder, each at the caller's place; a broken rule is the caller's mistake. */
  build<T>(write: (b: TypedBuilder) => T, call?: Call, above: Above = this.build): T {
    this.b.origin = callerOrigin(above);
    try {
      return write(this.b);
    } catch (error) {
      if (error instanceof InferError) fail('SH0204', `${call === undefined ? '' : callText(call)}${error.message}`);
      throw error;
    }
  }

  emit(kind: string, operands: readonly Tensor[], attrs: Attrs = {}, regions: readonly Block[] = []): Tensor[] {
    const ids = operands.map((t) => this.id(t));
    const made = this.build((b) => b.apply(kind, ids, attrs, regions), undefined, this.emit);
    return made.map((id) => this.tensor(id));
  }

  /** A region whose body is `fill`; what it returns ends the region. */
  region<T>(
    what: string,
    params: readonly TensorType[],
    fill: (params: Tensor[]) => { returned: readonly Tensor[]; rest: T },
  ): { block: Block; types: readonly TensorType[]; rest: T } {
    const scope: Scope = { trace: this, what, open: true };
    let made: { returned: readonly Tensor[]; rest: T } | undefined;
    let types: readonly TensorType[] = [];
    const depth = this.scopes.length;
    const block = this.b.region(() => {
      this.scopes.push(scope);
      made = fill(params.map((t) => this.param(t)));
      const ids = made.returned.map((t) => this.id(t));
      types = ids.map((id) => this.b.typeOf(id));
      this.b.op('return', ids, [], callerOrigin());
      scope.open = false;
      this.scopes.length = depth;
    });
    return { block, types, rest: (made as { returned: readonly Tensor[]; rest: T }).rest };
  }
}

/** What was called on what, where a broken rule does not say so itself. */
interface Call {
  readonly name: string;
  readonly operands: readonly unknown[];
}

const callText = ({ name, operands }: Call): string =>
  `${name} of ${operands.map((x) => (x instanceof Tensor ? typeText(x) : String(x))).join(' and ')}: `;

let current: Trace | undefined;

/** The trace in whose function we are. */
export function currentTrace(): Trace {
  if (current === undefined)
    fail('SH0601', 'tensor ops have a meaning only inside a function that is being traced', {
      help: 'call the function through compile(fn, { mesh, args }) or trace(fn, …)',
    });
  return current;
}

/** Runs `body` with a trace as the current one. */
export function within<T>(trace: Trace, body: () => T): T {
  const before = current;
  current = trace;
  try {
    return body();
  } finally {
    current = before;
  }
}

export function mustBeTensor(x: unknown): asserts x is Tensor {
  if (!(x instanceof Tensor))
    fail('SH0609', `${describe(x)} stands where a tensor is needed`, {
      expected: 'a tensor of the traced function',
      help: 'make a constant of numbers: constant([1, 2, 3])',
    });
}

export function describe(value: unknown): string {
  if (value === null || value === undefined || value instanceof Tensor) return String(value);
  if (typeof value === 'function') return `a function ${value.name}`.trim();
  if (Array.isArray(value)) return `an array of ${value.length}`;
  return typeof value === 'object' ? 'an object' : `the ${typeof value} ${String(value)}`;
}
