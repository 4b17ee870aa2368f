/** `rimrock-agent check`: all checks of the table, a line each, and what to do about the rest. */
import type { Check, CheckContext, Finding } from "./check.ts";
import { containerizerChecks } from "./containerizers.ts";
import { imagesCheck } from "./images.ts";
import { isolationCheck } from "./isolation.ts";
import { cgroupsCheck, gpusCheck, namespacesCheck } from "./kernel.ts";
import { linkCheck } from "./link.ts";
import {
  accountCheck,
  nodeCheck,
  optionsCheck,
  programsCheck,
  workDirectoryCheck,
} from "./machine.ts";
import { seccompCheck } from "./seccomp.ts";

/** Adding one: a line here. */
export const checks: readonly Check[] = [
  optionsCheck,
  nodeCheck,
  accountCheck,
  workDirectoryCheck,
  programsCheck,
  cgroupsCheck,
  namespacesCheck,
  seccompCheck,
  gpusCheck,
  ...containerizerChecks,
  isolationCheck,
  imagesCheck,
  linkCheck,
];

const MARKS: { readonly [S in Finding["state"]]: string } = {
  OK: "ok     ",
  LACKING: "lacking",
  FAILED: "FAILED ",
};

/** The exit code: 1 when the agent could not run as it is configured. */
export async function runChecks(context: CheckContext): Promise<number> {
  const width = Math.max(...checks.map(({ title }) => title.length));
  const findings: Finding[] = [];
  for (const { title, run } of checks) {
    const finding = await guarded(run, context);
    findings.push(finding);
    const line = context.config.jsonLog
      ? JSON.stringify({ check: title, ...finding })
      : `${MARKS[finding.state]}  ${title.padEnd(width)}  ${sentence(finding)}`;
    process.stdout.write(`${line}\n`);
  }
  return findings.some(({ state }) => state === "FAILED") ? 1 : 0;
}

function sentence(finding: Finding): string {
  if (finding.state === "OK" || finding.advice === undefined) return finding.detail;
  return `${finding.detail}; ${finding.advice}`;
}

/** A check that cannot be made says so, and the others go on. */
async function guarded(run: Check["run"], context: CheckContext): Promise<Finding> {
  try {
    return await run(context);
  } catch (cause) {
    const why = cause instanceof Error ? cause.message : String(cause);
    return { state: "LACKING", detail: `it cannot be found out: ${why}` };
  }
}
