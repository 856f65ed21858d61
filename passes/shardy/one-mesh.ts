/**
 * The mesh to partition for. A file may declare several: those that are alike become one, an empty one stands for any, and
 * what no layout names goes. Two that differ in axes or in the order of devices cannot both be partitioned for, and a
 * layout on one device alone has no place among shards.
 */
import type { EditModule } from '../../ir/edit.ts';
import { unsupported } from '../../ir/diagnostics.ts';
import type { Layout } from '../../ir/layout.ts';
import type { Mesh } from '../../ir/mesh.ts';
import { keepFirstMeshes } from './clean-layouts.ts';
import { rewriteLayouts } from './layout-walk.ts';

export function uniteToOneMesh(module: EditModule): Mesh | undefined {
  if (module.meshes.length <= 1) return module.meshes[0];
  keepFirstMeshes(module);
  const named = new Set<string>();
  rewriteLayouts(module, (l) => {
    named.add(l.mesh);
    return l;
  });
  const used = module.meshes.filter((m) => named.has(m.name) && !isPlaceholder(m));
  const [mesh, other] = used.length > 0 ? used : module.meshes.filter((m) => m.axes.length > 0);
  if (mesh === undefined) return module.meshes[0];
  if (other !== undefined && used.length > 0)
    throw unsupported(`layouts on two meshes, @${mesh.name} and @${other.name}`, {
      help: 'annotate with one mesh, or let `shardc sdy-opt` lay the program out without partitioning it',
    });
  module.meshes = [mesh];
  rewriteLayouts(module, (l): Layout => ({ ...l, mesh: mesh.name }));
  return mesh;
}

const isPlaceholder = (m: Mesh): boolean => m.axes.length === 0 && m.deviceIds === undefined;
