/** The agent's tasks, executors and frameworks as messages: GET_STATE and its parts. */
import type * as agent from "../../worker/protocol/v1/agent.ts";
import type * as mesos from "../../worker/protocol/v1/mesos.ts";
import { taskWithHistory } from "../core/task.ts";
import type { ShownFramework, TaskStage } from "./executors.ts";

export function getState(frameworks: readonly ShownFramework[]): agent.ResponseGetState {
  return {
    get_tasks: getTasks(frameworks),
    get_executors: getExecutors(frameworks),
    get_frameworks: getFrameworks(frameworks),
  };
}

export function getTasks(frameworks: readonly ShownFramework[]): agent.ResponseGetTasks {
  const tasks = frameworks.flatMap(({ executors }) => executors.flatMap((each) => each.tasks));
  const of = (stage: TaskStage): readonly mesos.Task[] =>
    tasks
      .filter((task) => task.stage === stage)
      .map(({ run, pending }) => taskWithHistory(run, pending));
  return {
    // Nothing is asked of anybody before a task is queued, so none is pending.
    pending_tasks: [],
    queued_tasks: of("QUEUED"),
    launched_tasks: of("LAUNCHED"),
    terminated_tasks: of("TERMINATED"),
    completed_tasks: of("COMPLETED"),
  };
}

export function getExecutors(frameworks: readonly ShownFramework[]): agent.ResponseGetExecutors {
  const executors = frameworks.flatMap((framework) => framework.executors);
  const infos = (isCompleted: boolean): readonly agent.ResponseGetExecutorsExecutor[] =>
    executors
      .filter((executor) => executor.isCompleted === isCompleted)
      .map(({ info }) => ({ executor_info: info }));
  return { executors: infos(false), completed_executors: infos(true) };
}

export function getFrameworks(frameworks: readonly ShownFramework[]): agent.ResponseGetFrameworks {
  const infos = (isCompleted: boolean): readonly agent.ResponseGetFrameworksFramework[] =>
    frameworks
      .filter((framework) => framework.isCompleted === isCompleted)
      .map(({ info }) => ({ framework_info: info }));
  return { frameworks: infos(false), completed_frameworks: infos(true) };
}
