/**
 * The meshes that layouts name. A file may declare more: those that are alike become one, an empty one stands for any, and
 * what no layout names goes. Several may stay; passes/partition/one-order.ts brings them together.
 */
import type { EditModule } from '../../ir/edit.ts';
import { isPlaceholder, type Mesh } from '../../ir/mesh.ts';
import { keepFirstMeshes } from './clean-layouts.ts';
import { rewriteLayouts } from './layout-walk.ts';

/** Gives the mesh of values that no layout reaches: the first of the named ones. */
export function keepNamedMeshes(module: EditModule): Mesh | undefined {
  if (module.meshes.length <= 1) return module.meshes[0];
  keepFirstMeshes(module);
  const named = new Set<string>();
  rewriteLayouts(module, (l) => {
    named.add(l.mesh);
    return l;
  });
  const used = module.meshes.filter((m) => named.has(m.name) && !isPlaceholder(m));
  const kept = used.length > 0 ? used : module.meshes.filter((m) => m.axes.length > 0).slice(0, 1);
  const mesh = kept.find((m) => m.axes.length > 0) ?? kept[0];
  if (mesh === undefined) return module.meshes[0];
  const placeholders = new Set(module.meshes.filter(isPlaceholder).map((m) => m.name));
  module.meshes = kept;
  rewriteLayouts(module, (l) => (placeholders.has(l.mesh) ? { ...l, mesh: mesh.name } : l));
  return mesh;
}
