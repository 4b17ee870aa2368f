/**
 * What can be known of a container before its agent sees it (http-semantics 15.4, row 7). What
 * depends on the agent, its machine and its operator, the agent says.
 */
import type * as mesos from "../../protocol/v1/mesos.ts";

/** `owner`: "Task" or "Executor". */
export function validateContainer(
  owner: string,
  container: mesos.ContainerInfo | undefined,
): string | undefined {
  if (container === undefined) return undefined;
  const why = whyInvalid(container);
  return why === undefined ? undefined : `${owner}'s container: ${why}`;
}

function whyInvalid(container: mesos.ContainerInfo): string | undefined {
  for (const volume of container.volumes ?? []) {
    const why = volumeMistake(volume);
    if (why !== undefined) return `the volume at '${volume.container_path}' ${why}`;
  }
  const image = container.mesos?.image;
  if (image?.type === "DOCKER" && image.docker === undefined) {
    return "an image of type DOCKER needs 'docker'";
  }
  if (container.type !== "DOCKER") return undefined;
  if (container.docker === undefined) return "one of type DOCKER needs 'docker'";
  const isNamed = (container.docker.parameters ?? []).some(({ key }) => key === "name");
  return isNamed ? "the Docker parameter 'name' is the agent's to set; leave it out" : undefined;
}

function volumeMistake({ host_path, image, source }: mesos.Volume): string | undefined {
  const given = [host_path, image, source].filter((part) => part !== undefined);
  if (given.length !== 1) {
    return "has to name exactly one of 'host_path', 'image' and 'source'";
  }
  if (image !== undefined) return "is of an image, which is not served by this version";
  if (source === undefined) return undefined;
  const member = MEMBERS[source.type ?? "UNKNOWN"];
  if (member === undefined) return "has a 'source' without a type";
  return source[member] === undefined ? `has a 'source' without '${member}'` : undefined;
}

/** Of each type of a volume's source; undefined: none is meant. */
const MEMBERS = {
  UNKNOWN: undefined,
  DOCKER_VOLUME: "docker_volume",
  HOST_PATH: "host_path",
  SANDBOX_PATH: "sandbox_path",
  SECRET: "secret",
  CSI_VOLUME: "csi_volume",
} as const satisfies { readonly [T in mesos.VolumeSourceType]: string | undefined };
