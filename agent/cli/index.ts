/**
 * Every command, in the order in which the help shows them. A new one is one file and one line
 * here.
 */
import { agentDeactivate } from "./agent-deactivate.ts";
import { agentDrain } from "./agent-drain.ts";
import { agentGone } from "./agent-gone.ts";
import { agentList } from "./agent-list.ts";
import { agentReactivate } from "./agent-reactivate.ts";
import { audit } from "./audit.ts";
import type { Command } from "./command.ts";
import { demo } from "./demo.ts";
import { exec } from "./exec.ts";
import { filesCat } from "./files-cat.ts";
import { filesGet } from "./files-get.ts";
import { filesLs } from "./files-ls.ts";
import { frameworkList } from "./framework-list.ts";
import { help } from "./help.ts";
import { logs } from "./logs.ts";
import { maintenanceCancel } from "./maintenance-cancel.ts";
import { maintenanceSchedule } from "./maintenance-schedule.ts";
import { maintenanceStart } from "./maintenance-start.ts";
import { maintenanceStatus } from "./maintenance-status.ts";
import { maintenanceStop } from "./maintenance-stop.ts";
import { policySet } from "./policy-set.ts";
import { policyShow } from "./policy-show.ts";
import { quotaList } from "./quota-list.ts";
import { quotaRemove } from "./quota-remove.ts";
import { quotaSet } from "./quota-set.ts";
import { roleList } from "./role-list.ts";
import { rolePriority } from "./role-priority.ts";
import { run } from "./run.ts";
import { start } from "./start.ts";
import { taskList } from "./task-list.ts";
import { version } from "./version.ts";
import { weightList } from "./weight-list.ts";
import { weightSet } from "./weight-set.ts";
import { whatIf } from "./what-if.ts";
import { whyAgent } from "./why-agent.ts";
import { whyFramework } from "./why-framework.ts";
import { whyRole } from "./why-role.ts";
import { whyTask } from "./why-task.ts";

export const commands: readonly Command[] = [
  start,
  demo,
  run,
  agentList,
  agentDeactivate,
  agentDrain,
  agentReactivate,
  agentGone,
  taskList,
  logs,
  exec,
  filesLs,
  filesCat,
  filesGet,
  frameworkList,
  roleList,
  rolePriority,
  quotaList,
  quotaSet,
  quotaRemove,
  weightList,
  weightSet,
  policyShow,
  policySet,
  audit,
  whyFramework,
  whyRole,
  whyTask,
  whyAgent,
  whatIf,
  maintenanceStatus,
  maintenanceSchedule,
  maintenanceCancel,
  maintenanceStart,
  maintenanceStop,
  version,
  help,
];
