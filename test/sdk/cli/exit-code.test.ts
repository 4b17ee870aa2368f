import { expect, test } from "vitest";
import { commandExitCode, exitCodeOf } from "../../../agent/cli/exit-code.ts";
import type { TaskState } from "../../../worker/protocol/v1/mesos.ts";

test.each([
  ["Command exited with status 0", 0],
  ["Command exited with status 3", 3],
  ["Command exited with status 255", 255],
  ["Command terminated with signal Killed", 137],
  ["Command terminated with signal Terminated", 143],
  ["Command terminated with signal Segmentation fault", 139],
  ["Command terminated with signal Segmentation fault (core dumped)", 139],
  ["Command terminated with signal SIGINT", 130],
  ["Command terminated with signal SIGKILL", 137],
  ["Command terminated with signal 9", 137],
  ["Command terminated with signal Nonsense", undefined],
  ["Failed to launch container: exited early", undefined],
  ["", undefined],
])("'%s' is exit code %s", (message, code) => {
  expect(commandExitCode(message)).toBe(code);
});

test.each<[TaskState, string | undefined, number]>([
  ["TASK_FINISHED", "Command exited with status 0", 0],
  ["TASK_FINISHED", undefined, 0],
  ["TASK_FAILED", "Command exited with status 3", 3],
  ["TASK_FAILED", "Memory limit exceeded", 125],
  ["TASK_FAILED", undefined, 125],
  ["TASK_KILLED", "Command terminated with signal Terminated", 143],
  ["TASK_KILLED", "Command exited with status 0", 125],
  ["TASK_KILLED", undefined, 125],
  ["TASK_ERROR", "Task uses more resources than offered", 125],
  ["TASK_LOST", undefined, 125],
  ["TASK_GONE", undefined, 125],
  ["TASK_DROPPED", undefined, 125],
])("%s with '%s' makes rimrock run exit with %i", (state, message, code) => {
  expect(exitCodeOf({ task_id: { value: "t" }, state, ...(message && { message }) })).toBe(code);
});
