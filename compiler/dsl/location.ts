/**
 * The user's own line of an op being traced: the innermost frame outside shardc. V8's raw frames are looked at, which
 * costs a microsecond; the text of the stack, which source maps have passed over, is made once per place.
 */
import { dirname, isAbsolute, relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Origin, UserLoc } from '../../ir/program.ts';

/** Frames that are looked at: of shardc's own there are a few between an op and who asked for it, rarely many. */
const DEPTHS = [3, 10, 48] as const;
const NOWHERE: Origin = {};
const here = fileURLToPath(import.meta.url);
/** From source the folders of the compiler, from the package its one folder of bundles. */
const own = here.endsWith('/compiler/dsl/location.ts')
  ? ['compiler/', 'ir/'].map((folder) => here.slice(0, -'compiler/dsl/location.ts'.length) + folder)
  : [`${dirname(here)}/`];

/** The one origin of each place, so that a loop over layers makes no garbage. */
const known = new Map<string, Map<number, Origin>>();

/** `above`: a function of shardc on the stack, whose callers are looked at. */
export function callerOrigin(above: Above = callerOrigin): Origin {
  for (const depth of DEPTHS) {
    const sites = rawStack(depth, above);
    const at = sites.findIndex((site) => isUsers(fileOf(site)));
    const site = sites[at];
    if (site !== undefined) return originOf(site, at, above);
    if (sites.length < depth) break;
  }
  return NOWHERE;
}

function originOf(site: Site, at: number, above: Above): Origin {
  const file = fileOf(site);
  let places = known.get(file);
  if (places === undefined) known.set(file, (places = new Map()));
  const position = site.getPosition();
  let origin = places.get(position);
  if (origin === undefined) places.set(position, (origin = { user: mappedPlace(at, file, site, above) }));
  return origin;
}

type Above = (...args: never[]) => unknown;

/** V8 has it; the types do not. */
interface Site extends NodeJS.CallSite {
  getPosition(): number;
}

function rawStack(depth: number, above: Above): readonly Site[] {
  const { prepareStackTrace, stackTraceLimit } = Error;
  Error.stackTraceLimit = depth;
  Error.prepareStackTrace = (_, sites) => sites;
  const holder: { stack?: unknown } = {};
  Error.captureStackTrace(holder, above);
  const { stack } = holder;
  Error.prepareStackTrace = prepareStackTrace;
  Error.stackTraceLimit = stackTraceLimit;
  return Array.isArray(stack) ? (stack as readonly Site[]) : [];
}

const fileOf = (site: Site): string => {
  const name = site.getFileName() ?? '';
  return name.startsWith('file://') ? name.slice('file://'.length) : name;
};

const isUsers = (file: string): boolean =>
  file !== '' && !file.startsWith('node:') && !own.some((folder) => file.startsWith(folder));

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
