import { version as packageVersion } from "../../package.json";
import { SchedulerError } from "../../worker/sdk/error.ts";
import { Operator } from "../../worker/sdk/operator.ts";
import { defineCommand } from "./command.ts";

/** A master that takes longer for this is as good as away. */
const MASTER_TIMEOUT_MS = 3_000;

export const version = defineCommand({
  name: "version",
  summary: "Show the version of this command and of the cluster's master",
  flags: {},
  operands: { kind: "none" },
  examples: ["rimrock version", "rimrock version --json"],
  run: async (_values, { terminal, json, master, transport }) => {
    const masterVersion = await versionOfMaster(
      new Operator({ master: master.url, transport, callTimeoutMs: MASTER_TIMEOUT_MS }),
    );
    const all = {
      rimrock: packageVersion,
      node: process.versions.node,
      master_url: master.url,
      master: masterVersion ?? null,
    };
    if (json) terminal.out(`${JSON.stringify(all, null, 2)}\n`);
    else {
      const said = masterVersion ?? "not reachable";
      terminal.out(`rimrock ${packageVersion} (Node ${all.node})\nmaster ${master.url}: ${said}\n`);
    }
    return 0;
  },
});

/** Undefined when there is no answer: this command is also for finding out why. */
async function versionOfMaster(operator: Operator): Promise<string | undefined> {
  try {
    const { get_version } = await operator.ask({ type: "GET_VERSION" });
    return get_version?.version_info.version;
  } catch (error) {
    if (SchedulerError.is(error)) return undefined;
    throw error;
  }
}
