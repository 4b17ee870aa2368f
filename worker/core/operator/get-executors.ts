import { executorWithoutSecrets } from "../../protocol/secrets.ts";
import type * as mesos from "../../protocol/v1/mesos.ts";
import { type LongMessage, longMessage } from "../../protocol/wire/long-message.ts";
import type { ExecutorRow } from "../rows.ts";
import { decodeStored } from "../stored.ts";
import type { Snapshot } from "./snapshot.ts";

/** Custom executors and those of task groups: a command task's one is the agent's own affair. */
export function getExecutors(
  snapshot: Snapshot,
): LongMessage<"mesos.v1.master.Response.GetExecutors"> {
  return longMessage("mesos.v1.master.Response.GetExecutors", (of) => [
    of.list("executors", function* () {
      for (const row of snapshot.executors) {
        yield { executor_info: executorInfo(row), agent_id: { value: row.agentId } };
      }
    }),
  ]);
}

/** As it is shown: without secrets. */
export function executorInfo({ info }: ExecutorRow): mesos.ExecutorInfo {
  return executorWithoutSecrets(decodeStored("mesos.v1.ExecutorInfo", info));
}
