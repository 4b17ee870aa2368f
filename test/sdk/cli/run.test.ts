import { describe, expect, test } from "vitest";
import type * as mesos from "../../../worker/protocol/v1/mesos.ts";
import { outputPath } from "../../../worker/sdk/sandbox.ts";
import { anOffer } from "../fake-master.ts";
import { FakeCli } from "./fake-cli.ts";

const stdout = (taskId: string) => outputPath("F1", taskId, "stdout");
const stderr = (taskId: string) => outputPath("F1", taskId, "stderr");
const exited = (code: number) => ({ message: `Command exited with status ${code}` });

const launched = (cli: FakeCli): readonly mesos.TaskInfo[] =>
  cli.master
    .callsOf("ACCEPT")
    .flatMap((call) => call.accept?.operations ?? [])
    .flatMap((operation) => operation.launch?.task_infos ?? []);

/** A task's whole life, with its output. */
function live(cli: FakeCli, taskId: string, code: number, output = ""): void {
  cli.files.write(stdout(taskId), output);
  cli.files.write(stderr(taskId), "");
  cli.master.update(taskId, "TASK_STARTING");
  cli.master.update(taskId, "TASK_RUNNING");
  cli.master.update(taskId, code === 0 ? "TASK_FINISHED" : "TASK_FAILED", exited(code));
}

/**
 * Started, and offered one big agent. `exitCode` is wrapped, or awaiting this would wait for the
 * end.
 */
async function running(...argv: readonly string[]) {
  const cli = new FakeCli();
  const done = { exitCode: cli.run("run", ...argv) };
  await cli.master.until(() => cli.master.connected);
  cli.master.offer(anOffer("O1"));
  await cli.master.until(() => cli.master.callsOf("ACCEPT").length > 0);
  return { cli, done };
}

test("the task's output and exit code become the command's own, and the framework is torn down", async () => {
  const { cli, done } = await running("--cpus", "0.5", "--mem", "64", "--", "sh", "-c", "exit 3");
  expect(launched(cli)).toMatchObject([
    {
      name: "sh",
      task_id: { value: "sh" },
      agent_id: { value: "A1" },
      command: { shell: false, value: "sh", arguments: ["sh", "-c", "exit 3"] },
      resources: [
        { name: "cpus", scalar: { value: 0.5 } },
        { name: "mem", scalar: { value: 64 } },
      ],
    },
  ]);
  cli.files.write(stderr("sh"), "oh\n");
  live(cli, "sh", 3, "hi\n");
  expect(await done.exitCode).toBe(3);
  expect(cli.out).toBe("hi\n");
  expect(cli.err).toBe("oh\n");
  expect(cli.master.callsOf("TEARDOWN")).toHaveLength(1);
});

test("one word without -- is a line for the shell, and --env reaches the task", async () => {
  const { cli, done } = await running("--env", "A=1", "--env", "B=x=y", "echo $A; exit 0");
  expect(launched(cli)).toMatchObject([
    {
      name: "echo",
      command: {
        shell: true,
        value: "echo $A; exit 0",
        environment: {
          variables: [
            { name: "A", value: "1" },
            { name: "B", value: "x=y" },
          ],
        },
      },
    },
  ]);
  live(cli, "echo", 0);
  expect(await done.exitCode).toBe(0);
});

test("several instances prefix their lines, and the first exit code that is not 0 counts", async () => {
  const { cli, done } = await running("--instances", "3", "--name", "w", "--", "true");
  expect(launched(cli).map(({ name }) => name)).toEqual(["w-1", "w-2", "w-3"]);
  live(cli, "w-3", 5, "three\n");
  live(cli, "w-1", 0, "a\nb");
  live(cli, "w-2", 4, "");
  expect(await done.exitCode).toBe(4);
  expect(cli.out.split("\n").sort()).toEqual(["", "w-1 | a", "w-1 | b", "w-3 | three"]);
});

test("what is written after the terminal state was heard is still shown", async () => {
  const { cli, done } = await running("--", "true");
  live(cli, "true", 0, "early\n");
  cli.files.write(stdout("true"), "late\n");
  await done.exitCode;
  expect(cli.out).toBe("early\nlate\n");
});

