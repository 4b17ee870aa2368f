/** A command check: run in the task's own container, with its environment. */
import type { Containerizer, ContainerSpec } from "../containerizer/containerizer.ts";
import { describeLaunchError, describeTermination } from "../containerizer/containerizer.ts";
import type { CheckResult } from "../core/check-result.ts";

/** `spec`: of a container inside the task's. Nothing of it is left when this resolves. */
export async function checkCommand(
  containerizer: Containerizer,
  spec: ContainerSpec,
  signal: AbortSignal,
): Promise<CheckResult> {
  const { containerId } = spec;
  const launched = await containerizer.launch(spec);
  if (!launched.ok) return { kind: "NONE", why: describeLaunchError(launched.error) };
  const end = (): void => void containerizer.destroy(containerId);
  signal.addEventListener("abort", end, { once: true });
  if (signal.aborted) end();
  const termination = await containerizer.wait(containerId);
  signal.removeEventListener("abort", end);
  await containerizer.remove(containerId);
  if (signal.aborted) return { kind: "NONE", why: "the command did not end in time" };
  return termination.kind === "EXITED"
    ? { kind: "EXIT_CODE", code: termination.code }
    : { kind: "NONE", why: describeTermination(termination) };
}
