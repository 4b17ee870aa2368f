/**
 * `npm run installed`: the agent installed under a real systemd, rebooted and taken away again, in
 * a virtual machine. It takes some minutes, so it is no part of `npm test`. Needs QEMU, cpio and
 * busybox as the tests do, and Debian's mmdebstrap.
 */
import { runMachine } from "./machine.ts";
import { rules } from "./rules.ts";

const TIMEOUT_MS = 900_000;

const timer = setTimeout(() => {
  process.stderr.write(`the machine is not done after ${TIMEOUT_MS / 60_000} minutes\n`);
  process.exit(1);
}, TIMEOUT_MS);
const failures = new Map<string, string>();
await runMachine((line) => {
  const [, json] = /^CHECK (\{.*\})$/.exec(line) ?? [];
  if (json === undefined) return void process.stdout.write(`    ${line}\n`);
  // Printed by guest.ts.
  const { rule, failure, ms } = JSON.parse(json) as { rule: string; failure: string; ms: number };
  failures.set(rule, failure);
  process.stdout.write(`${failure === "" ? "ok    " : "FAILED"} ${rule} (${ms} ms)\n`);
  if (failure !== "") process.stdout.write(`${failure}\n`);
});
clearTimeout(timer);
const untried = rules.filter(({ rule }) => !failures.has(rule));
for (const { rule } of untried) process.stdout.write(`UNTRIED ${rule}\n`);
const bad = [...failures.values()].filter((failure) => failure !== "").length + untried.length;
process.stdout.write(`${rules.length - bad} of ${rules.length} rules hold\n`);
process.exitCode = bad === 0 ? 0 : 1;