test("--json prints one event a line, the exit code last", async () => {
  const { cli, done } = await running("--json", "--", "true");
  live(cli, "true", 0, "hi\n");
  await done.exitCode;
  const events = cli.out
    .trim()
    .split("\n")
    .map((line) => JSON.parse(line));
  expect(events).toContainEqual({ event: "OUTPUT", task: "true", stream: "stdout", text: "hi\n" });
  expect(events.filter(({ event }) => event === "STATE").map(({ state }) => state)).toEqual([
    "TASK_STARTING",
    "TASK_RUNNING",
    "TASK_FINISHED",
  ]);
  expect(events.at(-1)).toEqual({ event: "EXIT", exit_code: 0 });
});

test("offers that do not fit are declined, and after 2 s it is said why nothing runs", async () => {
  const cli = new FakeCli();
  const done = cli.run("run", "--cpus", "8", "--agent-attribute", "rack=r1", "--", "true");
  await cli.master.until(() => cli.master.connected);
  const rack = { name: "rack", type: "TEXT", text: { value: "r1" } } as const;
  cli.master.offer(
    anOffer("O1", { attributes: [rack] }),
    anOffer("O2", { agent_id: { value: "A2" } }),
  );
  await cli.master.until(() => cli.master.callsOf("DECLINE").length === 2);
  expect(cli.master.callsOf("DECLINE")).toMatchObject([
    { decline: { offer_ids: [{ value: "O1" }], filters: { refuse_seconds: 30 } } },
    { decline: { offer_ids: [{ value: "O2" }], filters: { refuse_seconds: 3_600 } } },
  ]);
  await new Promise((resolve) => setTimeout(resolve, 2_200));
  expect(cli.err).toBe(
    "rimrock: waiting for an offer: a1.test (A1) offers only 4 of 8 cpus; a1.test (A2) has no attribute rack\n",
  );
  cli.interrupt();
  expect(await done).toBe(130);
  expect(cli.master.callsOf("TEARDOWN")).toHaveLength(1);
});

test("once everything is launched, offers are suppressed and what still comes is declined", async () => {
  const { cli, done } = await running("--", "true");
  await cli.master.until(() => cli.master.callsOf("SUPPRESS").length === 1);
  cli.master.offer(anOffer("O2"));
  await cli.master.until(() => cli.master.callsOf("DECLINE").length === 1);
  live(cli, "true", 0);
  expect(await done.exitCode).toBe(0);
  expect(cli.master.callsOf("ACCEPT")).toHaveLength(1);
});

test("a task that was dropped before it ran is launched again; one that ran is not", async () => {
  const { cli, done } = await running("--", "true");
  cli.master.update("true", "TASK_DROPPED", { reason: "REASON_INVALID_OFFERS" });
  await cli.master.until(() => cli.master.callsOf("REVIVE").length === 1);
  cli.master.offer(anOffer("O2"));
  await cli.master.until(() => launched(cli).length === 2);
  expect(launched(cli)[1]?.task_id.value).toBe("true.2");
  // The first one turns up after all: two of them must not run.
  cli.master.update("true", "TASK_RUNNING");
  await cli.master.until(() => cli.master.callsOf("KILL").length === 1);
  expect(cli.master.callsOf("KILL")[0]).toMatchObject({ kill: { task_id: { value: "true" } } });
  cli.files.write(stdout("true.2"), "");
  cli.files.write(stderr("true.2"), "");
  cli.master.update("true.2", "TASK_RUNNING");
  cli.master.update("true.2", "TASK_GONE", { reason: "REASON_RECONCILIATION" });
  expect(await done.exitCode).toBe(125);
  expect(cli.err).toContain("true is TASK_GONE (REASON_RECONCILIATION)");
});

test("a launch that is always refused is given up", async () => {
  const { cli, done } = await running("--", "true");
  for (let launch = 1; launch < 5; launch++) {
    cli.master.update(launched(cli).at(-1)?.task_id.value ?? "", "TASK_DROPPED");
    await cli.master.until(() => cli.master.callsOf("REVIVE").length === launch);
    cli.master.offer(anOffer(`O${launch + 1}`));
    await cli.master.until(() => launched(cli).length === launch + 1);
  }
  cli.master.update("true.5", "TASK_DROPPED", { message: "no room" });
  expect(await done.exitCode).toBe(125);
  expect(cli.err).toContain("true is TASK_DROPPED (no room)");
});

