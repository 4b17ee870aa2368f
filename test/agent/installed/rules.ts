/** What must hold of an agent that systemd runs, in the order in which it is tried. */
import assert from "node:assert/strict";
import { existsSync, readFileSync } from "node:fs";
import type * as mesos from "../../../worker/protocol/v1/mesos.ts";
import type { Machine } from "./guest.ts";

export interface Rule {
  readonly rule: string;
  /** From 1. The first boot ends as an operator ends it, the second as a power cut does. */
  readonly inBoot: 1 | 2 | 3;
  readonly check: (machine: Machine) => Promise<void>;
}

const UNIT = "rimrock-agent.service";
const CONFIG = "/etc/rimrock/agent.json";

/** Its process id on the machine: its own shell would see another. */
async function runWaiting({ master, until, sh }: Machine, taskId: string): Promise<number> {
  master.run(taskId, `exec sleep ${SECONDS_OF[taskId]}`);
  await until(`${taskId} runs`, () => statusOf(master, taskId, "TASK_RUNNING"));
  const find = `pgrep -x -f 'sleep ${SECONDS_OF[taskId]}'`;
  // It runs, and its shell is about to become it.
  return Number(await sh(`for try in $(seq 300); do ${find} && break; sleep 0.1; done`));
}

/** By which a task is found among the machine's processes. */
const SECONDS_OF: Readonly<Record<string, number>> = { long: 100_001, cut: 100_002, last: 100_003 };

function statusOf(
  { updates }: Machine["master"],
  taskId: string,
  state: mesos.TaskState,
): mesos.TaskStatus | undefined {
  const statuses = updates.map(({ status }) => status);
  return statuses.find((status) => status.task_id.value === taskId && status.state === state);
}

function read(path: string): string | undefined {
  return existsSync(path) ? readFileSync(path, "utf8") : undefined;
}

async function mainPid({ sh }: Machine): Promise<string> {
  return (await sh(`systemctl show -P MainPID ${UNIT}`)).trim();
}

/** The task `long` goes on, whatever `restart` does to the agent; nothing of it is told twice. */
async function survives(machine: Machine, restart: () => Promise<unknown>): Promise<void> {
  const { master, sh, until } = machine;
  const pid = await sh("pgrep -x -f 'sleep 100001'");
  const agent = await mainPid(machine);
  const registrations = master.registrations.length;
  await restart();
  const again = await until("it registers again", () => master.registrations[registrations]);
  assert.notEqual(await mainPid(machine), agent);
  const known = again.tasks?.find(({ task }) => task.task_id.value === "long");
  assert.equal(known?.task.state, "TASK_RUNNING");
  assert.equal(await sh("pgrep -x -f 'sleep 100001'"), pid);
  assert.deepEqual(master.statesOf("long"), ["TASK_STARTING", "TASK_RUNNING"]);
}

/** A master that has just begun must not give numbers again that the agent has seen. */
function countOn(master: Machine["master"], from: number): void {
  for (let number = 0; number < from; number++) master.send({ type: "UNKNOWN" });
}

