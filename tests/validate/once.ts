/** The same arguments are worked out once. */
export function once<A extends readonly unknown[], R>(of: (...args: A) => R): (...args: A) => R {
  const known = new Map<string, R>();
  return (...args) => {
    const key = JSON.stringify(args);
    if (!known.has(key)) known.set(key, of(...args));
    return known.get(key) as R;
  };
}
