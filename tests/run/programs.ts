/** Hand-built per-device programs for the runtime's own tests. */
import { FuncBuilder } from '../../ir/build.ts';
import { type Layout, layoutOf } from '../../ir/layout.ts';
import type { AxisRef, Mesh } from '../../ir/mesh.ts';
import type { Level, Module, ValueId } from '../../ir/program.ts';
import { tensor } from '../../ir/types.ts';
import type { TensorArray } from '../../ir/array.ts';

export const mesh2x4: Mesh = {
  name: 'm',
  axes: [
    { name: 'x', size: 2 },
    { name: 'y', size: 4 },
  ],
};
export const mesh32x64: Mesh = {
  name: 'm',
  axes: [
    { name: 'x', size: 32 },
    { name: 'y', size: 64 },
  ],
};

export const axis = (mesh: Mesh, name: string): AxisRef => ({
  name,
  pre: 1,
  size: mesh.axes.find((a) => a.name === name)?.size ?? 0,
});
/** `lay(mesh, 'x', '', 'x+y')`: axes per dim. */
export const lay = (mesh: Mesh, ...dims: string[]): Layout =>
  layoutOf(
    mesh.name,
    dims.map((d) => (d === '' ? [] : d.split('+').map((n) => axis(mesh, n)))),
  );

export interface Made {
  readonly values: readonly ValueId[];
  readonly layouts: readonly (Layout | undefined)[];
}

export function program(mesh: Mesh, level: Level, fill: (b: FuncBuilder) => Made): Module {
  const b = new FuncBuilder();
  const { values, layouts } = fill(b);
  b.push({ kind: 'return', operands: values, results: [], attrs: {}, regions: [], origin: {} });
  const resultTypes = values.map((v) => b.typeOf(v));
  const func = b.finish({
    name: 'main',
    isPublic: true,
    resultTypes,
    resultLayouts: layouts,
    paramAttrs: [],
    resultAttrs: values.map(() => undefined),
  });
  return { name: 'test', level, meshes: [mesh], functions: [func] };
}

export const f32 = (...shape: number[]) => tensor('f32', shape);

export function array(shape: readonly number[], at: (i: number) => number): TensorArray {
  const data = new Float64Array(shape.reduce((n, d) => n * d, 1));
  for (let i = 0; i < data.length; i++) data[i] = at(i);
  return { dtype: 'f32', shape, data };
}
