/** The part of the JavaScript interface of WebAssembly used here: neither TypeScript's "esnext" nor Node's types declare it. */

export interface WasmMemory {
  readonly buffer: ArrayBufferLike;
  grow(pages: number): number;
}

export interface WasmInstance {
  readonly exports: Readonly<Record<string, unknown>>;
}

declare const WebAssembly: {
  readonly Memory: new (limits: { initial: number; maximum: number; shared: boolean }) => WasmMemory;
  readonly Module: new (bytes: Uint8Array<ArrayBuffer>) => object;
  readonly Instance: new (
    module: object,
    imports: Readonly<Record<string, Readonly<Record<string, object>>>>,
  ) => WasmInstance;
};

/** Bytes of a page. */
export const PAGE = 65536;

/** A memory that threads can share: address space for `maximum` pages, bytes for what is grown. */
export function makeMemory(maximum: number): WasmMemory | undefined {
  for (let most = maximum; most > 1024; most /= 2) {
    try {
      return new WebAssembly.Memory({ initial: 1, maximum: most, shared: true });
    } catch {
      // Less address space than asked for: a limit of the process or of the machine.
    }
  }
  return undefined;
}

export const compileModule = (bytes: Uint8Array<ArrayBuffer>): object => new WebAssembly.Module(bytes);

export const instantiate = (module: object, memory: WasmMemory): WasmInstance =>
  new WebAssembly.Instance(module, { m: { m: memory } });
