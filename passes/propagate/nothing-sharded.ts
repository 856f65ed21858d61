/** Warning: a program without annotations is computed whole by every device, which is hardly what a mesh is for. */
import type { Diagnostic } from '../../ir/diagnostics.ts';
import { deviceCount } from '../../ir/mesh.ts';
import { mainFunction, type Module, valueInfo, walkOps } from '../../ir/program.ts';
import { byteSize, typeText } from '../../ir/types.ts';

/** Of a module at the propagated level. What is manual is split by its user. */
export function nothingSharded(module: Module): Diagnostic[] {
  const func = mainFunction(module);
  const [mesh] = module.meshes;
  const devices = mesh === undefined ? 1 : deviceCount(mesh);
  const isSharded = func.values.some((v) => v.layout?.dims.some((d) => d.axes.length > 0));
  const isManual = [...walkOps(func.body)].some((op) => op.kind === 'manual_computation');
  if (mesh === undefined || devices === 1 || isSharded || isManual) return [];
  const axis = mesh.axes.find((a) => a.size > 1);
  const fits = func.body.params.flatMap((id) => {
    const { type, name } = valueInfo(func, id);
    const dim = type.shape.findIndex((n) => n > 0 && n % (axis?.size ?? 1) === 0);
    return dim < 0 ? [] : [{ dim, type, name: name ?? String(id) }];
  });
  const [largest] = fits.sort((a, b) => byteSize(b.type) - byteSize(a.type));
  return [
    {
      code: 'SH0410',
      severity: 'warning',
      cause: 'user',
      message: `nothing in the program is sharded: each of the ${devices} devices computes the whole of it`,
      ...(largest === undefined
        ? {}
        : {
            expected: `an annotation, for example dim ${largest.dim} of the largest argument, %${largest.name}: ${typeText(largest.type)}, over ${axis?.name}`,
          }),
      help: 'annotate arguments before lowering: in_shardings of jax.jit, xs.mark_sharding in PyTorch/XLA; all else follows from them',
    },
  ];
}
