import { existsSync, readdirSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterEach, expect, test } from "vitest";
import {
  endEverything,
  newFolder,
  ROOT,
  startProcess,
  type TestProcess,
  until,
} from "./harness.ts";

afterEach(endEverything);

const textOf = ({ out, err }: TestProcess): string => [...out, ...err].join("\n");

async function succeed(started: TestProcess): Promise<TestProcess> {
  expect(await started.ended, textOf(started)).toBe(0);
  return started;
}

test("npx finds both commands in the checkout, without a network and without what npx knows of before", async () => {
  const env = { npm_config_cache: newFolder(), npm_config_offline: "true" };
  const version = await succeed(startProcess("npx", ["rimrock", "version"], { env }));
  expect(textOf(version)).toMatch(/\d+\.\d+\.\d+/);
  const agent = await succeed(startProcess("npx", ["rimrock-agent", "--help"], { env }));
  expect(textOf(agent)).toContain("--master");
});

test("an old Node is told which one is needed", async () => {
  const folder = newFolder();
  const script = join(folder, "old.mjs");
  writeFileSync(
    script,
    `Object.defineProperty(process, "versions", { value: { node: "18.20.4" } });
     await import(${JSON.stringify(join(ROOT, "agent/bin/rimrock.mjs"))});`,
  );
  const refused = startProcess(process.execPath, [script, "version"]);
  expect(await refused.ended).toBe(1);
  expect(textOf(refused)).toBe("rimrock needs Node 20.19 or newer; this is Node 18.20.4");
});

test("nothing is bundled while no source has changed", async () => {
  // Every build writes it anew.
  const list = join(ROOT, "node_modules/.cache/rimrock/sources.json");
  const run = (): Promise<TestProcess> =>
    succeed(startProcess(process.execPath, [join(ROOT, "agent/bin/rimrock.mjs"), "help"]));
  await run();
  const builtMs = statSync(list).mtimeMs;
  await run();
  expect(statSync(list).mtimeMs).toBe(builtMs);
});

test("the npm package, in an empty folder: start, run and the SDK", async () => {
  const folder = newFolder();
  await succeed(startProcess("npm", ["pack", "--pack-destination", folder]));
  const [tarball = ""] = readdirSync(folder);
  const npx = (...args: string[]): TestProcess =>
    startProcess("npx", ["--yes", `./${tarball}`, ...args], { cwd: folder });
  const started = npx("start", "--port", "0", "--agents", "1");
  const url = await until(() => /runs at (http:\S+),/.exec(textOf(started))?.[1], {
    what: () => `the packed cluster is up:\n${textOf(started)}`,
    // npx installs the package and workerd first.
    withinMs: 90_000,
    unless: () => started.child.exitCode !== null,
  });
  const run = npx(
    ...["run", "--master", url, "--cpus", "0.1", "--mem", "32"],
    ...["--", "sh", "-c", "echo hi from a package; exit 3"],
  );
  expect(await run.ended, textOf(run)).toBe(3);
  expect(run.out).toContain("hi from a package");
  expect(existsSync(join(folder, ".rimrock"))).toBe(true);

  await succeed(startProcess("npm", ["install", "--no-save", `./${tarball}`], { cwd: folder }));
  writeFileSync(
    join(folder, "framework.mjs"),
    `import { Scheduler } from "rimrock/sdk";
     const framework = { user: "", name: "packed" };
     const scheduler = new Scheduler({ master: ${JSON.stringify(url)}, framework });
     for await (const event of scheduler.subscribe()) {
       console.log(event.type);
       if (event.type === "SUBSCRIBED") await scheduler.teardown();
     }
     process.exit();`,
  );
  const framework = startProcess(process.execPath, ["framework.mjs"], { cwd: folder });
  await succeed(framework);
  expect(framework.out[0]).toBe("SUBSCRIBED");
});
