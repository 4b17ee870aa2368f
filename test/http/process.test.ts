/** The endpoints about the master's process, and the operator API's calls that ask the same. */
import { describe, expect, test } from "vitest";
import type * as master from "../../worker/protocol/v1/master.ts";
import { edge, outcome } from "./edge.ts";

const text = { master: { document: async () => '{"a":1.0}' } };

describe("metrics", () => {
  test.each(["", "?timeout=1secs", "?timeout=0.5mins", "?timeout=0ns"])(
    "/metrics/snapshot%s is the whole snapshot",
    async (query) => {
      const { request, asked } = edge(text);
      expect(await outcome(request(`/metrics/snapshot${query}`))).toEqual([200, '{"a":1.0}']);
      expect(asked[0]?.[2]).toBe("/metrics/snapshot");
    },
  );

  test.each(["", "5", "soon", "5 secs"])(
    "a timeout of '%s' is a 400 that names it",
    async (given) => {
      const path = `/metrics/snapshot?timeout=${encodeURIComponent(given)}`;
      const [status, sentence] = await outcome(edge(text).request(path));
      expect(status).toBe(400);
      expect(sentence).toContain(`'${given}'`);
    },
  );

  test("GET_METRICS needs its part, which may be empty", async () => {
    const metrics = { type: "GET_METRICS", get_metrics: { metrics: [] } } as const;
    const { post } = edge({ master: { readLong: async () => Response.json(metrics) } });
    expect((await post("/api/v1", { type: "GET_METRICS" })).status).toBe(400);
    const answer = await post("/api/v1", { type: "GET_METRICS", get_metrics: {} });
    expect(await answer.json()).toMatchObject({ type: "GET_METRICS" });
  });
});

describe("the logging level", () => {
  const level = 3;
  const answer = { type: "GET_LOGGING_LEVEL", get_logging_level: { level } } as const;
  const logging = {
    master: { read: async () => answer, setLoggingLevel: async () => undefined },
  };

  test("is told as text, and in the operator API", async () => {
    const { request, post } = edge(logging);
    const told = await request("/logging/toggle");
    expect(told.headers.get("Content-Type")).toBe("text/plain; charset=utf-8");
    expect(await told.text()).toBe("3\n");
    expect(await (await post("/api/v1", { type: "GET_LOGGING_LEVEL" })).json()).toEqual(answer);
  });

  test("is set by both for a time, and the answer is an empty 200", async () => {
    const { request, post, asked } = edge(logging);
    expect(await outcome(request("/logging/toggle?level=2&duration=1.5mins"))).toEqual([200, ""]);
    const duration = { nanoseconds: 90_000_000_000 };
    const call = { type: "SET_LOGGING_LEVEL", set_logging_level: { level: 2, duration } };
    expect(await outcome(post("/api/v1", call))).toEqual([200, ""]);
    expect(asked[0]).toEqual(["master.setLoggingLevel", {}, { level: 2, durationMs: 90_000 }]);
    expect(asked[1]).toEqual(asked[0]);
  });

  test("stays as it is when the caller may not set it", async () => {
    const error = { code: "NOT_AUTHORIZED", action: "SET_LOG_LEVEL" } as const;
    const { request } = edge({ master: { setLoggingLevel: async () => error } });
    const [status, sentence] = await outcome(request("/logging/toggle?level=2&duration=1secs"));
    expect(status).toBe(403);
    expect(sentence).toContain("SET_LOG_LEVEL");
  });

  test.each([
    ["level=2", "'duration'"],
    ["duration=1secs", "'level'"],
    ["level=-1&duration=1secs", "'-1'"],
    ["level=many&duration=1secs", "'many'"],
    ["level=4294967296&duration=1secs", "'4294967296'"],
    ["level=1&duration=long", "'long'"],
  ])("with %s it stays as it is", async (query, words) => {
    const { request, asked } = edge(logging);
    const [status, sentence] = await outcome(request(`/logging/toggle?${query}`));
    expect(status).toBe(400);
    expect(sentence).toContain(words);
    expect(asked).toEqual([]);
  });

  test("is not set by a call without its part, or without a duration", async () => {
    const { post, asked } = edge(logging);
    expect((await post("/api/v1", { type: "SET_LOGGING_LEVEL" })).status).toBe(400);
    const call = { type: "SET_LOGGING_LEVEL", set_logging_level: { level: 1 } };
    expect((await post("/api/v1", call)).status).toBe(400);
    expect(asked).toEqual([]);
  });
});

