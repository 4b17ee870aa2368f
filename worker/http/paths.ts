/**
 * Paths as Mesos routes them: a route is reached by its longest registered prefix, whatever follows
 * it, and everything the master serves is there a second time below `/master`.
 */

/**
 * The path of an absolute URL, as the platform gives it; `new URL` costs more than the whole
 * routing.
 */
function pathOf(url: string): string {
  const start = url.indexOf("/", url.indexOf("://") + 3);
  if (start < 0) return "/";
  const end = url.slice(start).search(/[?#]/);
  return end < 0 ? url.slice(start) : url.slice(start, start + end);
}

/** The path that routes are matched against. */
export function routedPath(request: Request): string {
  const pathname = pathOf(request.url);
  const path = pathname === "/master" ? "/" : pathname.replace(/^\/master\//, "/");
  return path.length > 1 ? path.replace(/\/+$/, "") : path;
}
