/**
 * Runs in the virtual machine, started by its systemd after each boot: the agent is installed as
 * the README says, and systemd does to it what it does to a service. One line for each rule.
 */
import { execFile } from "node:child_process";
import { createHash } from "node:crypto";
import { appendFileSync, existsSync, readFileSync, writeFileSync } from "node:fs";
import { createServer, type IncomingMessage, request, type ServerResponse } from "node:http";
import { setTimeout as sleep } from "node:timers/promises";
import { installScript } from "../../../worker/http/install-script.ts";
import { FakeMaster } from "../shell/fake-master.ts";
import { rules } from "./rules.ts";

/** Counts boots. */
const BOOTS = "/guest/boots";
const AGENT = "/guest/rimrock-agent.mjs";
const PORT = 8_080;
/** An emulated machine is slow. */
const PATIENCE_MS = 90_000;
/** Agents write to the disk within a second what only the machine's end could take from them. */
const SETTLED_MS = 2_000;

export interface Machine {
  readonly master: FakeMaster;
  /** What a shell says, both streams; throws with it when it fails. */
  readonly sh: (command: string) => Promise<string>;
  /** `curl | sh -s -- ...` */
  readonly install: (options: string) => Promise<string>;
  /** Another version is deployed. */
  readonly deploy: () => void;
  readonly until: <T>(what: string, find: () => T | undefined) => Promise<T>;
}

const boot = existsSync(BOOTS) ? Number(readFileSync(BOOTS, "utf8")) + 1 : 1;
writeFileSync(BOOTS, String(boot));
const master = await new FakeMaster().start();
await serve(PORT, master);

const machine: Machine = {
  master,
  sh,
  install: (options) => sh(`curl -fsSL ${urlOf(PORT)}/agent/install | sh -s -- ${options}`),
  deploy: () => appendFileSync(AGENT, `// ${Date.now()}\n`),
  until: (what, find) => master.until(what, find, PATIENCE_MS),
};
for (const { rule, inBoot, check } of rules) {
  if (inBoot !== boot) continue;
  const startMs = performance.now();
  let failure = "";
  try {
    await check(machine);
  } catch (cause) {
    failure = cause instanceof Error ? (cause.stack ?? cause.message) : String(cause);
    failure += `\n${await sh("journalctl -o cat -n 20 -u rimrock-agent.service || true")}`;
  }
  const ms = Math.round(performance.now() - startMs);
  console.log(`CHECK ${JSON.stringify({ rule, failure, ms })}`);
}
console.log(`BOOT ${boot} DONE`);
if (boot === 1) {
  await sh("systemctl reboot");
} else {
  // The agent has said that it was on disk; nobody else writes to it for us.
  await sleep(SETTLED_MS);
  writeFileSync("/proc/sysrq-trigger", boot === 2 ? "b" : "o");
}
await sleep(PATIENCE_MS);

/** Not synchronous: what it runs may ask this very process for something. */
function sh(command: string): Promise<string> {
  return new Promise((resolve, reject) => {
    execFile("sh", ["-c", `exec 2>&1; ${command}`], (failure, said) => {
      if (failure === null) resolve(said);
      else reject(new Error(`${command}: ${said}`));
    });
  });
}

function urlOf(port: number): string {
  return `http://127.0.0.1:${port}/c/test`;
}

/** The control plane, as far as an installed agent sees it. */
function serve(port: number, { url }: FakeMaster): Promise<void> {
  const server = createServer((incoming, response) => {
    if (incoming.url?.endsWith("/agent/install")) {
      const digest = createHash("sha256").update(readFileSync(AGENT)).digest("hex");
      response.end(installScript({ controlPlane: urlOf(port), digest }));
    } else if (incoming.url?.endsWith("/agent/rimrock-agent.mjs")) {
      response.end(readFileSync(AGENT));
    } else if (incoming.url?.endsWith("/health")) {
      response.end();
    } else {
      passOn(new URL(url), incoming, response);
    }
  });
  return new Promise((resolve) => server.listen(port, "127.0.0.1", resolve));
}

function passOn({ port }: URL, incoming: IncomingMessage, response: ServerResponse): void {
  const { method, headers, url: path } = incoming;
  const outgoing = request({ port, host: "127.0.0.1", method, headers, path }, (answer) => {
    response.writeHead(answer.statusCode ?? 502, answer.headers);
    answer.pipe(response);
  });
  outgoing.on("error", () => response.destroy());
  response.on("close", () => outgoing.destroy());
  incoming.pipe(outgoing);
}
