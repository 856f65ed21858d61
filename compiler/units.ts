/** Numbers as people read them: 1.37 MB, 2.4 ms, 12.3 TFLOP. Decimal units. */
const scale = (value: number, units: readonly string[], step = 1000): string => {
  let at = 0;
  let rest = value;
  while (Math.abs(rest) >= step && at + 1 < units.length) {
    rest /= step;
    at++;
  }
  const digits = at === 0 && Number.isInteger(rest) ? 0 : rest >= 100 ? 0 : rest >= 10 ? 1 : 2;
  return `${rest.toFixed(digits)} ${units[at]}`;
};

export const bytesText = (n: number): string => scale(n, ['B', 'KB', 'MB', 'GB', 'TB', 'PB']);
export const flopsText = (n: number): string =>
  scale(n, ['FLOP', 'KFLOP', 'MFLOP', 'GFLOP', 'TFLOP', 'PFLOP', 'EFLOP']);
export const secondsText = (s: number): string =>
  s >= 1 ? `${s.toFixed(2)} s` : s >= 1e-3 ? `${(s * 1e3).toFixed(2)} ms` : `${(s * 1e6).toFixed(1)} µs`;
export const percentText = (share: number): string => `${(share * 100).toFixed(1)} %`;

/** `data=2 model=4` */
export const meshText = (axes: readonly (readonly [name: string, size: number])[]): string =>
  axes.map(([name, size]) => `${name}=${size}`).join(' ');
