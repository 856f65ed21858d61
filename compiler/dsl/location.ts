/**
 * The user's own line of an op being traced: the innermost frame outside shardc. V8's raw frames are looked at, which
 * costs a microsecond; the text of the stack, which source maps have passed over, is made once per place.
 */
import { dirname, isAbsolute, relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Origin, UserLoc } from '../../ir/program.ts';

/** Frames that are looked at: of shardc's own there are a few between an op and who asked for it, rarely many. */
const DEPTHS = [2, 5, 16, 48] as const;
const NOWHERE: Origin = {};
const here = fileURLToPath(import.meta.url);
/** From source the folders of the compiler, from the package its one folder of bundles. */
const own = here.endsWith('/compiler/dsl/location.ts')
  ? ['compiler/', 'ir/', 'passes/', 'runtime-sim/'].map(
      (folder) => here.slice(0, -'compiler/dsl/location.ts'.length) + folder,
    )
  : [`${dirname(here)}/`];

/** Is it part of shardc? */
export const isOwnFile = (path: string): boolean => own.some((folder) => path.startsWith(folder));

/** `above`: a function of shardc on the stack, whose callers are looked at. */
export function callerOrigin(above: Above = callerOrigin): Origin {
  for (const depth of DEPTHS) {
    const sites = rawStack(depth, above);
    for (let at = 0; at < sites.length; at++) {
      const site = sites[at] as Site;
      const file = knownFile(site.getFileName() ?? '');
      if (file.isUsers) return originOf(site, at, file, above);
    }
    if (sites.length < depth) break;
  }
  return NOWHERE;
}

/** The one origin of each place, so that a loop over layers makes no garbage. */
function originOf(site: Site, at: number, { path, places }: SourceFile, above: Above): Origin {
  const position = site.getPosition();
  let origin = places.get(position);
  if (origin === undefined) places.set(position, (origin = { user: mappedPlace(at, path, site, above) }));
  return origin;
}

interface SourceFile {
  readonly path: string;
  readonly isUsers: boolean;
  readonly places: Map<number, Origin>;
}

/** By the names that V8 gives, of which every op asks for a few. */
const files = new Map<string, SourceFile>();

function knownFile(name: string): SourceFile {
  let file = files.get(name);
  if (file === undefined) {
    const path = name.startsWith('file://') ? name.slice('file://'.length) : name;
    const isUsers = path !== '' && !path.startsWith('node:') && !isOwnFile(path);
    files.set(name, (file = { path, isUsers, places: new Map() }));
  }
  return file;
}

/** A function on the stack, whose callers are looked at. */
export type Above = (...args: never[]) => unknown;

/** V8 has it; the types do not. */
interface Site extends NodeJS.CallSite {
  getPosition(): number;
}

const asSites: typeof Error.prepareStackTrace = (_, sites) => sites;

function rawStack(depth: number, above: Above): readonly Site[] {
  const { prepareStackTrace, stackTraceLimit } = Error;
  Error.stackTraceLimit = depth;
  Error.prepareStackTrace = asSites;
  const holder: { stack?: unknown } = {};
  Error.captureStackTrace(holder, above);
  const { stack } = holder;
  Error.prepareStackTrace = prepareStackTrace;
  Error.stackTraceLimit = stackTraceLimit;
  return Array.isArray(stack) ? (stack as readonly Site[]) : [];
}

/** The same frame in the stack as people read it: line and column of the TypeScript, not of what runs. */
function mappedPlace(frame: number, file: string, site: Site, above: Above): UserLoc {
  const { stackTraceLimit } = Error;
  Error.stackTraceLimit = frame + 1;
  const holder: { stack?: unknown } = {};
  Error.captureStackTrace(holder, above);
  const lines = typeof holder.stack === 'string' ? holder.stack.split('\n').filter((l) => /^\s+at /.test(l)) : [];
  Error.stackTraceLimit = stackTraceLimit;
  const match = /\(?((?:file:\/\/|\/|[A-Za-z]:\\)[^()]*?)(?:\?[^:()]*)?:(\d+):(\d+)\)?$/.exec(lines[frame] ?? '');
  if (match === null)
    return { file: shown(file), line: site.getLineNumber() ?? 1, column: site.getColumnNumber() ?? 1 };
  const [, path = file, line, column] = match;
  return {
    file: shown(path.startsWith('file://') ? fileURLToPath(path) : path),
    line: Number(line),
    column: Number(column),
  };
}

/** From where we are, if it lies there: what is printed is then the same on every machine. */
function shown(path: string): string {
  const from = relative(process.cwd(), path);
  return from.startsWith('..') || isAbsolute(from) ? path : from;
}
