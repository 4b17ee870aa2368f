/** `TASK PATH` or `AGENT PATH`: which file of which agent is meant. */
import { posix } from "node:path";
import { SchedulerError } from "../../worker/sdk/error.ts";
import type { Operator } from "../../worker/sdk/operator.ts";
import { nearest } from "../../worker/std/nearest.ts";
import { err, ok, type Result } from "../../worker/std/result.ts";
import { agentIdOf } from "./agent-name.ts";
import { printable } from "./printable.ts";
import { findTask, sandboxOf } from "./task-place.ts";

export interface FilePlace {
  readonly agentId: string;
  /** As the agent knows it. */
  readonly path: string;
  /** What stands before what the user named; empty when that is the whole. */
  readonly root: string;
}

/** The path of an agent begins with a slash, and is what its API shows. The error is a sentence. */
export async function findFile(
  operator: Operator,
  words: readonly string[],
  command: string,
): Promise<Result<FilePlace, string>> {
  const [word, path = "", extra] = words;
  if (word === undefined) return err(`of which task? ${command} TASK PATH`);
  if (extra !== undefined) return err(`"${extra}" is one word too many: ${command} TASK PATH`);
  if (path.startsWith("/")) {
    const agentId = await agentIdOf(operator, word);
    return ok({ agentId, path: trimmed(path), root: "" });
  }
  const task = await findTask(operator, word);
  if (!task.ok) return task;
  const inside = posix.normalize(path === "" ? "." : path);
  if (inside === ".." || inside.startsWith("../")) {
    return err(`"${path}" leads out of the task's sandbox; name something in it`);
  }
  const root = sandboxOf(task.value);
  return ok({
    agentId: task.value.agent_id.value,
    path: inside === "." ? root : trimmed(`${root}/${inside}`),
    root: `${root}/`,
  });
}

/** A missing file as a sentence that says what is there instead; any other error as it is. */
export async function explained(
  operator: Operator,
  { agentId, path }: FilePlace,
  error: unknown,
): Promise<unknown> {
  if (!SchedulerError.is(error) || error.code !== "NOT_FOUND") return error;
  const [folder, name] = [posix.dirname(path), posix.basename(path)];
  const call = { type: "LIST_FILES", list_files: { path: folder } } as const;
  const listed = await operator.askAgent(agentId, call).catch(() => undefined);
  const files = listed?.list_files?.file_infos;
  if (files === undefined) {
    return new Error(`there is no folder ${printable(folder)} on agent ${agentId}`);
  }
  const near = nearest(
    name,
    files.map((file) => posix.basename(file.path)).filter((other) => other !== name),
  );
  const hint = near === undefined ? "rimrock files ls shows what is" : `did you mean "${near}"?`;
  const missing = `"${name}" is not in ${folder} on agent ${agentId}, or leads out of it`;
  return new Error(printable(`${missing}: ${hint}`));
}

function trimmed(path: string): string {
  return path.length > 1 ? path.replace(/\/+$/, "") : path;
}
