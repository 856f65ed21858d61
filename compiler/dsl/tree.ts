/** Parameter trees: tensors in nested objects and arrays, in the order they are written. */
import { fail } from './errors.ts';
import { Tensor } from './tensor.ts';
import { describe } from './trace.ts';

export type TreeOf<L> = L | readonly TreeOf<L>[] | { readonly [key: string]: TreeOf<L> };
export type Tree = TreeOf<Tensor>;

/** The same tree with other leaves. */
export type MapTree<T, L> = T extends Tensor ? L : { readonly [K in keyof T]: MapTree<T[K], L> };

/** Where a leaf stands, `layers.0.w`, and the leaf. */
export interface Leaf<L> {
  readonly path: string;
  readonly leaf: L;
}

/** Nesting deeper than this is a mistake (a cycle). */
const MAX_DEPTH = 64;

/** Every leaf with its path; `isLeaf` tells leaves from objects. */
export function leavesOf<L>(
  tree: unknown,
  isLeaf: (node: unknown) => node is L,
  root = '',
  wanted = TENSORS,
): Leaf<L>[] {
  const found: Leaf<L>[] = [];
  const visit = (node: unknown, path: string, depth: number): void => {
    if (isLeaf(node)) found.push({ path, leaf: node });
    else if (depth > MAX_DEPTH) fail('SH0607', `the tree at ${path} nests too deeply, or holds itself`);
    else
      for (const [key, child] of children(node, path, wanted))
        visit(child, path === '' ? key : `${path}.${key}`, depth + 1);
  };
  visit(tree, root, 0);
  return found;
}

const TENSORS = 'tensors, arrays and objects of them';

function children(node: unknown, path: string, wanted = TENSORS): [string, unknown][] {
  if (Array.isArray(node)) return node.map((child, i) => [String(i), child]);
  if (isRecord(node)) return Object.entries(node);
  const where = path === '' ? '' : ` at ${path}`;
  return fail('SH0607', `${describe(node)}${where} is no ${wanted.split(',')[0]?.replace(/s$/, '')}`, {
    expected: wanted,
  });
}

export const isRecord = (node: unknown): node is Record<string, unknown> =>
  typeof node === 'object' && node !== null && [Object.prototype, null].includes(Object.getPrototypeOf(node));

export const isTensor = (node: unknown): node is Tensor => node instanceof Tensor;

/** The tree with each leaf replaced, in order. */
export function rebuild<L>(
  tree: unknown,
  isLeaf: (node: unknown) => node is L,
  replace: (leaf: L) => unknown,
): unknown {
  if (isLeaf(tree)) return replace(tree);
  if (Array.isArray(tree)) return tree.map((child) => rebuild(child, isLeaf, replace));
  const entries = children(tree, '').map(([key, child]) => [key, rebuild(child, isLeaf, replace)] as const);
  return Object.fromEntries(entries);
}

export const tensorsOf = (tree: unknown): Tensor[] => leavesOf(tree, isTensor).map((l) => l.leaf);

/** The tree with these tensors as its leaves, in order. */
export function withTensors<T>(tree: T, tensors: readonly unknown[]): T {
  let next = 0;
  return rebuild(tree, isTensor, () => tensors[next++]) as T;
}

/** Applies `f` to corresponding leaves of trees alike in structure, as jax.tree.map. */
export function treeMap<T>(f: (...leaves: Tensor[]) => Tensor, tree: T, ...rest: readonly unknown[]): T {
  const lists = [tree, ...rest].map((t) => leavesOf(t, isTensor));
  const [first] = lists as [Leaf<Tensor>[]];
  for (const list of lists)
    if (list.length !== first.length || list.some((l, i) => l.path !== first[i]?.path))
      fail('SH0607', 'treeMap got trees of different structure', {
        expected: structure(first),
        help: `got ${structure(list)}`,
      });
  return withTensors(
    tree,
    first.map((_, i) => f(...lists.map((list) => (list[i] as Leaf<Tensor>).leaf))),
  );
}

/** Paths of the leaves, for messages. */
export const structure = (leaves: readonly Leaf<unknown>[]): string =>
  leaves.length === 0 ? 'no tensors' : leaves.map((l) => (l.path === '' ? 'a tensor' : l.path)).join(', ');
