/** A bar on the terminal for work that takes over a second. Elsewhere (a file, a pipe, CI) nothing is written. */

/** `step` when one of `total` equal parts is done; `end` takes the bar away. */
export interface Progress {
  step(): void;
  end(): void;
}

const FIRST_AFTER_MS = 1000;
const EVERY_MS = 100;
const WIDTH = 30;

export function progressOn(out: NodeJS.WriteStream, what: string, total: number): Progress {
  if (!out.isTTY) return { step: () => undefined, end: () => undefined };
  let [done, drawn] = [0, false];
  let next = performance.now() + FIRST_AFTER_MS;
  return {
    step() {
      done++;
      const now = performance.now();
      if (now < next) return;
      next = now + EVERY_MS;
      drawn = true;
      out.write(`\r${bar(what, Math.min(1, done / total))}`);
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
