import { spawn } from "node:child_process";
import { readFileSync, readlinkSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { afterAll, afterEach, describe, expect, test } from "vitest";
import { REMOVED_BY_MASTER } from "../../../agent/shell/exit-codes.ts";
import {
  beforeStart,
  endMasters,
  isAlive,
  joined,
  newMaster,
  pidIn,
  plainArguments,
  waiting,
} from "./agent-lab.ts";
import { cleanUp, startAgent, temporaryDirectory } from "./agent-process.ts";

afterEach(endMasters);
afterAll(() => cleanUp());

describe("one agent", () => {
  test("it registers with what it has, runs a task and keeps its output in the sandbox", async () => {
    const { master, workDirectory } = await joined(
      ...["--resources", "cpus:3;mem:512", "--attributes", "rack:r1", "--hostname", "h.example"],
    );
    expect(master.registrations[0]).toMatchObject({
      protocol_version: 1,
      ip: "127.0.0.1",
      agent_info: { hostname: "h.example", port: 5051, attributes: [{ name: "rack" }] },
    });
    const resources = master.registrations[0]?.agent_info.resources ?? [];
    expect(resources.find(({ name }) => name === "cpus")?.scalar?.value).toBe(3);
    expect(resources.map(({ name }) => name).sort()).toEqual(["cpus", "disk", "mem", "ports"]);
    master.run("t1", "echo out $MESOS_EXECUTOR_ID; echo err >&2; exit 3");
    const status = await master.state("t1", "TASK_FAILED");
    expect(status.message).toBe("Command exited with status 3");
    expect(master.statesOf("t1")).toEqual(["TASK_STARTING", "TASK_RUNNING", "TASK_FAILED"]);
    const pids = master.updates.map((update) => update.status.container_status?.executor_pid);
    expect(new Set(pids).size).toBe(1);
    expect(pids[0]).toBeGreaterThan(1);
    const runs = join(workDirectory, "slaves/test-S0/frameworks/f1/executors/t1/runs");
    expect(readFileSync(join(runs, "latest/stdout"), "utf8")).toBe("out t1\n");
    expect(readFileSync(join(runs, "latest/stderr"), "utf8")).toBe("err\n");
    expect(readlinkSync(join(runs, "latest"))).toBe(status.container_status?.container_id?.value);
  });

  test("a task that cannot be launched says why", async () => {
    const { master } = await joined();
    master.run("t1", "true", { command: { value: "true", user: "no-such-user" } });
    const status = await master.state("t1", "TASK_FAILED");
    expect(status.reason).toBe("REASON_CONTAINER_LAUNCH_FAILED");
    expect(status.message).toMatch(/no-such-user/);
    expect(master.statesOf("t1")).toEqual(["TASK_FAILED"]);
  });

  test("a kill ends every process of the task", async () => {
    const { master, workDirectory } = await joined();
    const file = join(workDirectory, "pid");
    const run_number = master.run("t1", `(${waiting(file)}) & wait`);
    const pid = await pidIn(master, file);
    const ids = { framework_id: { value: "f1" }, task_id: { value: "t1" } };
    master.send({ type: "KILL_TASK", kill_task: { ...ids, run_number } });
    await master.state("t1", "TASK_KILLED");
    expect(isAlive(pid)).toBe(false);
  });

  test("thirty tasks need no more than a handful of connections", async () => {
    const { master } = await joined();
    for (let at = 0; at < 30; at++) {
      master.run(`t${at}`, "true");
      await master.state(`t${at}`, "TASK_FINISHED");
    }
    expect(master.connections).toBeLessThanOrEqual(4);
  });
});

describe("the link", () => {
  test("a master that comes back is found within a second; the log has one line for each", async () => {
    const { master, agent } = await joined();
    master.run("t1", "sleep 0.5; exit 4");
    await master.state("t1", "TASK_RUNNING");
    await master.stop();
    await sleep(1_000);
    await master.start();
    const started = Date.now();
    const status = await master.state("t1", "TASK_FAILED");
    expect(Date.now() - started).toBeLessThan(1_000);
    expect(status.message).toBe("Command exited with status 4");
    await master.until("the log", () => agent.log().includes("answers again") || undefined);
    const lines = agent.log().split("\n");
    expect(lines.filter((line) => line.includes("no word from the master"))).toHaveLength(1);
    expect(lines.filter((line) => line.includes("answers again"))).toHaveLength(1);
    expect(master.registrations).toHaveLength(1);
  });

  test("REGISTER_AGAIN to a report or a poll makes the agent register, and nothing is lost", async () => {
    const { master } = await joined();
    const body = JSON.stringify({ code: "REGISTER_AGAIN", message: "x" });
    for (const verb of ["report", "poll"]) {
      const before = master.registrations.length;
      master.refusals.set(verb, { status: 409, body });
      master.run(`after-${verb}`, "true");
      await master.state(`after-${verb}`, "TASK_FINISHED");
      expect(master.statesOf(`after-${verb}`)).toEqual([
        "TASK_STARTING",
        "TASK_RUNNING",
        "TASK_FINISHED",
      ]);
      expect(master.registrations.length).toBe(before + 1);
    }
    const sessions = new Set(master.registrations.map(({ session_id }) => session_id));
    expect(sessions.size).toBe(1);
  });

  test("a poll that is refused outright makes the agent register", async () => {
    const { master, agent } = await joined();
    await master.until("the agent polls", () => (master.polls > 0 ? true : undefined));
    master.refusals.set("poll", { status: 404, body: "no such relay" });
    master.run("t1", "true");
    await master.state("t1", "TASK_FINISHED");
    await master.until("the agent registers again", () => master.registrations[1]);
    await master.until("the log says why", () => agent.log().includes("404: no such") || undefined);
  });

  test("a refused registration is told in the master's words, and tried again", async () => {
    const master = await newMaster();
    const message = "The agent's resources are invalid; correct --resources";
    const body = JSON.stringify({ code: "AGENT_INVALID", message });
    master.refusals.set("register", { status: 400, body });
    const workDirectory = temporaryDirectory();
    const agent = await startAgent(plainArguments(master.url, workDirectory));
    await master.until("the agent registers", () => master.registrations[0]);
    await master.until("the log says why", () => agent.log().includes(message) || undefined);
  });

  test("an agent that was marked gone while it was away ends for good", async () => {
    const master = await newMaster();
    const body = JSON.stringify({ code: "AGENT_GONE", message: "An operator marked it gone" });
    master.refusals.set("register", { status: 403, body });
    const workDirectory = temporaryDirectory();
    const agent = await startAgent(plainArguments(master.url, workDirectory));
    expect(await agent.ended).toEqual([REMOVED_BY_MASTER, null]);
    expect(agent.log()).toContain("An operator marked it gone");
  });

  test.each([
    [503, JSON.stringify({ code: "TRY_AGAIN", message: "soon" })],
    [200, "not JSON"],
    [200, "{}"],
  ])("an answer %i %s to a registration is tried again", async (status, body) => {
    const master = await newMaster();
    master.refusals.set("register", { status, body });
    await startAgent(plainArguments(master.url, temporaryDirectory()));
    await master.until("the agent registers", () => master.registrations[0]);
    await master.until("the agent polls", () => (master.polls > 0 ? true : undefined));
  });

  test("what comes while a report is under way shares the next one", async () => {
    const { master } = await joined();
    for (let at = 0; at < 20; at++) master.run(`t${at}`, "sleep 0.2");
    for (let at = 0; at < 20; at++) await master.state(`t${at}`, "TASK_FINISHED");
    expect(master.reports.length).toBeLessThan(40);
  });
});

describe("calls", () => {
  const latest = "/frameworks/f1/executors/t1/runs/latest";

  test("READ_FILE reads on from an offset, LIST_FILES lists, and what is not served says so", async () => {
    const { master } = await joined();
    master.run("t1", "printf 0123456789; ln -s /etc/passwd link");
    await master.state("t1", "TASK_FINISHED");
    const read = async (path: string, offset: bigint, length?: bigint) => {
      const read_file = { path, offset, ...(length === undefined ? {} : { length }) };
      return await master.call({ type: "READ_FILE", read_file });
    };
    expect(JSON.parse((await read(`${latest}/stdout`, 4n, 3n)).body)).toEqual({
      type: "READ_FILE",
      read_file: { size: 10, data: Buffer.from("456").toString("base64") },
    });
    expect((await read(`${latest}/link`, 0n)).status).toBe(404);
    const list = await master.call({ type: "LIST_FILES", list_files: { path: latest } });
    const paths = JSON.parse(list.body).list_files.file_infos.map(
      ({ path }: { path: string }) => path,
    );
    expect(paths).toEqual([`${latest}/link`, `${latest}/stderr`, `${latest}/stdout`]);
    expect(JSON.parse((await master.call({ type: "GET_HEALTH" })).body)).toEqual({
      type: "GET_HEALTH",
      get_health: { healthy: true },
    });
    expect(JSON.parse((await master.call({ type: "GET_VERSION" })).body).get_version).toMatchObject(
      {
        version_info: { version: "1.12.0" },
      },
    );
    expect(await master.call({ type: "MARK_RESOURCE_PROVIDER_GONE" })).toMatchObject({
      status: 501,
    });
    expect(await master.call({ type: "READ_FILE" })).toMatchObject({ status: 400 });
  });

  test("an answer longer than one post comes in several", async () => {
    const { master } = await joined();
    master.run(
      "t1",
      'i=0; while [ $i -lt 3000 ]; do : > "a-rather-long-name-for-a-file-$i"; i=$((i+1)); done',
    );
    await master.state("t1", "TASK_FINISHED");
    const { status, body, pieces } = await master.call({
      type: "LIST_FILES",
      list_files: { path: latest },
    });
    expect(status).toBe(200);
    expect(pieces).toBeGreaterThan(1);
    expect(JSON.parse(body).list_files.file_infos).toHaveLength(3_002);
  });
});

describe("the end of the process", () => {
  test.each(["SIGKILL", "SIGTERM"] as const)(
    "after %s the next agent finds the tasks running, and sees the exit codes of those that ended",
    async (signal) => {
      const { master, agent, workDirectory, args } = await joined();
      const file = join(workDirectory, "pid");
      master.run("long", waiting(file));
      master.run("short", "sleep 0.7; exit 5");
      const pid = await pidIn(master, file);
      await master.state("short", "TASK_RUNNING");
      agent.child.kill(signal);
      await agent.ended;
      await sleep(1_000);
      expect(isAlive(pid)).toBe(true);
      await startAgent(args);
      expect((await master.state("short", "TASK_FAILED")).message).toBe(
        "Command exited with status 5",
      );
      const again = await master.until("it registers", () => master.registrations[1]);
      expect(again.tasks?.map(({ task }) => [task.task_id.value, task.state])).toContainEqual([
        "long",
        "TASK_RUNNING",
      ]);
      expect(again.session_id).not.toBe(master.registrations[0]?.session_id);
      expect(master.statesOf("long")).toEqual(["TASK_STARTING", "TASK_RUNNING"]);
      process.kill(pid, "SIGKILL");
      expect((await master.state("long", "TASK_FAILED")).message).toBe(
        "Command terminated with signal Killed",
      );
    },
  );

  test("an agent killed again and again while 20 tasks come and go loses none and runs none twice", async () => {
    const { master, agent, workDirectory, args } = await joined();
    const file = join(workDirectory, "ran");
    let current = agent;
    for (let at = 0; at < 20; at++) {
      master.run(`t${at}`, `echo t${at} >> ${file}; sleep 0.${at % 5}; exit ${at}`);
      if (at % 4 !== 3) continue;
      await sleep(15 * at);
      current.child.kill("SIGKILL");
      await current.ended;
      current = await startAgent(args);
    }
    for (let at = 0; at < 20; at++) {
      const status = await master.until(`t${at} ends`, () =>
        master.updates
          .map((update) => update.status)
          .find(
            ({ task_id, state }) =>
              task_id.value === `t${at}` && /FINISHED|FAILED|LOST/.test(state),
          ),
      );
      // A launch that the crash prevented is told as never launched; everything else has its own
      // exit code.
      if (status.reason === "REASON_AGENT_RESTARTED") continue;
      expect(status.message).toBe(`Command exited with status ${at}`);
    }
    const ran = readFileSync(file, "utf8").trim().split("\n");
    expect(new Set(ran).size).toBe(ran.length);
  });

  test("with --die-with-parent nothing outlives a parent that is killed, not even by its broken log", async () => {
    const { master, args, bundle, workDirectory } = await beforeStart();
    const code =
      "require('node:child_process').spawn(process.argv[1], process.argv.slice(2), {stdio: 'pipe'})";
    const agentArgs = [bundle, ...args, "--die-with-parent"];
    const parent = spawn(process.execPath, ["-e", code, process.execPath, ...agentArgs]);
    const file = join(workDirectory, "pid");
    master.run("t1", waiting(file));
    const pid = await pidIn(master, file);
    const agentPid = Number(readFileSync(join(workDirectory, "meta/pid"), "utf8"));
    parent.kill("SIGKILL");
    await master.until(
      "all is gone",
      () => (!isAlive(pid) && !isAlive(agentPid)) || undefined,
      1_500,
    );
    await startAgent(args);
    await master.state("t1", "TASK_FAILED");
  });

  test("with --die-with-parent everything ends within 1 s of the parent, and the next start tells", async () => {
    const { master, agent, workDirectory, args } = await joined("--die-with-parent");
    const file = join(workDirectory, "pid");
    master.run("t1", waiting(file));
    const pid = await pidIn(master, file);
    await master.state("t1", "TASK_RUNNING");
    const from = Date.now();
    agent.child.stdin?.end();
    expect(await agent.ended).toEqual([0, null]);
    expect(Date.now() - from).toBeLessThan(1_000);
    expect(isAlive(pid)).toBe(false);
    await startAgent(args);
    const status = await master.state("t1", "TASK_FAILED");
    expect(status.reason).toBe("REASON_EXECUTOR_TERMINATED");
    expect(status.message).toMatch(/together with the process that started it/);
  });
});

describe("bad beginnings", () => {
  test("a second agent on the same work directory is one clear line", async () => {
    const { args, agent, workDirectory } = await joined();
    const second = await startAgent(args);
    expect(await second.ended).toEqual([1, null]);
    expect(second.log()).toBe(
      `rimrock-agent: another agent (process ${agent.child.pid}) uses the work directory ${workDirectory}; ` +
        "stop it, or choose another with --work-dir\n",
    );
  });

  test("every mistake of the command line is told at once", async () => {
    const bad = ["--port", "0", "--ip", "1.2.3", "--resources", "cpus", "--containerizer", "magic"];
    const agent = await startAgent([...bad, "--master", "nowhere"]);
    expect(await agent.ended).toEqual([1, null]);
    const lines = agent.log().trim().split("\n");
    expect(lines).toHaveLength(5);
    for (const option of ["--master", "--ip", "--port", "--resources", "--containerizer"]) {
      expect(
        lines.some((line) => line.includes(option)),
        option,
      ).toBe(true);
    }
  });

  test("an unwritable work directory is one clear line", async () => {
    const agent = await startAgent([
      "--master",
      "http://127.0.0.1:1",
      "--work-dir",
      "/proc/nowhere",
    ]);
    expect(await agent.ended).toEqual([1, null]);
    expect(agent.log()).toMatch(
      /^rimrock-agent: cannot use the work directory \/proc\/nowhere: \w+; choose/,
    );
  });
});
