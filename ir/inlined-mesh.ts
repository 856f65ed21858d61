/** Meshes that are written inside a sharding, `mesh<["x"=2]>`, beside those that the module names. */
import { type Mesh, sameMesh } from './mesh.ts';

/** `<["x"=2, "y"=4], device_ids=[…]>` */
export function meshBodyText({ axes, deviceIds }: Omit<Mesh, 'name'>): string {
  const list = axes.map((a) => `"${a.name}"=${a.size}`).join(', ');
  return `<[${list}]${deviceIds === undefined ? '' : `, device_ids=[${deviceIds.join(', ')}]`}>`;
}

/** Its name is what it says. */
export const inlinedMesh = (body: Omit<Mesh, 'name'>): Mesh => ({
  ...body,
  name: `mesh${meshBodyText(body)}`,
  inlined: true,
});

/** The module's mesh that is like it, or a new one (Shardy, lift_inlined_meshes.cc). */
export function liftedMesh(body: Omit<Mesh, 'name' | 'inlined'>, meshes: readonly Mesh[]): Mesh {
  const { axes, deviceIds } = body;
  const made = { axes, ...(deviceIds === undefined ? {} : { deviceIds }) };
  const known = meshes.find((m) => m.inlined !== true && sameMesh(m, { name: '', ...made }));
  if (known !== undefined) return known;
  const [only, ...more] = deviceIds ?? [];
  const maximal = axes.length === 0 && only !== undefined && more.length === 0;
  const base = maximal ? `maximal_mesh_${only}` : axes.length === 0 ? 'empty_mesh' : 'mesh';
  let name = base;
  for (let i = 0; meshes.some((m) => m.name === name); i++) name = `${base}_${i}`;
  return { name, ...made };
}
