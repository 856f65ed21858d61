/**
 * A module in the form that MLIR holds it in: ops linked in blocks, values with use lists, changed in place. For passes
 * whose result depends on the order of uses, as Shardy's does; everything else works on the readonly program.ts.
 *
 * A use list grows at its front: the use made last is the first one met. Replacing a value moves its uses one by one to
 * the front of the other's list, which turns their order round; the parser makes the ops of a region before the op that
 * holds it, a clone makes them after.
 */
import type { Layout } from './layout.ts';
import type { Mesh } from './mesh.ts';
import type { Attrs, Func, Module, Origin, SourceText, ValueInfo } from './program.ts';
import type { TensorType } from './types.ts';

export interface Use {
  readonly op: EditOp;
  readonly index: number;
}

/** A use in the list of its value, so that it leaves in one step: a constant may have as many uses as there are ops. */
class LinkedUse implements Use {
  readonly op: EditOp;
  index: number;
  /** Undefined: in no list. */
  value: EditValue | undefined;
  prev: LinkedUse | undefined;
  next: LinkedUse | undefined;

  constructor(op: EditOp, index: number) {
    this.op = op;
    this.index = index;
  }
}

export class EditValue {
  readonly type: TensorType;
  layout: Layout | undefined;
  readonly name: string | undefined;
  readonly origin: Origin | undefined;
  /** The op that makes it, or the block it is a parameter of; `index` is its place there. */
  readonly owner: EditOp | EditBlock;
  index: number;
  private firstUse: LinkedUse | undefined;
  private count = 0;

  constructor(owner: EditOp | EditBlock, index: number, info: ValueInfo) {
    this.owner = owner;
    this.index = index;
    this.type = info.type;
    this.layout = info.layout;
    this.name = info.name;
    this.origin = info.origin;
  }

  get info(): ValueInfo {
    return {
      type: this.type,
      ...(this.name === undefined ? {} : { name: this.name }),
      ...(this.origin === undefined ? {} : { origin: this.origin }),
      ...(this.layout === undefined ? {} : { layout: this.layout }),
    };
  }

  get maker(): EditOp | undefined {
    return this.owner instanceof EditOp ? this.owner : undefined;
  }

  get useCount(): number {
    return this.count;
  }

  /** In MLIR's order. */
  uses(): Use[] {
    return this.linked();
  }

  private linked(): LinkedUse[] {
    const found: LinkedUse[] = [];
    for (let use = this.firstUse; use !== undefined; use = use.next) found.push(use);
    return found;
  }

  /** The only user, if there is one. */
  onlyUser(): EditOp | undefined {
    return this.count === 1 ? this.firstUse?.op : undefined;
  }

  addUse(use: LinkedUse): void {
    use.value = this;
    use.next = this.firstUse;
    if (this.firstUse !== undefined) this.firstUse.prev = use;
    this.firstUse = use;
    this.count++;
  }

  dropUse(use: LinkedUse): void {
    if (use.value !== this) return;
    if (use.prev === undefined) this.firstUse = use.next;
    else use.prev.next = use.next;
    if (use.next !== undefined) use.next.prev = use.prev;
    use.value = use.prev = use.next = undefined;
    this.count--;
  }

  /** Every use for which `keep` does not hold becomes a use of `other`. */
  replaceBy(other: EditValue, keep: (use: Use) => boolean = () => false): void {
    for (const use of this.linked()) {
      if (keep(use)) continue;
      this.dropUse(use);
      use.op.operands[use.index] = other;
      other.addUse(use);
    }
  }
}

export class EditBlock {
  readonly params: EditValue[] = [];
  readonly owner: EditOp | EditFunc;
  first: EditOp | undefined;
  last: EditOp | undefined;

  constructor(owner: EditOp | EditFunc) {
    this.owner = owner;
  }

  param(info: ValueInfo): EditValue {
    const value = new EditValue(this, this.params.length, info);
    this.params.push(value);
    return value;
  }

  /** Ops in order; the one at hand may be removed or moved meanwhile. */
  *ops(): Generator<EditOp> {
    let next = this.first;
    while (next !== undefined) {
      const op = next;
      next = op.next;
      yield op;
    }
  }

