/** An unrolled transformer as .tir: as many layers as wanted, each with its own annotated weights (about 60 ops a layer). */
export interface Sizes {
  readonly layers: number;
  readonly mesh: string;
  readonly batch: number;
  readonly sequence: number;
  readonly features: number;
  readonly heads: number;
  readonly hidden: number;
}

export function unrolledTransformer(s: Sizes): string {
  const head = s.features / s.heads;
  const weights = (i: number): string[] => [
    `%q${i}: bf16[${s.features}, ${s.heads}, ${head}] @{x, y, _}`,
    `%k${i}: bf16[${s.features}, ${s.heads}, ${head}] @{x, y, _}`,
    `%v${i}: bf16[${s.features}, ${s.heads}, ${head}] @{x, y, _}`,
    `%o${i}: bf16[${s.heads}, ${head}, ${s.features}] @{y, _, x}`,
    `%a${i}: bf16[${s.features}, ${s.hidden}] @{x, y}`,
    `%b${i}: bf16[${s.hidden}, ${s.features}] @{y, x}`,
    `%g${i}: bf16[${s.features}]`,
    `%h${i}: bf16[${s.features}]`,
  ];
  const layer = (i: number, x: string, y: string): string => `
  %n${i} = rms_norm ${x}, %g${i}
  %xq${i} = einsum "bsd,dhk->bhsk" %n${i}, %q${i}
  %xk${i} = einsum "bsd,dhk->bhsk" %n${i}, %k${i}
  %xv${i} = einsum "bsd,dhk->bhsk" %n${i}, %v${i}
  %s${i} = einsum "bhqk,bhsk->bhqs" %xq${i}, %xk${i}
  %p${i} = softmax %s${i}
  %c${i} = einsum "bhqs,bhsk->bhqk" %p${i}, %xv${i}
  %z${i} = einsum "bhqk,hkd->bqd" %c${i}, %o${i}
  %r${i} = add ${x}, %z${i} : bf16[${s.batch}, ${s.sequence}, ${s.features}] @{x, _, _}
  %m${i} = rms_norm %r${i}, %h${i}
  %u${i} = einsum "bsd,df->bsf" %m${i}, %a${i}
  %e${i} = gelu %u${i}
  %d${i} = einsum "bsf,fd->bsd" %e${i}, %b${i}
  ${y} = add %r${i}, %d${i} : bf16[${s.batch}, ${s.sequence}, ${s.features}] @{x, _, _}`;
  const layers = Array.from({ length: s.layers }, (_, i) => i);
  const params = [`%x: bf16[${s.batch}, ${s.sequence}, ${s.features}] @{x, _, _}`, ...layers.flatMap(weights)];
  return `module @unrolled
mesh @mesh {${s.mesh}}

func @main(
    ${params.join(',\n    ')}
  ) {${layers.map((i) => layer(i, i === 0 ? '%x' : `%y${i - 1}`, `%y${i}`)).join('\n')}
  return %y${s.layers - 1}
}
`;
}
