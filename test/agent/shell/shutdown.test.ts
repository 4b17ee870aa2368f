import { setTimeout as sleep } from "node:timers/promises";
import { afterEach, expect, test } from "vitest";
import { beforeStart, endMasters, isAlive, joined, pidIn, waiting } from "./agent-lab.ts";
import { cleanUp, startAgent, temporaryDirectory } from "./agent-process.ts";

afterEach(async () => {
  await endMasters();
  await cleanUp();
});

test("SIGUSR1 ends the tasks, then the agent, but not before the master has heard of the ends", async () => {
  const { master, agent } = await joined();
  const file = `${temporaryDirectory()}/pid`;
  master.run("t1", waiting(file));
  const pid = await pidIn(master, file);
  await master.state("t1", "TASK_RUNNING");
  await sleep(200);
  master.acknowledges = false;
  agent.child.kill("SIGUSR1");
  const status = await master.state("t1", "TASK_FAILED");
  expect(status.message).toBe("This agent was shut down, so its tasks were killed.");
  expect(isAlive(pid)).toBe(false);
  await sleep(300);
  expect(agent.child.exitCode).toBe(null);
  const { status: last } = master.updates.at(-1) ?? {};
  if (last?.uuid === undefined) throw new Error("the update has no uuid");
  const acknowledge = {
    framework_id: { value: "f1" },
    task_id: { value: "t1" },
    uuid: last.uuid,
  };
  master.sendVolatile({ type: "ACKNOWLEDGE", acknowledge });
  expect(await agent.ended).toEqual([0, null]);
});

test("a launch that reaches an agent which waits for its end is told as dropped, once", async () => {
  const { master, agent } = await joined();
  master.run("t1", "exec sleep 1000");
  await master.state("t1", "TASK_RUNNING");
  master.acknowledges = false;
  agent.child.kill("SIGUSR1");
  await master.state("t1", "TASK_FAILED");
  const polls = master.polls;
  const number = master.run("t2", "true");
  const status = await master.state("t2", "TASK_LOST");
  expect(status.message).toBe("This agent is being shut down and takes no new tasks");
  expect(master.statesOf("t2")).toEqual(["TASK_LOST"]);
  await sleep(300);
  expect(master.acknowledged).toBe(number);
  expect(master.polls - polls).toBeLessThan(5);
});

test("--shutdown does the same to the agent on a work directory, and waits for its end", async () => {
  const { master, agent, workDirectory } = await joined();
  master.run("t1", "exec sleep 1000");
  await master.state("t1", "TASK_RUNNING");
  const asking = await startAgent(["--shutdown", "--work-dir", workDirectory]);
  expect(await asking.ended).toEqual([0, null]);
  expect(agent.child.exitCode).toBe(0);
  expect(master.statesOf("t1").at(-1)).toBe("TASK_FAILED");
});

test("--shutdown where no agent runs says so, also when a number of one is left", async () => {
  const { args, workDirectory, master } = await beforeStart();
  const never = await startAgent(["--shutdown", "--work-dir", workDirectory]);
  expect(await never.ended).toEqual([1, null]);
  expect(never.log()).toMatch(/no agent runs on the work directory .*; name it with --work-dir/);
  const agent = await startAgent(args);
  await master.until("the agent registers", () => master.registrations[0]);
  agent.child.kill("SIGKILL");
  await agent.ended;
  const after = await startAgent(["--shutdown", "--work-dir", workDirectory]);
  expect(await after.ended).toEqual([1, null]);
  expect(after.log()).toMatch(/no agent runs on/);
});

test("a policy of equal refuses to start as something else, and starts again as what it was", async () => {
  const { args, master, agent } = await joined("--resources", "cpus:2;mem:64;disk:0");
  agent.child.kill("SIGTERM");
  await agent.ended;
  const same = ["--reconfiguration-policy", "equal"];
  const changed = await startAgent([...args, ...same, "--resources", "cpus:1;mem:64;disk:0"]);
  expect(await changed.ended).toEqual([1, null]);
  expect(changed.log()).toMatch(/resources were cpus:2; .* would be cpus:1; .*any$/m);
  await startAgent([...args, ...same]);
  await master.until("it registers again", () => master.registrations[1]);
});