  /** Without the parameters that nothing reads; the others count anew. */
  keepParams(kept: readonly boolean[]): void {
    const all = this.params.splice(0);
    all.forEach((p, i) => {
      if (kept[i]) p.index = this.params.push(p) - 1;
    });
  }

  get terminator(): EditOp {
    if (this.last === undefined) throw new Error('a block without a terminator');
    return this.last;
  }
}

export class EditOp {
  kind: string;
  attrs: Attrs;
  origin: Origin;
  readonly operands: EditValue[];
  /** Of each operand. */
  private readonly links: LinkedUse[];
  readonly results: EditValue[];
  readonly regions: EditBlock[] = [];
  block: EditBlock | undefined;
  prev: EditOp | undefined;
  next: EditOp | undefined;

  constructor(
    kind: string,
    attrs: Attrs,
    origin: Origin,
    operands: readonly EditValue[],
    results: readonly ValueInfo[],
  ) {
    this.kind = kind;
    this.attrs = attrs;
    this.origin = origin;
    this.operands = [...operands];
    this.links = operands.map((v, i) => {
      const use = new LinkedUse(this, i);
      v.addUse(use);
      return use;
    });
    this.results = results.map((info, i) => new EditValue(this, i, info));
  }

  get result(): EditValue {
    const [first] = this.results;
    if (first === undefined) throw new Error(`${this.kind} has no result`);
    return first;
  }

  /** Where it stands, for an op that is made beside it: not how it was spelled. */
  get place(): Origin {
    const { spelled: _, ...place } = this.origin;
    return place;
  }

  /** The op whose region this one stands in; undefined = a function's. */
  get parent(): EditOp | undefined {
    const owner = this.block?.owner;
    return owner instanceof EditOp ? owner : undefined;
  }

  get func(): EditFunc {
    for (let block = this.block; block !== undefined; block = block.owner.block)
      if (block.owner instanceof EditFunc) return block.owner;
    throw new Error(`${this.kind} stands in no function`);
  }

  setOperand(index: number, value: EditValue): void {
    const use = this.links[index] as LinkedUse;
    this.operands[index]?.dropUse(use);
    this.operands[index] = value;
    value.addUse(use);
  }

  /** Reads no longer what `kept` does not name. */
  keepOperands(kept: readonly boolean[]): void {
    const all = this.operands.splice(0);
    const links = this.links.splice(0);
    all.forEach((v, i) => {
      const use = links[i] as LinkedUse;
      const isErased = use.value === undefined;
      v.dropUse(use);
      if (kept[i] !== true || isErased) return;
      use.index = this.operands.push(v) - 1;
      this.links.push(use);
      v.addUse(use);
    });
  }

  /** Its uses become the ones made last. */
  relink(): void {
    for (const use of this.links) {
      const { value } = use;
      if (value === undefined) continue;
      value.dropUse(use);
      value.addUse(use);
    }
  }

  append(block: EditBlock): void {
    this.link(block, block.last, undefined);
  }

  /** Before the first op of a block. */
  prepend(block: EditBlock): void {
    this.link(block, undefined, block.first);
  }

  insertBefore(op: EditOp): void {
    this.link(op.block as EditBlock, op.prev, op);
  }

  insertAfter(op: EditOp): void {
    this.link(op.block as EditBlock, op, op.next);
  }

  /** After the op that makes a value, or first in the block it is a parameter of. */
  insertAfterValue(value: EditValue): void {
    if (value.owner instanceof EditOp) this.insertAfter(value.owner);
    else this.prepend(value.owner);
  }

  unlink(): void {
    const { block } = this;
    if (block === undefined) return;
    if (this.prev === undefined) block.first = this.next;
    else this.prev.next = this.next;
    if (this.next === undefined) block.last = this.prev;
    else this.next.prev = this.prev;
    this.block = this.prev = this.next = undefined;
  }

  /** Out of the program, with its regions. */
  erase(): void {
    for (const op of withInner(this)) for (const use of op.links) use.value?.dropUse(use);
    this.unlink();
  }

  private link(block: EditBlock, prev: EditOp | undefined, next: EditOp | undefined): void {
    if (prev === this || next === this) return;
    this.unlink();
    this.block = block;
    this.prev = prev;
    this.next = next;
    if (prev === undefined) block.first = this;
    else prev.next = this;
    if (next === undefined) block.last = this;
    else next.prev = this;
  }
}

