/** How far long work is: on a terminal a bar after a second, elsewhere (a file, a pipe, CI) a line after ten and every thirty. */

/** `step` when one of `total` equal parts is done; `end` takes the bar away. */
export interface Progress {
  step(): void;
  end(): void;
}

const BAR = { firstMs: 1000, everyMs: 100 };
const LINES = { firstMs: 10_000, everyMs: 30_000 };
const WIDTH = 30;

export function progressOn(out: NodeJS.WriteStream, what: string, total: number): Progress {
  const { firstMs, everyMs } = out.isTTY ? BAR : LINES;
  let [done, drawn] = [0, false];
  let next = performance.now() + firstMs;
  return {
    step() {
      done++;
      const now = performance.now();
      if (now < next) return;
      next = now + everyMs;
      const part = Math.min(1, done / total);
      if (!out.isTTY) return void out.write(`${what} ${Math.round(part * 100)} %\n`);
      drawn = true;
      out.write(`\r${bar(what, part)}`);
    },
    end() {
      if (drawn) out.write('\r\u001b[K');
    },
  };
}

export function bar(what: string, part: number): string {
  const full = Math.round(part * WIDTH);
  return `${what} ${'█'.repeat(full)}${'░'.repeat(WIDTH - full)} ${String(Math.round(part * 100)).padStart(3)} %`;
}
