/**
 * Every command, in the order in which the help shows them. A new one is one file and one line
 * here.
 */
import { agentList } from "./agent-list.ts";
import type { Command } from "./command.ts";
import { demo } from "./demo.ts";
import { frameworkList } from "./framework-list.ts";
import { help } from "./help.ts";
import { run } from "./run.ts";
import { start } from "./start.ts";
import { taskList } from "./task-list.ts";
import { version } from "./version.ts";

export const commands: readonly Command[] = [
  start,
  demo,
  run,
  agentList,
  taskList,
  frameworkList,
  version,
  help,
];