describe("Ctrl-C", () => {
  test("kills the tasks and waits for their terminal state", async () => {
    const { cli, done } = await running("--instances", "2", "--name", "w", "--", "sleep", "9");
    for (const id of ["w-1", "w-2"]) {
      for (const path of [stdout(id), stderr(id)]) cli.files.write(path, "");
      cli.master.update(id, "TASK_RUNNING");
    }
    cli.interrupt();
    await cli.master.until(() => cli.master.callsOf("KILL").length === 2);
    expect(cli.master.callsOf("TEARDOWN")).toEqual([]);
    cli.files.write(stdout("w-1"), "bye\n");
    const message = "Command terminated with signal Terminated";
    for (const id of ["w-1", "w-2"]) cli.master.update(id, "TASK_KILLED", { message });
    expect(await done.exitCode).toBe(130);
    expect(cli.out).toBe("w-1 | bye\n");
    expect(cli.master.callsOf("TEARDOWN")).toHaveLength(1);
  });

  test("twice leaves at once, with tasks that do not end and a master that does not answer", async () => {
    const { cli, done } = await running("--", "sleep", "9");
    cli.master.update("sleep", "TASK_RUNNING");
    cli.interrupt();
    await cli.master.until(() => cli.master.callsOf("KILL").length === 1);
    cli.master.away = true;
    cli.master.cut();
    const startMs = Date.now();
    cli.interrupt();
    expect(await done.exitCode, cli.err).toBe(130);
    expect(Date.now() - startMs).toBeLessThan(1_500);
  });
});

test("--timeout kills what still runs and exits with 124", async () => {
  const { cli, done } = await running("--timeout", "0.1", "--", "sleep", "9");
  await cli.master.until(() => cli.master.callsOf("KILL").length === 1);
  cli.master.update("sleep", "TASK_KILLED", {
    message: "Command terminated with signal Terminated",
  });
  expect(await done.exitCode).toBe(124);
  expect(cli.err).toContain("killing the tasks: 0.1 s are over");
});

test("a master that is lost in the middle is told once, and the run goes on", async () => {
  const { cli, done } = await running("--", "true");
  cli.master.update("true", "TASK_RUNNING");
  cli.master.away = true;
  cli.master.cut();
  await new Promise((resolve) => setTimeout(resolve, 700));
  cli.master.away = false;
  await cli.master.until(() => cli.master.callsOf("RECONCILE").length === 1);
  expect(cli.master.callsOf("SUBSCRIBE")[1]?.framework_id).toEqual({ value: "F1" });
  live(cli, "true", 0, "hi\n");
  expect(await done.exitCode).toBe(0);
  expect(cli.out).toBe("hi\n");
  expect(cli.err.match(/lost the master/g)).toHaveLength(1);
  expect(cli.err).toContain("connected to http://master.test:5050 again");
});

test("without a master it ends at once with what to do", async () => {
  const cli = new FakeCli();
  cli.master.away = true;
  expect(await cli.run("run", "--", "true")).toBe(1);
  expect(cli.err).toBe(
    "rimrock: no answer from http://master.test:5050/api/v1/scheduler: ECONNREFUSED: " +
      "is it running? start one with: rimrock start\n",
  );
});

test.each([
  [["--env", "A", "--", "x"], '--env "A" is no pair: write --env NAME=VALUE'],
  [["--env", "=1", "--", "x"], '--env "=1" is no pair: write --env NAME=VALUE'],
  [["--agent-attribute", "rack", "--", "x"], '--agent-attribute "rack" is no pair'],
  [["--name", "a/b", "--", "x"], `--name "a/b" cannot be a task's name`],
  [["--name", "..", "--", "x"], `--name ".." cannot be a task's name`],
])("run %o is wrong usage", async (argv, message) => {
  const cli = new FakeCli();
  expect(await cli.run("run", ...argv)).toBe(2);
  expect(cli.err).toContain(message);
  expect(cli.master.calls).toEqual([]);
});
