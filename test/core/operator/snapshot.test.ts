import { describe, expect, test } from "vitest";
import { documents } from "../../../worker/core/operator/documents/index.ts";
import { operatorCalls } from "../../../worker/core/operator/index.ts";
import { takeSnapshot } from "../../../worker/core/operator/snapshot.ts";
import type { MasterState } from "../../../worker/core/state.ts";
import type { FrameworkId } from "../../../worker/protocol/ids.ts";
import { jsonPieces } from "../../../worker/protocol/wire/long-message.ts";
import { assert } from "../../../worker/std/assert.ts";
import { RecordedCluster } from "./recorded-cluster.ts";

/** Some tasks are running, some have ended, and one framework is completed. */
function livelyCluster(): { readonly cluster: RecordedCluster; readonly id: FrameworkId } {
  const cluster = new RecordedCluster();
  cluster.registerAgent();
  const gone = cluster.subscribe("gone");
  cluster.run(gone, "last");
  cluster.call(gone, { type: "TEARDOWN" });
  const id = cluster.subscribe("here");
  for (const task of ["a", "b", "c", "d", "e"]) cluster.run(id, task);
  for (const task of ["a", "b"]) cluster.update(id, task, "TASK_FINISHED");
  return { cluster, id };
}

/** The pieces of everything that is read in slices, begun now. */
const reads: readonly (readonly [string, (state: MasterState) => Iterable<string>])[] = [
  ...(["/state", "/state-summary", "/slaves", "/frameworks", "/tasks"] as const).map(
    (path) =>
      [
        path,
        (state: MasterState) => {
          const document = documents[path](state, { limit: "-1" }, 0);
          assert(typeof document !== "string", `${path} may be long`);
          return document.pieces;
        },
      ] as const,
  ),
  ...(["GET_STATE", "GET_TASKS", "GET_AGENTS", "GET_FRAMEWORKS", "GET_EXECUTORS"] as const).map(
    (type) =>
      [
        type,
        (state: MasterState) => {
          const served = operatorCalls[type];
          assert(served.kind === "LONG_READ", `${type} is a long read`);
          return jsonPieces(served.read(takeSnapshot(state), { type }));
        },
      ] as const,
  ),
];

/** Everything that a read could notice. */
const changes: readonly ((cluster: RecordedCluster, id: FrameworkId) => void)[] = [
  (cluster, id) => cluster.update(id, "c", "TASK_FINISHED"),
  (cluster) => cluster.registerAgent({ hostname: "renamed" }),
  (cluster) => cluster.subscribe("new"),
  (cluster, id) => cluster.update(id, "d", "TASK_FAILED"),
  (cluster) => cluster.loseAgent(),
  (cluster, id) => cluster.call(id, { type: "TEARDOWN" }),
];

describe("what changes while it is read is not seen by", () => {
  test.each(reads)("%s, wherever it has come to", (_name, begin) => {
    const { cluster } = livelyCluster();
    const whole = [...begin(cluster.host.state)];
    for (let pause = 0; pause < whole.length; pause += 9) {
      const { cluster: changing, id } = livelyCluster();
      const pieces = begin(changing.host.state)[Symbol.iterator]();
      let text = "";
      for (let at = 0; at < pause; at++) text += pieces.next().value ?? "";
      for (const change of changes) {
        change(changing, id);
        text += pieces.next().value ?? "";
      }
      for (let next = pieces.next(); next.done !== true; next = pieces.next()) text += next.value;
      expect(text).toBe(whole.join(""));
    }
  });
});
