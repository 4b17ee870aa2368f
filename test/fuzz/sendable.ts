/** What workerd's RPC refuses to copy: objects with another prototype, functions, symbols. */

/** Where in `value` it is, or undefined. */
export function unsendable(value: unknown, path = "value"): string | undefined {
  if (typeof value === "function" || typeof value === "symbol")
    return `${path} is a ${typeof value}`;
  if (typeof value !== "object" || value === null || value instanceof Uint8Array) return undefined;
  if (Array.isArray(value)) {
    for (const [at, each] of value.entries()) {
      const found = unsendable(each, `${path}[${at}]`);
      if (found !== undefined) return found;
    }
    return undefined;
  }
  if (Object.getPrototypeOf(value) !== Object.prototype) return `${path} is no plain object`;
  for (const [key, each] of Object.entries(value)) {
    const found = unsendable(each, `${path}.${key}`);
    if (found !== undefined) return found;
  }
  return undefined;
}
