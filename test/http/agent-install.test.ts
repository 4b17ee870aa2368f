import { createHash } from "node:crypto";
import { expect, test } from "vitest";
import { createApp } from "../../worker/http/app.ts";
import { edge, outcome } from "./edge.ts";

const FILE = "// the agent\n";

function ask(path: string, { assets = true, init = {} as RequestInit } = {}): Promise<Response> {
  const { cluster } = edge();
  const asked: string[] = [];
  const fetch = async ({ url }: Request): Promise<Response> => {
    asked.push(url);
    const isAgent = new URL(url).pathname === "/agent/rimrock-agent.mjs";
    return new Response(isAgent ? FILE : null, { status: isAgent ? 200 : 404 });
  };
  const app = createApp(cluster, assets ? { assets: { fetch } } : {});
  const url = path.startsWith("http") ? path : `https://cp.example${path}`;
  return Promise.resolve(app.request(url, init));
}

test("the script names the control plane by which it was asked for, and the file's digest", async () => {
  const answer = await ask("/agent/install");
  expect(answer.headers.get("content-type")).toBe("text/x-shellscript; charset=utf-8");
  const script = await answer.text();
  expect(script).toContain("\ncontrol_plane='https://cp.example'\n");
  expect(script).toContain(`\ndigest=${createHash("sha256").update(FILE).digest("hex")}\n`);
  expect(script).not.toMatch(/@[A-Z]+@/);
  const local = await ask("http://127.0.0.1:5050/agent/install");
  expect(await local.text()).toContain("\ncontrol_plane='http://127.0.0.1:5050'\n");
});

test("the agent's file comes as it was deployed", async () => {
  const answer = await ask("/agent/rimrock-agent.mjs?x=../../secret");
  expect(answer.headers.get("content-type")).toBe("text/javascript; charset=utf-8");
  expect(await answer.text()).toBe(FILE);
});

test("a deployment without the agent says what to do", async () => {
  for (const path of ["/agent/install", "/agent/rimrock-agent.mjs"]) {
    const [status, sentence] = await outcome(ask(path, { assets: false }));
    expect(status).toBe(404);
    expect(sentence).toMatch(/npm run build/);
  }
});

test("no host name becomes code in the script", async () => {
  const odd = await ask("http://a$(id)'b/agent/install");
  expect(await outcome(odd)).toEqual([
    400,
    "Ask by the control plane's plain host name or address.",
  ]);
  const six = await ask("http://[::1]:5050/agent/install");
  expect(await six.text()).toContain("\ncontrol_plane='http://[::1]:5050'\n");
});

test("they are read, and nothing else", async () => {
  const [status] = await outcome(ask("/agent/install", { init: { method: "POST" } }));
  expect(status).toBe(405);
  const head = await ask("/agent/install", { init: { method: "HEAD" } });
  expect([head.status, await head.text()]).toEqual([200, ""]);
});
