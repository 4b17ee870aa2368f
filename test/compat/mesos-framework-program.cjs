// A framework on npm mesos-framework, unmodified: runs five tasks (one fails, one is killed), reconciles, tears down.
// Prints one JSON line for every event that the test looks at. Arguments: host, port.
const { Scheduler, Mesos } = require("mesos-framework");

const mesos = Mesos.getMesos();
const [host, port] = process.argv.slice(2);
const say = (event) => process.stdout.write(`${JSON.stringify(event)}\n`);

const task = (command) => ({
  priority: 1,
  instances: 1,
  commandInfo: new mesos.CommandInfo(null, null, true, command, null, null),
  resources: { cpus: 0.1, mem: 32, ports: 1, disk: 0 },
});

const scheduler = new Scheduler({
  masterUrl: host,
  port: Number(port),
  frameworkName: "compat",
  frameworkFailoverTimeout: 60,
  restartStates: [],
  logging: { path: process.env.LOG_FOLDER, fileName: "mesos-framework.log", level: "error" },
  tasks: {
    "ok-one": task("echo one"),
    "ok-two": task("sleep 0.2"),
    "ok-three": task('test -n "$HOST"'),
    fails: task("exit 3"),
    killed: task("sleep 600"),
  },
});

const TERMINAL = ["TASK_FINISHED", "TASK_FAILED", "TASK_KILLED", "TASK_LOST", "TASK_ERROR"];
const states = new Map();
let reconciled = false;

scheduler.on("subscribed", ({ frameworkId, mesosStreamId }) => {
  say({ event: "subscribed", frameworkId, mesosStreamId });
});
scheduler.on("error", ({ message }) => say({ event: "error", message }));
scheduler.on("update", ({ status }) => {
  const id = status.task_id.value;
  const { state, reason, message } = status;
  say({ event: "update", id, state, reason, message, acknowledged: status.uuid !== undefined });
  if (reason === "REASON_RECONCILIATION") {
    reconciled = true;
    say({ event: "killing", id });
    scheduler.kill(id, status.agent_id.value);
    return;
  }
  states.set(id, state);
  // The one that sleeps is asked about before it is killed.
  if (state === "TASK_RUNNING" && id.includes(".killed-")) {
    scheduler.reconcile(id, status.agent_id.value);
  }
  const ended = [...states.values()].filter((each) => TERMINAL.includes(each)).length;
  if (ended < 5 || !reconciled) return;
  say({ event: "teardown" });
  scheduler.teardown();
});
scheduler.on("sent_teardown", () => {
  say({ event: "torn-down" });
  setTimeout(() => process.exit(0), 200);
});
scheduler.on("ready", () => scheduler.subscribe());
