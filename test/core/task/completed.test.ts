import { expect, test } from "vitest";
import { COMPLETED_TASKS_PER_FRAMEWORK_MAX } from "../../../worker/core/constants.ts";
import { createState, type MasterState } from "../../../worker/core/state.ts";
import {
  completedTasks,
  forgetCompleted,
  keepCompleted,
  ringOf,
} from "../../../worker/core/task/completed.ts";
import { Disk } from "../../support/disk.ts";

const ring = ringOf(100);

/** A state, and its texts on a disk that outlives it. */
class Ring {
  readonly disk = new Disk();
  state: MasterState = createState({ cold: this.disk.cold });
  #completed = 0;

  complete(count: number): void {
    for (let at = 0; at < count; at++) {
      const value = `t${this.#completed++}`;
      keepCompleted(this.state, ring, {
        name: value,
        task_id: { value },
        framework_id: { value: "f" },
        agent_id: { value: "a" },
        state: "TASK_FINISHED",
        resources: [],
      });
      this.write();
    }
  }

  write(): void {
    const coldChanges = this.state.cold.takeChanges();
    this.disk.write({ changes: [], coldChanges, effects: [] });
  }

  restart(): void {
    this.state = createState({ cold: this.disk.cold });
  }

  names(): readonly string[] {
    return [...completedTasks(this.state.cold, ring)].map(({ task }) => task.name);
  }
}

test("completed tasks come in the order of their completion", () => {
  const tasks = new Ring();
  tasks.complete(40);
  expect(tasks.names()).toEqual(Array.from({ length: 40 }, (_, at) => `t${at}`));
});

test.each([
  0,
  1,
  COMPLETED_TASKS_PER_FRAMEWORK_MAX - 1,
  COMPLETED_TASKS_PER_FRAMEWORK_MAX,
  COMPLETED_TASKS_PER_FRAMEWORK_MAX + 1,
  2 * COMPLETED_TASKS_PER_FRAMEWORK_MAX,
  2 * COMPLETED_TASKS_PER_FRAMEWORK_MAX + 437,
])("after %i tasks a restart goes on where they ended, and the newest are kept", (count) => {
  const tasks = new Ring();
  tasks.complete(count);
  tasks.restart();
  tasks.complete(1);
  const first = Math.max(0, count + 1 - COMPLETED_TASKS_PER_FRAMEWORK_MAX);
  const names = tasks.names();
  expect([names.length, names[0], names.at(-1)]).toEqual([
    count + 1 - first,
    `t${first}`,
    `t${count}`,
  ]);
});

test("what is forgotten leaves the disk, and nothing else does", () => {
  const tasks = new Ring();
  tasks.complete(3);
  tasks.state.cold.put("completedTask", ring + COMPLETED_TASKS_PER_FRAMEWORK_MAX, "0 another's");
  tasks.write();
  forgetCompleted(tasks.state, ring);
  tasks.write();
  expect(tasks.names()).toEqual([]);
  expect([...tasks.disk.cold.range("completedTask", 0, ring * 2)]).toEqual([
    [ring + COMPLETED_TASKS_PER_FRAMEWORK_MAX, "0 another's"],
  ]);
});
