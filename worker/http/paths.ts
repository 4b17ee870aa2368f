/**
 * Paths as Mesos routes them: a route is reached by its longest registered prefix, whatever follows
 * it, and everything the master serves is there a second time below `/master`.
 */

/** The path that routes are matched against. */
export function routedPath(request: Request): string {
  const { pathname } = new URL(request.url);
  const path = pathname === "/master" ? "/" : pathname.replace(/^\/master\//, "/");
  return path.length > 1 ? path.replace(/\/+$/, "") : path;
}
