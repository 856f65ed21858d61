/** custom_call: hints, and the decompositions whose meaning is known. */
import { example, type OpExample } from '../../../compiler/testing/laws/op-example.ts';

const call = (type: string, target: string, verbatim = ''): OpExample =>
  example('custom_call', `${type} -> ${type}`, { attrs: { target, verbatim, result_types: [type] } });

/** LAPACK's routine on a batch of three, as JAX writes it: only the batch dim may be split. */
function lapack(routine: string, operands: readonly string[], results: readonly string[], config = ''): OpExample {
  const names = 'jklmnopqrstuvw';
  const sizes = ['i=6'];
  const tensor = (type: string): string => {
    const [batch, ...dims] = /\[(.*)\]/.exec(type)?.[1]?.split(',') ?? [];
    if (batch === undefined) return '[]';
    const others = dims.map((size) => {
      const name = names[sizes.length - 1] ?? '';
      sizes.push(`${name}=${size}`);
      return name;
    });
    return `[${['i', ...others].join(', ')}]`;
  };
  const sides = [operands, results].map((types) => types.map(tensor).join(', '));
  const rule = `<(${sides.join(')->(')}) {${sizes.join(', ')}}, custom>`;
  return example('custom_call', `(${operands.join(', ')}) -> (${results.join(', ')})`, {
    attrs: {
      target: `lapack_${routine}_ffi`,
      verbatim: `mhlo.backend_config = {${config}}`,
      rule,
      result_types: results,
    },
    inputs: { 0: (i) => (i % 4 === Math.floor(i / 4) % 4 ? 5 : 1 / (1 + (i % 16))) },
  });
}

const decompositions: readonly OpExample[] = [
  lapack('spotrf', ['f32[6,4,4]'], ['f32[6,4,4]', 'i32[6]'], 'uplo = 76 : ui8'),
  lapack(
    'strsm',
    ['f32[6,4,4]', 'f32[6,4,2]'],
    ['f32[6,4,2]'],
    'diag = 78 : ui8, side = 76 : ui8, trans_x = 84 : ui8, uplo = 76 : ui8',
  ),
  lapack('sgetrf', ['f32[6,4,4]'], ['f32[6,4,4]', 'i32[6,4]', 'i32[6]']),
  lapack('sgeqrf', ['f32[6,4,3]'], ['f32[6,4,3]', 'f32[6,3]']),
  lapack('dorgqr', ['f64[6,4,3]', 'f64[6,3]'], ['f64[6,4,3]']),
  lapack('ssyevd', ['f32[6,4,4]'], ['f32[6,4,4]', 'f32[6,4]', 'i32[6]'], 'mode = 86 : ui8, uplo = 76 : ui8'),
  lapack('sgesdd', ['f32[6,4,3]'], ['f32[6,4,3]', 'f32[6,3]', 'f32[6,4,4]', 'f32[6,3,3]', 'i32[6]'], 'mode = 65 : ui8'),
  lapack(
    'sgtsv',
    ['f32[6,4]', 'f32[6,4]', 'f32[6,4]', 'f32[6,4,2]'],
    ['f32[6,4]', 'f32[6,4]', 'f32[6,4]', 'f32[6,4,2]', 'i32[6]'],
  ),
];

export const callExamples: readonly OpExample[] = [
  call('f32[4,6]', 'annotate_device_placement', 'has_side_effect = true'),
  call('i32[6]', 'LayoutConstraint'),
  ...decompositions,
];