export class EditFunc {
  name: string;
  readonly attrs: string | undefined;
  isPublic: boolean;
  readonly saysPublic: boolean;
  resultTypes: readonly TensorType[];
  resultLayouts: (Layout | undefined)[];
  paramAttrs: readonly (string | undefined)[];
  resultAttrs: readonly (string | undefined)[];
  /** The name of the function this one is a copy of, or was made from again. */
  original: string | undefined;
  body: EditBlock;
  /** Attributes that debugging passes write, by argument and by result. */
  readonly debug: { readonly params: Record<string, string>[]; readonly results: Record<string, string>[] } = {
    params: [],
    results: [],
  };
  readonly block = undefined;

  get originalName(): string {
    return this.original ?? this.name;
  }

  constructor(func: Omit<Func, 'body' | 'values'>) {
    this.name = func.name;
    this.attrs = func.attrs;
    this.original = func.original;
    this.isPublic = func.isPublic;
    this.saysPublic = func.saysPublic === true;
    this.resultTypes = func.resultTypes;
    this.resultLayouts = [...func.resultLayouts];
    this.paramAttrs = func.paramAttrs;
    this.resultAttrs = func.resultAttrs;
    this.body = new EditBlock(this);
  }
}

export class EditModule {
  readonly name: string;
  readonly attrs: string | undefined;
  readonly source: SourceText | undefined;
  meshes: Mesh[];
  functions: EditFunc[];
  private byName:
    | { readonly of: readonly EditFunc[]; readonly known: Map<string, EditFunc>; count: number }
    | undefined;

  constructor(module: Pick<Module, 'name' | 'attrs' | 'source' | 'meshes'>) {
    this.name = module.name;
    this.attrs = module.attrs;
    this.source = module.source;
    this.meshes = [...module.meshes];
    this.functions = [];
  }

  func(name: string): EditFunc {
    let found = this.indexed().get(name);
    if (found !== undefined && found.name !== name) {
      this.byName = undefined;
      found = this.indexed().get(name);
    }
    if (found === undefined) throw new Error(`the module holds no function @${name}`);
    return found;
  }

  /** Functions are added at the end, or the list is another one. */
  private indexed(): ReadonlyMap<string, EditFunc> {
    const { functions } = this;
    if (this.byName?.of !== functions || this.byName.count > functions.length)
      this.byName = { of: functions, known: new Map(), count: 0 };
    const { byName } = this;
    for (; byName.count < functions.length; byName.count++) {
      const func = functions[byName.count] as EditFunc;
      if (!byName.known.has(func.name)) byName.known.set(func.name, func);
    }
    return byName.known;
  }

  mesh(name: string): Mesh {
    const found = this.meshes.find((m) => m.name === name);
    if (found === undefined) throw new Error(`the module holds no mesh @${name}`);
    return found;
  }

  /** @main, or the only function there is. */
  main(): EditFunc | undefined {
    return this.functions.length === 1 ? this.functions[0] : this.functions.find((f) => f.name === 'main');
  }

  /** All ops there are now. */
  ops(order: 'pre' | 'post' = 'pre'): EditOp[] {
    const found: EditOp[] = [];
    for (const f of this.functions) opsOf(f.body, order, found);
    return found;
  }
}

/** An op and all in its regions, outer first. */
export function withInner(op: EditOp): EditOp[] {
  const found = [op];
  for (const region of op.regions) opsOf(region, 'pre', found);
  return found;
}

/** The ops there are now in a block and in the regions in it: outer before inner (pre), or inner before outer (post). */
export function opsOf(block: EditBlock, order: 'pre' | 'post' = 'pre', found: EditOp[] = []): EditOp[] {
  const stack: { op: EditOp; region: number }[] = [];
  let next = block.first;
  for (;;) {
    if (next !== undefined) {
      if (order === 'pre') found.push(next);
      if (next.regions.length === 0) {
        if (order === 'post') found.push(next);
        next = next.next;
      } else {
        stack.push({ op: next, region: 0 });
        next = next.regions[0]?.first;
      }
      continue;
    }
    const top = stack.at(-1);
    if (top === undefined) return found;
    const region = top.op.regions[++top.region];
    if (region !== undefined) next = region.first;
    else {
      stack.pop();
      if (order === 'post') found.push(top.op);
      next = top.op.next;
    }
  }
}