describe("the files of the master", () => {
  test.each([
    "/files/browse?path=/",
    "/files/browse?path=/master/log",
    "/files/read?path=/master/log",
    "/files/read?path=/master/log&offset=-1",
    "/files/read?path=/master/log&offset=0&length=10",
    "/files/download?path=/master/log",
  ])("%s is a 404 with nothing", async (path) => {
    expect(await outcome(edge().request(path))).toEqual([404, ""]);
  });

  test.each([
    ["/files/browse", "'path'"],
    ["/files/read", "'path'"],
    ["/files/download", "'path'"],
    ["/files/read?path=/a&offset=-2", "'-2'"],
    ["/files/read?path=/a&offset=x", "'x'"],
    ["/files/read?path=/a&length=1.5", "'1.5'"],
  ])("%s is a 400 that says what is wrong", async (path, words) => {
    const [status, sentence] = await outcome(edge().request(path));
    expect(status).toBe(400);
    expect(sentence).toContain(words);
  });

  test("/files/debug has nothing to show, also to a callback", async () => {
    expect(await outcome(edge().request("/files/debug"))).toEqual([200, "{}"]);
    expect(await outcome(edge().request("/files/debug?jsonp=cb"))).toEqual([200, "cb({})"]);
    expect((await edge().request("/files/debug?jsonp=1;2")).status).toBe(400);
  });

  test.each<master.Call>([
    { type: "LIST_FILES", list_files: { path: "/" } },
    { type: "READ_FILE", read_file: { path: "/master/log", offset: 0n } },
  ])("$type is a 404 with nothing, and a 400 without its part", async (call) => {
    const body = JSON.stringify(call, (_, value) =>
      typeof value === "bigint" ? Number(value) : value,
    );
    expect(await outcome(edge().post("/api/v1", body))).toEqual([404, ""]);
    expect((await edge().post("/api/v1", { type: call.type })).status).toBe(400);
  });
});

test("/flags takes GET and HEAD only", async () => {
  expect((await edge(text).request("/flags")).status).toBe(200);
  expect((await edge(text).request("/master/flags", { method: "HEAD" })).status).toBe(200);
  const posted = await edge(text).request("/flags", { method: "POST" });
  expect([posted.status, posted.headers.get("Allow")]).toEqual([405, "GET, HEAD"]);
});

test.each([
  "/profiler/start",
  "/profiler/stop",
  "/memory-profiler/start?duration=5mins",
  "/memory-profiler/download/raw",
])("%s is a 400: there is nothing to profile", async (path) => {
  const [status, sentence] = await outcome(edge().request(path));
  expect(status).toBe(400);
  expect(sentence).toContain("no profiler");
});

test("/system/stats.json is a document", async () => {
  const { request, asked } = edge(text);
  expect(await outcome(request("/system/stats.json?jsonp=cb"))).toEqual([200, 'cb({"a":1.0})']);
  expect(asked[0]?.[2]).toBe("/system/stats.json");
});

test.each([
  ["/registrar(1)/registry", "/registrar(1)/registry"],
  ["/registrar%281%29/registry", "/registrar(1)/registry"],
  ["/allocator/offer_constraints_debug", "/allocator/offer_constraints_debug"],
])("%s is the document %s", async (path, document) => {
  const { request, asked } = edge(text);
  expect(await outcome(request(`${path}?jsonp=cb`))).toEqual([200, 'cb({"a":1.0})']);
  expect(asked[0]?.[2]).toBe(document);
});

test("the brackets of the registry are part of its name", async () => {
  for (const path of ["/registrar/registry", "/registrar1/registry"]) {
    expect((await edge(text).request(path)).status).toBe(404);
  }
});

describe("/help", () => {
  type Help = { processes: { id: string; endpoints: { name: string; text: string }[] }[] };
  const help = async (path: string): Promise<Help> =>
    (await (await edge().request(`${path}?format=json`)).json()) as Help;

  test("lists every endpoint by its actor, and each is there", async () => {
    const { processes } = await help("/help");
    const ids = processes.map(({ id }) => id);
    expect(ids).toEqual(expect.arrayContaining(["master", "files", "metrics", "registrar(1)"]));
    const [master] = (await help("/help/master")).processes;
    const names = master?.endpoints.map(({ name }) => name);
    expect(names).toEqual(expect.arrayContaining(["/api/v1", "/api/v1/scheduler", "/state"]));
    expect(names?.filter((name) => name.startsWith("/agent"))).toEqual([]);
    const answers = { master: { document: async () => "{}", read: async () => undefined } };
    for (const { text } of processes.flatMap(({ endpoints }) => endpoints)) {
      const answer = await edge(answers).request(text);
      expect([text, answer.status]).not.toEqual([text, 404]);
    }
  });

  test("is a page for people, of all, of one actor or of one endpoint", async () => {
    const page = await edge().request("/help/files/browse");
    expect(page.headers.get("Content-Type")).toBe("text/html");
    expect(await page.text()).toContain('<a href="/files/browse">');
    expect((await help("/help/files")).processes).toMatchObject([{ id: "files" }]);
  });

  test.each(["/help/nosuch", "/help/master/nosuch"])("%s is a 400", async (path) => {
    expect((await edge().request(path)).status).toBe(400);
  });
});

test("nothing waits in an actor's queue", async () => {
  expect(await (await edge().request("/__processes__")).json()).toEqual([
    { id: "master", events: [] },
  ]);
});
