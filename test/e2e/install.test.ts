import { execFileSync } from "node:child_process";
import { existsSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterEach, expect, test } from "vitest";
import { requirement } from "../support/require.ts";
import {
  endEverything,
  newFolder,
  rimrock,
  startCluster,
  startProcess,
  type TestProcess,
  until,
} from "./harness.ts";

afterEach(endEverything);

const textOf = ({ out, err }: TestProcess): string => [...out, ...err].join("\n");

/** Without root there are no cgroups, which is what is installed unless somebody says otherwise. */
const [containerizer, given] = requirement("cgroups").missing
  ? ["process", "--containerizer process"]
  : ["cgroups", ""];

/** `curl | sh -s -- ...`, as the README says it. */
function install(url: string, options: string, env: Readonly<Record<string, string>> = {}) {
  return startProcess("sh", ["-c", `curl -fsSL ${url}/agent/install | sh -s -- ${options}`], {
    env,
  });
}

test("a machine is installed from the control plane, and its agent joins under its name", async () => {
  const { url } = await startCluster({ agents: 0 });
  const root = newFolder();
  const work = newFolder();
  const options = `--root ${root} --name rack1-07 --attributes 'rack:r1;note:it'\\''s "A"' --work-dir ${work} ${given}`;
  const dry = install(url, `${options} --dry-run`);
  expect(await dry.ended, textOf(dry)).toBe(0);
  expect(textOf(dry)).toMatch(/would put the agent into .*\/opt\/rimrock\/rimrock-agent.mjs/);
  expect(textOf(dry)).toMatch(/KillMode=process/);
  expect(existsSync(join(root, "opt"))).toBe(false);

  const installed = install(url, options, { HTTPS_PROXY: 'http://p"x:1' });
  expect(await installed.ended, textOf(installed)).toBe(0);
  expect(JSON.parse(readFileSync(join(root, "etc/rimrock/agent.json"), "utf8"))).toEqual({
    master: url,
    hostname: "rack1-07",
    attributes: `rack:r1;note:it's "A"`,
    "work-dir": work,
    containerizer,
  });
  expect(readFileSync(join(root, "etc/rimrock/agent.env"), "utf8")).toBe(
    'HTTPS_PROXY="http://p\\"x:1"\n',
  );
  const unit = readFileSync(join(root, "etc/systemd/system/rimrock-agent.service"), "utf8");
  expect(unit).toMatch(/^ExecStart=\/usr\/local\/bin\/rimrock-agent --config \/etc\/rimrock\//m);
  expect(unit).toMatch(/^RestartPreventExitStatus=20$/m);
  expect(statSync(join(root, "usr/local/bin/rimrock-agent")).mode & 0o777).toBe(0o755);

  const agent = startProcess(process.execPath, [
    join(root, "opt/rimrock/rimrock-agent.mjs"),
    ...["--config", join(root, "etc/rimrock/agent.json"), "--resources", "cpus:1;mem:64"],
  ]);
  await until(() => /registered as/.test(textOf(agent)), {
    what: () => `the installed agent joins:\n${textOf(agent)}`,
    unless: () => agent.child.exitCode !== null,
  });
  const list = rimrock(["agent", "list", "--master", url]);
  expect(await list.ended).toBe(0);
  expect(textOf(list)).toContain("rack1-07");
});

test("an upgrade keeps the configuration, and --uninstall removes all but the work directory", async () => {
  const { url } = await startCluster({ agents: 0 });
  const root = newFolder();
  const first = install(url, `--root ${root} --name a ${given}`);
  expect(await first.ended, textOf(first)).toBe(0);
  const config = join(root, "etc/rimrock/agent.json");
  const own = JSON.stringify({ master: url, hostname: "mine" });
  writeFileSync(config, own);
  writeFileSync(join(root, "opt/rimrock/rimrock-agent.mjs"), "old");
  const again = install(url, `--root ${root}`);
  expect(await again.ended, textOf(again)).toBe(0);
  expect(textOf(again)).toContain(`${config} stays as it is`);
  expect(readFileSync(config, "utf8")).toBe(own);
  expect(statSync(join(root, "opt/rimrock/rimrock-agent.mjs")).size).toBeGreaterThan(100_000);

  const removed = install(url, `--root ${root} --uninstall`);
  expect(await removed.ended, textOf(removed)).toBe(0);
  expect(execFileSync("find", [root, "-type", "f"], { encoding: "utf8" })).toBe("");
});

test("what is FAILED on the machine, and what the script does not know, install nothing", async () => {
  const { url } = await startCluster({ agents: 0 });
  const root = newFolder();
  const wrong = install(url, `--root ${root} --resources 'cpus:-1'`);
  expect(await wrong.ended).toBe(1);
  expect(textOf(wrong)).toMatch(/FAILED +options +resources in .*cpus/);
  expect(textOf(wrong)).toMatch(/nothing is installed; mend what is FAILED, or leave it out/);
  const unknown = install(url, `--root ${root} --nmae x`);
  expect(await unknown.ended).toBe(1);
  expect(textOf(unknown)).toContain("there is no option '--nmae'; see --help");
  const forced = install(url, `--root ${root} --resources 'cpus:-1' --force ${given}`);
  expect(await forced.ended, textOf(forced)).toBe(0);
  expect(existsSync(join(root, "etc/rimrock/agent.json"))).toBe(true);
});

test("half a script does nothing", async () => {
  const { url } = await startCluster({ agents: 0 });
  const root = newFolder();
  const script = await (await fetch(`${url}/agent/install`)).text();
  const path = join(root, "half.sh");
  writeFileSync(path, script.slice(0, script.lastIndexOf('main "$@"')));
  const half = startProcess("sh", [path, "--root", join(root, "target")]);
  expect(await half.ended).toBe(0);
  expect(textOf(half)).toBe("");
  expect(existsSync(join(root, "target"))).toBe(false);
});
