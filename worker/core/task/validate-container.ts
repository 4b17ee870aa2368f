import type * as mesos from "../../protocol/v1/mesos.ts";

/**
 * What agents cannot give a container is refused clearly instead of being accepted and ignored. One
 * of type MESOS with nothing in it is what everything gets. `owner`: "Task" or "Executor".
 */
export function validateContainer(
  owner: string,
  container: mesos.ContainerInfo | undefined,
): string | undefined {
  if (container === undefined) return undefined;
  const { type, mesos: options, ...more } = container;
  if (type === "MESOS" && options?.image === undefined) {
    const isThere = (part: unknown): boolean =>
      Array.isArray(part) ? part.length > 0 : part !== undefined;
    const asked = Object.values(more).some(isThere);
    if (!asked) return undefined;
  }
  return `${owner}'s container: containers with an image or volumes are not served by this version`;
}
