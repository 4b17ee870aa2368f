/** What has happened since this process began: the counters among the metrics. */
import type * as mesos from "../../worker/protocol/v1/mesos.ts";
import { Distribution } from "../../worker/std/distribution.ts";
import type { Change } from "../../worker/std/table.ts";
import type { ImagePuller } from "../containerizer/containerizer.ts";
import type { ExecutorRow, RunRow, UpdateRow } from "../core/rows.ts";
import { decodeStored } from "../core/stored.ts";

export type TaskEnd = "finished" | "failed" | "killed" | "lost" | "gone";

const endOf: { readonly [S in mesos.TaskState]?: TaskEnd } = {
  TASK_FINISHED: "finished",
  TASK_FAILED: "failed",
  TASK_ERROR: "failed",
  TASK_KILLED: "killed",
  TASK_LOST: "lost",
  TASK_DROPPED: "lost",
  TASK_GONE: "gone",
  TASK_GONE_BY_OPERATOR: "gone",
};

/** As in Mesos. */
const PULLS_WINDOW_MS = 3_600_000;

export class Counters {
  readonly taskEnds: Record<TaskEnd, number> = {
    finished: 0,
    failed: 0,
    killed: 0,
    lost: 0,
    gone: 0,
  };
  statusUpdates = 0;
  executorsTerminated = 0;
  launchErrors = 0;
  fetchesSucceeded = 0;
  fetchesFailed = 0;
  /** By who pulled it: how long each image took, in ms. */
  readonly imagePulls: { readonly [P in ImagePuller]: Distribution } = {
    DOCKER: new Distribution({ windowMs: PULLS_WINDOW_MS }),
    MESOS: new Distribution({ windowMs: PULLS_WINDOW_MS }),
  };
  /** Undefined while the agent looks for what its last process left. */
  recoverySeconds: number | undefined;

  count(changes: readonly Change[]): void {
    for (const { table, before, after } of changes) {
      // The row of a table is one of that table's rows.
      if (table === "update" && before === undefined) this.#update(after as UpdateRow);
      if (table === "run") this.#run(before as RunRow | undefined, after as RunRow | undefined);
      if (table === "executor" && (after as ExecutorRow | undefined)?.stage === "EXITED") {
        this.executorsTerminated++;
      }
    }
  }

  #update({ state, status }: UpdateRow): void {
    this.statusUpdates++;
    const end = endOf[state];
    if (end === undefined) return;
    this.taskEnds[end]++;
    const { reason } = decodeStored("mesos.v1.TaskStatus", status);
    if (reason === "REASON_CONTAINER_LAUNCH_FAILED") this.launchErrors++;
  }

  #run(before: RunRow | undefined, after: RunRow | undefined): void {
    const [was, is] = [before?.stage.state, after?.stage.state];
    // A task without anything to fetch counts as fetched.
    if (is === "LAUNCHING" && was !== "LAUNCHING") this.fetchesSucceeded++;
    if (was === "FETCHING" && is === "ENDED") this.fetchesFailed++;
    // The executor of a command task ends with it.
    const ended = is === "ENDED" || (is === undefined && was !== "ENDED");
    if (ended && was !== undefined && before?.parentId === undefined) this.executorsTerminated++;
  }
}
