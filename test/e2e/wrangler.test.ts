import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { afterEach, expect, test } from "vitest";
import { workerSettings } from "../../agent/dev/control-plane.ts";
import { startBatch } from "./batch.ts";
import {
  endEverything,
  freePort,
  newFolder,
  ROOT,
  startAgent,
  startProcess,
  until,
} from "./harness.ts";

afterEach(endEverything);

test("the local control plane runs the Worker as wrangler.toml deploys it", () => {
  const toml = readFileSync(join(ROOT, "wrangler.toml"), "utf8");
  const text = (name: string): string | undefined =>
    new RegExp(`^${name} = "(.*)"$`, "m").exec(toml)?.[1];
  const flags = /^compatibility_flags = (\[.*\])$/m.exec(toml)?.[1] ?? "";
  const objects = [...toml.matchAll(/^name = "(\w+)"\nclass_name = "(\w+)"$/gm)];
  const [, sqlite = ""] = /^new_sqlite_classes = (\[.*\])$/m.exec(toml) ?? [];
  expect({
    compatibilityDate: text("compatibility_date"),
    compatibilityFlags: JSON.parse(flags),
    durableObjects: Object.fromEntries(
      objects.map(([, name, className = ""]) => [
        name,
        { className, useSQLite: JSON.parse(sqlite).includes(className) },
      ]),
    ),
  }).toEqual(workerSettings);
});

test("a framework runs its tasks on `wrangler dev`, which serves the agent too", async () => {
  const port = await freePort();
  const wrangler = startProcess(
    process.execPath,
    [
      join(ROOT, "node_modules/wrangler/bin/wrangler.js"),
      ...["dev", "--port", String(port), "--ip", "127.0.0.1", "--persist-to", newFolder()],
      ...["--inspector-port", String(await freePort()), "--show-interactive-dev-session=false"],
    ],
    { env: { WRANGLER_SEND_METRICS: "false", CI: "true" } },
  );
  const url = `http://127.0.0.1:${port}`;
  await until(
    () =>
      fetch(`${url}/health`).then(
        ({ ok }) => ok,
        () => false,
      ),
    {
      what: () => `wrangler dev answers:\n${[...wrangler.out, ...wrangler.err].join("\n")}`,
      withinMs: 30_000,
      unless: () => wrangler.child.exitCode !== null,
    },
  );
  const script = await (await fetch(`${url}/agent/install`)).text();
  const agentFile = Buffer.from(
    await (await fetch(`${url}/agent/rimrock-agent.mjs`)).arrayBuffer(),
  );
  expect(script).toContain(`digest=${createHash("sha256").update(agentFile).digest("hex")}`);
  startAgent(url, newFolder(), ["--resources", "cpus:1;mem:512"]);
  const batch = startBatch(
    url,
    new Map([
      ["good", "echo good"],
      ["bad", "exit 7"],
    ]),
  );
  const ends = await batch.untilAllEnded(20_000);
  expect(ends.get("good")?.state).toBe("TASK_FINISHED");
  expect(ends.get("bad")?.message).toBe("Command exited with status 7");
  await batch.end();
});
