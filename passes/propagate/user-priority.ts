/**
 * User priority: `p0` dims propagate alone through all rounds of op priority, then `p1` dims join, and so on (Shardy,
 * user_priority_propagation.cc). A dim that waits is closed and empty, and its axes are held back as replicated ones.
 *
 *   [{x}p0, {y}p1]   →   first [{x}, {}] replicated={y},   then [{x}, {y}]
 */
import { closedDim, type Layout } from '../../ir/layout.ts';
import { type AxisRef, type Mesh, sameAxis } from '../../ir/mesh.ts';
import type { Driver } from './fixed-point.ts';
import type { Graph } from './graph.ts';
import { opPriority } from './op-priority.ts';
import type { Strategy } from './strategy.ts';

export function userPriority(driver: Driver, strategy: Strategy): void {
  const { graph } = driver;
  const { meshes } = graph.module;
  const original = [...graph.layouts];
  const originalResults = [...graph.resultLayouts];
  const waiting = [
    ...new Set([...original, ...originalResults].flatMap((l) => (l?.dims ?? []).map((d) => d.priority))),
  ].filter((p) => p > 0);
  const held = (l: Layout | undefined): Layout | undefined =>
    l === undefined
      ? undefined
      : hold(
          l,
          meshes.find((m) => m.name === l.mesh),
        );
  rewrite(
    graph,
    (now) => held(now),
    (now) => held(now),
  );
  driver.forget();
  opPriority(driver, strategy);
  for (const priority of waiting.sort((a, b) => a - b)) {
    driver.causes.priority = priority;
    rewrite(
      graph,
      (now, slot) => release(now, original[slot], priority),
      (now, i) => release(now, originalResults[i], priority),
    );
    driver.forget();
    opPriority(driver, strategy);
  }
}

type Rewrite = (now: Layout | undefined, index: number) => Layout | undefined;

function rewrite(graph: Graph, layouts: Rewrite, results: Rewrite): void {
  graph.layouts.forEach((layout, slot) => {
    if (layout !== undefined) graph.layouts[slot] = layouts(layout, slot);
  });
  graph.resultLayouts = graph.resultLayouts.map(results);
}

function hold(layout: Layout, mesh: Mesh | undefined): Layout {
  if (layout.dims.every((d) => d.priority === 0)) return layout;
  const back = layout.dims.flatMap((d) => (d.priority > 0 ? [...d.axes] : []));
  const position = (a: AxisRef): number => mesh?.axes.findIndex((x) => x.name === a.name) ?? 0;
  const replicated = [...layout.replicated, ...back].sort(
    (a, b) => position(a) - position(b) || a.pre - b.pre || a.size - b.size,
  );
  return { ...layout, replicated, dims: layout.dims.map((d) => (d.priority > 0 ? closedDim() : d)) };
}

/** Gives the dims of one priority their annotation back. */
function release(now: Layout | undefined, original: Layout | undefined, priority: number): Layout | undefined {
  if (now === undefined || original === undefined || !original.dims.some((d) => d.priority === priority)) return now;
  const back = original.dims.flatMap((d) => (d.priority === priority ? [...d.axes] : []));
  const dims = now.dims.map((d, i) => {
    const old = original.dims[i];
    return old?.priority === priority ? { ...old, priority: 0 } : d;
  });
  return { ...now, dims, replicated: now.replicated.filter((a) => !back.some((b) => sameAxis(a, b))) };
}
