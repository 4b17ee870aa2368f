/**
 * `/help`: which endpoints there are, by the actor that serves them in Mesos. They are read off the
 * routes, so none can be forgotten; what they do is in Mesos' documentation.
 */
import type { Hono } from "hono";
import type { EdgeContext, EdgeEnv } from "../context.ts";
import { jsonAnswer } from "../respond.ts";
import { type HelpEntry, helpPage, unknownHelp } from "../respond-process.ts";

/** First segments that are actors of their own; everything else is the master's. */
const ACTORS: ReadonlySet<string> = new Set([
  "allocator",
  "files",
  "help",
  "logging",
  "memory-profiler",
  "metrics",
  "profiler",
  "registrar(1)",
  "system",
  "version",
  "__processes__",
]);

/** What clients of Mesos' API have no use for. */
const OURS = /^\/agent(?:-link)?(?:\/|$)/;

/** `/help`, `/help/<actor>`, `/help/<actor>/<endpoint>`; `?format=json` for programs. */
export function helpRoute(app: Hono<EdgeEnv>): (context: EdgeContext) => Response {
  return (context) => {
    const all = entriesOf(app);
    const [id, ...name] = context.req.path.split("/").slice(2);
    const asked = name.length === 0 ? undefined : `/${name.join("/")}`;
    const found = all.filter(
      (entry) => (id === undefined || entry.id === id) && (asked ?? entry.name) === entry.name,
    );
    if (found.length === 0) return unknownHelp(context.req.path);
    if (context.req.query("format") === "json") return jsonAnswer(helpJson(found));
    return helpPage(found);
  };
}

function entriesOf(app: Hono<EdgeEnv>): readonly HelpEntry[] {
  const paths = app.routes.map(({ path }) => path.replace(/\/\*$/, ""));
  const served = paths.filter((path) => path !== "" && !OURS.test(path) && !path.includes("%"));
  return [...new Set(served)].sort().map((path) => {
    const [first = "", ...rest] = path.slice(1).split("/");
    if (!ACTORS.has(first)) return { id: "master", name: path, text: `/master${path}` };
    return { id: first, name: `/${rest.join("/")}`, text: path };
  });
}

function helpJson(entries: readonly HelpEntry[]): string {
  const ids = [...new Set(entries.map(({ id }) => id))];
  const processes = ids.map((id) => ({
    id,
    endpoints: entries.filter((entry) => entry.id === id).map(({ name, text }) => ({ name, text })),
  }));
  return JSON.stringify({ processes });
}
