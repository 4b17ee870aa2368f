/**
 * What is shown of messages that carry secrets: everything but the secrets. A framework hands them
 * to its task; nobody who may look at a cluster has a right to them.
 */
import type * as mesos from "./v1/mesos.ts";

export function commandWithoutSecrets(command: mesos.CommandInfo): mesos.CommandInfo {
  const { environment } = command;
  if (environment?.variables === undefined) return command;
  const variables = environment.variables.map(withoutSecret);
  return { ...command, environment: { ...environment, variables } };
}

export function executorWithoutSecrets(executor: mesos.ExecutorInfo): mesos.ExecutorInfo {
  const { command } = executor;
  if (command === undefined) return executor;
  return { ...executor, command: commandWithoutSecrets(command) };
}

export function healthCheckWithoutSecrets(check: mesos.HealthCheck): mesos.HealthCheck {
  const { command } = check;
  if (command === undefined) return check;
  return { ...check, command: commandWithoutSecrets(command) };
}

/** Its type stays, so that readers see that there is one. */
function withoutSecret(variable: mesos.EnvironmentVariable): mesos.EnvironmentVariable {
  const { secret, ...shown } = variable;
  if (secret?.value === undefined) return variable;
  return { ...shown, secret: { type: "VALUE" } };
}
