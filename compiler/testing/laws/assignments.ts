/** Which axes may shard which factors: each factor alone and by pairs, on a 2×2 and a 2×3 mesh. */
import { type FactorRule, factorName } from '../../../ir/factors.ts';
import { type AxisRef, axesSize, fullAxis, type Mesh } from '../../../ir/mesh.ts';
import type { Assignment } from '../../../passes/partition/assignment.ts';

export interface Case {
  readonly mesh: Mesh;
  readonly assignment: Assignment;
  /** Factors with axes. */
  readonly factors: readonly number[];
  /** `factor k (reduce, 8) over x=2`. */
  readonly where: string;
}

export const MESHES: readonly Mesh[] = [
  {
    name: 'mesh',
    axes: [
      { name: 'x', size: 2 },
      { name: 'y', size: 2 },
    ],
  },
  {
    name: 'mesh',
    axes: [
      { name: 'x', size: 2 },
      { name: 'y', size: 3 },
    ],
  },
];

/** Every way to shard one or two of the rule's `allowed` factors evenly that a layout can state. */
export function cases(rule: FactorRule, shapes: Shapes, allowed: (factor: number) => boolean): Case[] {
  const free = rule.factors.map((_, i) => i).filter(allowed);
  return MESHES.flatMap((mesh, m) => {
    const [x, y] = [fullAxis(mesh, 'x'), fullAxis(mesh, 'y')];
    const alone: [number, AxisRef[]][][] = free.flatMap((f) =>
      [...(m === 0 ? [[x]] : []), [y], [x, y], [y, x]].map((axes): [number, AxisRef[]][] => [[f, axes]]),
    );
    const pairs: [number, AxisRef[]][][] = free.flatMap((f) =>
      free
        .filter((g) => g !== f)
        .map((g): [number, AxisRef[]][] => [
          [f, [x]],
          [g, [y]],
        ]),
    );
    return [...alone, ...pairs].map((given) => caseOf(rule, mesh, given));
  }).filter((c) => stated(rule, shapes, c.assignment));
}

export interface Shapes {
  readonly operands: readonly { readonly shape: readonly number[] }[];
  readonly results: readonly { readonly shape: readonly number[] }[];
}

function caseOf(rule: FactorRule, mesh: Mesh, given: readonly (readonly [number, readonly AxisRef[]])[]): Case {
  const assignment = rule.factors.map((_, i) => given.find(([f]) => f === i)?.[1] ?? []);
  const where = given.map(([f, axes]) => {
    const { kind, size } = rule.factors[f] as FactorRule['factors'][number];
    const over = axes.map((a) => `${a.name}=${a.size}`).join('+');
    return `factor ${factorName(f)} (${kind}, ${size}) over ${over}`;
  });
  return { mesh, assignment, factors: given.map(([f]) => f), where: where.join(' and ') };
}

/** Axes divide their factors and dims, and no factor is sharded below one that is not split to the end. */
function stated(rule: FactorRule, { operands, results }: Shapes, assignment: Assignment): boolean {
  const even = rule.factors.every(({ size }, f) => size > 0 && size % axesSize(assignment[f] ?? []) === 0);
  const dims = [
    ...rule.operands.map((t, i) => [t, operands[i]] as const),
    ...rule.results.map((t, i) => [t, results[i]] as const),
  ];
  return (
    even &&
    dims.every(([tensor, type]) =>
      tensor.every((held, d) => {
        const shards = held.reduce((n, f) => n * axesSize(assignment[f] ?? []), 1);
        const split = (f: number): boolean => axesSize(assignment[f] ?? []) === rule.factors[f]?.size;
        const nested = held.every((f, i) => (assignment[f] ?? []).length === 0 || held.slice(0, i).every(split));
        return nested && (shards === 1 || (type?.shape[d] ?? 0) % shards === 0);
      }),
    )
  );
}
