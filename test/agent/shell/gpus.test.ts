/** An agent on a machine whose nvidia-smi fails: the program is there, the driver is not. */
import { chmodSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, afterEach, beforeAll, describe, expect, test } from "vitest";
import { requirement } from "../../support/require.ts";
import { beforeStart, endMasters } from "./agent-lab.ts";
import { cleanUp, startAgent, temporaryDirectory } from "./agent-process.ts";

const cgroups = requirement("cgroups");

describe.skipIf(cgroups.missing)(cgroups.title("an agent whose nvidia-smi fails"), () => {
  const { PATH } = process.env;
  beforeAll(() => {
    const folder = temporaryDirectory();
    const program = join(folder, "nvidia-smi");
    writeFileSync(program, "#!/bin/sh\necho 'no driver' >&2; exit 9\n");
    chmodSync(program, 0o755);
    process.env.PATH = `${folder}:${PATH}`;
  });
  afterEach(endMasters);
  afterAll(async () => {
    process.env.PATH = PATH;
    await cleanUp();
  });

  test("says so, and has none to give", async () => {
    const { master, args } = await beforeStart("--containerizer", "cgroups");
    const agent = await startAgent(args);
    await master.until("the agent registers", () => master.registrations[0]);
    const { resources = [] } = master.registrations[0]?.agent_info ?? {};
    expect(resources.map(({ name }) => name)).not.toContain("gpus");
    expect(agent.log()).toContain(
      "nvidia-smi fails (no driver); look after the driver; until then",
    );
  });

  test.each([
    ["--nvidia-gpu-devices", "0"],
    ["--resources", "cpus:1;mem:64;gpus:1"],
    ["--isolation", "cgroups/cpu,gpu/nvidia"],
  ])("does not start when GPUs are asked for by %s", async (option, value) => {
    const { args } = await beforeStart("--containerizer", "cgroups", option, value);
    const agent = await startAgent(args);
    expect((await agent.ended)[0]).toBe(1);
    expect(agent.log()).toBe(
      "rimrock-agent: nvidia-smi fails (no driver); look after the driver\n",
    );
  });
});
