/** Which task a word means, and where its files are. */
import { describe, expect, test } from "vitest";
import { containerOf, pickTask, sandboxOf } from "../../../agent/cli/task-place.ts";
import type * as mesos from "../../../worker/protocol/v1/mesos.ts";

function task(id: string, over: Partial<mesos.Task> = {}): mesos.Task {
  return {
    name: `name of ${id}`,
    task_id: { value: id },
    framework_id: { value: "F1" },
    agent_id: { value: "A1" },
    state: "TASK_RUNNING",
    resources: [],
    ...over,
  };
}

const picked = (tasks: readonly mesos.Task[], word: string): string => {
  const found = pickTask(tasks, word);
  return found.ok ? `${found.value.task_id.value} ${found.value.state}` : found.error;
};

describe("a word means", () => {
  const tasks = [task("web-1"), task("web-2", { name: "web" }), task("db", { name: "web-1" })];

  test("an id before a name, a name before the beginning of an id", () => {
    expect(picked(tasks, "web-1")).toBe("web-1 TASK_RUNNING");
    expect(picked(tasks, "web")).toBe("web-2 TASK_RUNNING");
    expect(picked(tasks, "d")).toBe("db TASK_RUNNING");
  });

  test("nothing, when several are meant: they are listed", () => {
    expect(picked(tasks, "we")).toBe(
      '"we" may be one of 2 tasks: web-1 (TASK_RUNNING, framework F1), ' +
        "web-2 (TASK_RUNNING, framework F1)",
    );
    const many = Array.from({ length: 15 }, (_, at) => task(`job-${at}`));
    expect(picked(many, "job")).toMatch(/one of 15 tasks: .*, and 5 more$/);
  });

  test("the one of several that lives", () => {
    const over = { state: "TASK_FINISHED" } as const;
    expect(picked([task("a-1", over), task("a-2"), task("a-3", over)], "a-")).toBe(
      "a-2 TASK_RUNNING",
    );
  });

  test("of one id the newest, also when all are over", () => {
    const failed = task("t", { state: "TASK_FAILED" });
    expect(picked([task("t", { state: "TASK_FINISHED" }), failed], "t")).toBe("t TASK_FAILED");
    expect(picked([failed, task("t")], "t")).toBe("t TASK_RUNNING");
    expect(picked([task("t"), task("t", { framework_id: { value: "F2" } })], "t")).toContain("F2");
  });

  test("nobody: then the nearest is named", () => {
    expect(picked(tasks, "wbe-1")).toBe('there is no task "wbe-1": did you mean "web-1"?');
    expect(picked([], "x")).toBe('there is no task "x": see: rimrock task list --all');
  });
});

describe("a sandbox is found", () => {
  const status = (container_id: mesos.ContainerID): mesos.TaskStatus => ({
    task_id: { value: "t" },
    state: "TASK_RUNNING",
    container_status: { container_id },
  });

  test("by the container that the newest status names", () => {
    const run = task("t", { statuses: [status({ value: "c0" }), status({ value: "c1" })] });
    expect(sandboxOf(run)).toBe("/frameworks/F1/executors/t/runs/c1");
    expect(containerOf(run)).toEqual({ value: "c1" });
  });

  test("in its executor's, for a task of a group", () => {
    const nested = status({ value: "c", parent: { value: "p" } });
    const run = task("t", { executor_id: { value: "e" }, statuses: [nested] });
    expect(sandboxOf(run)).toBe("/frameworks/F1/executors/e/runs/p/containers/c");
  });

  test("as the latest one, when no status names any", () => {
    expect(sandboxOf(task("t", { executor_id: { value: "" } }))).toBe(
      "/frameworks/F1/executors/t/runs/latest",
    );
  });
});
