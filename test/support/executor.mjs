/**
 * A custom executor for tests, on the agent's executor API alone. It writes a line for each event
 * into the file `events` of its sandbox, tells RUNNING of each task, and ends those that are named
 * `finish`. It sends every message back, and goes on after its stream broke.
 */
import { randomBytes } from "node:crypto";
import { appendFileSync } from "node:fs";
import { setTimeout as sleep } from "node:timers/promises";

const env = process.env;
const url = `http://${env.MESOS_AGENT_ENDPOINT}/slave(1)/api/v1/executor`;
const token = env.TEST_TOKEN ?? env.MESOS_EXECUTOR_AUTHENTICATION_TOKEN;
const headers = {
  "Content-Type": "application/json",
  ...(token !== undefined && token !== "" && { Authorization: `Bearer ${token}` }),
};
const ids = {
  framework_id: { value: env.TEST_FRAMEWORK_ID ?? env.MESOS_FRAMEWORK_ID },
  executor_id: { value: env.TEST_EXECUTOR_ID ?? env.MESOS_EXECUTOR_ID },
};
/** Tasks and updates of which no acknowledgement was heard. */
const tasks = new Map();
const updates = new Map();

const note = (line) => appendFileSync("events", `${line}\n`);
const post = (call) =>
  fetch(url, { method: "POST", headers, body: JSON.stringify({ ...ids, ...call }) });

async function tell(taskId, state) {
  const uuid = randomBytes(16).toString("base64");
  const status = { task_id: { value: taskId }, state, uuid, source: "SOURCE_EXECUTOR" };
  updates.set(uuid, status);
  const answer = await post({ type: "UPDATE", update: { status } }).catch(() => undefined);
  if (answer !== undefined && answer.status !== 202) note(`refused ${answer.status}`);
}

async function launched(task) {
  const taskId = task.task_id.value;
  tasks.set(taskId, task);
  await tell(taskId, "TASK_RUNNING");
  if (task.name === "finish") await tell(taskId, "TASK_FINISHED");
}

async function take(event) {
  const taskId = (event.launch?.task ?? event.kill)?.task_id.value ?? "";
  note(`${event.type} ${taskId}`.trim());
  switch (event.type) {
    case "LAUNCH":
      return await launched(event.launch.task);
    case "LAUNCH_GROUP":
      for (const task of event.launch_group.task_group.tasks) await launched(task);
      return;
    case "KILL":
      return await tell(taskId, "TASK_KILLED");
    case "ACKNOWLEDGED":
      tasks.delete(event.acknowledged.task_id.value);
      updates.delete(event.acknowledged.uuid);
      return;
    case "MESSAGE":
      await post({ type: "MESSAGE", message: { data: event.message.data } });
      return;
    case "SHUTDOWN":
      process.exit(0);
  }
}

async function* records(body) {
  let text = Buffer.alloc(0);
  for await (const piece of body) {
    text = Buffer.concat([text, piece]);
    for (;;) {
      const end = text.indexOf("\n");
      const length = Number(text.subarray(0, end));
      if (end < 0 || text.length < end + 1 + length) break;
      yield JSON.parse(text.subarray(end + 1, end + 1 + length).toString());
      text = text.subarray(end + 1 + length);
    }
  }
}

note(`pid ${process.pid}`);
for (;;) {
  const subscribe = {
    unacknowledged_tasks: [...tasks.values()],
    unacknowledged_updates: [...updates.values()].map((status) => ({ status })),
  };
  const answer = await post({ type: "SUBSCRIBE", subscribe }).catch(() => undefined);
  if (answer?.status === 200) {
    try {
      for await (const event of records(answer.body)) await take(event);
    } catch {
      // The agent went away in the middle of a record.
    }
  } else if (answer !== undefined) {
    note(`refused ${answer.status} ${await answer.text()}`);
  }
  if (env.MESOS_CHECKPOINT !== "1") process.exit(1);
  await sleep(100);
}