export const rules: readonly Rule[] = [
  {
    rule: "the install script puts the agent under systemd, and it joins under its name",
    inBoot: 1,
    check: async ({ sh, install, until, master }) => {
      const said = await install("--name rack1-07 --attributes 'rack:r1'");
      assert.match(said, /follow it with: journalctl -fu rimrock-agent.service/);
      const registered = await until("it registers", () => master.registrations[0]);
      assert.equal(registered.agent_info.hostname, "rack1-07");
      const state = await sh(`systemctl is-active ${UNIT}; systemctl is-enabled ${UNIT}`);
      assert.equal(state, "active\nenabled\n");
    },
  },
  {
    rule: "systemd finds nothing wrong with the unit",
    inBoot: 1,
    check: async ({ sh }) => {
      assert.equal(await sh(`systemd-analyze verify /etc/systemd/system/${UNIT}`), "");
    },
  },
  {
    rule: "a task runs in a cgroup of its own, and systemd leaves it there",
    inBoot: 1,
    check: async (machine) => {
      const pid = await runWaiting(machine, "long");
      const cgroup = read(`/proc/${pid}/cgroup`) ?? "";
      assert.match(cgroup, /rimrock\/.*[0-9a-f]{8}-/);
      await machine.sh("systemctl daemon-reload");
      assert.equal(read(`/proc/${pid}/cgroup`), cgroup);
    },
  },
  {
    rule: "after kill -9 systemd starts the agent again, and its tasks ran on",
    inBoot: 1,
    check: async (machine) => {
      await survives(machine, async () => machine.sh(`kill -9 ${await mainPid(machine)}`));
    },
  },
  {
    rule: "systemctl restart leaves the tasks running",
    inBoot: 1,
    check: async (machine) => {
      await survives(machine, () => machine.sh(`systemctl restart ${UNIT}`));
    },
  },
  {
    rule: "the install script run again upgrades: tasks run on, the configuration stays",
    inBoot: 1,
    check: async (machine) => {
      const config = read(CONFIG);
      machine.deploy();
      await survives(machine, async () => {
        assert.match(await machine.install(""), /agent.json stays as it is/);
      });
      assert.equal(read(CONFIG), config);
      assert.equal(read("/opt/rimrock/rimrock-agent.mjs"), read("/guest/rimrock-agent.mjs"));
    },
  },
  {
    rule: "an agent that was stopped for a while finds its tasks, and tells of those that ended",
    inBoot: 1,
    check: async (machine) => {
      const { sh, master, until } = machine;
      master.run("short", "sleep 3; exit 7");
      await until("it runs", () => statusOf(master, "short", "TASK_RUNNING"));
      await survives(machine, async () => {
        await sh(`systemctl stop ${UNIT}; sleep 4`);
        assert.equal(await sh(`systemctl is-active ${UNIT} || true`), "inactive\n");
        await sh(`systemctl start ${UNIT}`);
      });
      const ended = await until("its end", () => statusOf(master, "short", "TASK_FAILED"));
      assert.equal(ended.message, "Command exited with status 7");
    },
  },
  {
    rule: "after a reboot the agent comes back by itself and tells what ended its task",
    inBoot: 2,
    check: async (machine) => {
      const { master, until } = machine;
      await until("it registers", () => master.registrations[0]);
      const ended = await until("its end", () => statusOf(master, "long", "TASK_FAILED"));
      // As the machine went down, its init ended all that was left.
      assert.match(ended.message ?? "", /^Command terminated with signal (Terminated|Killed)/);
      countOn(master, 100);
      await runWaiting(machine, "cut");
    },
  },
  {
    rule: "after a power cut the agent starts from what is on its disk, and tells that its task is lost",
    inBoot: 3,
    check: async ({ master, until }) => {
      await until("it registers", () => master.registrations[0]);
      const ended = await until("its end", () => statusOf(master, "cut", "TASK_FAILED"));
      assert.equal(ended.reason, "REASON_EXECUTOR_TERMINATED");
      assert.match(ended.message ?? "", /machine was restarted/);
      assert.deepEqual(master.statesOf("long"), []);
      countOn(master, 200);
    },
  },
  {
    rule: "--uninstall ends the tasks, stops the agent and leaves the work directory alone",
    inBoot: 3,
    check: async (machine) => {
      const { master, sh } = machine;
      await runWaiting(machine, "last");
      const said = await machine.install("--uninstall");
      assert.equal(await sh("pgrep -x -f 'sleep 100003' || true"), "");
      assert.equal(master.statesOf("last").at(-1), "TASK_FAILED", said);
      assert.equal(master.registrations.length, 1);
      assert.match(await sh(`systemctl status ${UNIT} || true`), /could not be found/);
      for (const path of ["/opt/rimrock", "/etc/rimrock", "/usr/local/bin/rimrock-agent"]) {
        assert.equal(existsSync(path), false, path);
      }
      assert.equal(existsSync("/var/lib/rimrock-agent/meta"), true);
    },
  },
];
