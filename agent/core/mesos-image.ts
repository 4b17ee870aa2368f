/**
 * The image of a container of type MESOS: what its file system is made of, and what the command is
 * where the task leaves it to the image. Sources: include/mesos/v1/mesos.proto (Image),
 * docs/container-image.md.
 */
import type * as mesos from "../../worker/protocol/v1/mesos.ts";
import { decodeUtf8 } from "../../worker/protocol/wire/utf8.ts";
import type { ContainerSpec, ImageSpec } from "../containerizer/containerizer.ts";
import { imageName } from "../containerizer/docker/image-name.ts";
import { DOCKER_SANDBOX } from "../containerizer/docker/spec.ts";
import { type DockerSource, dockerCommand, dockerEnvironment } from "./docker-spec.ts";
import { decodeStored } from "./stored.ts";

/** The sentence says what the task has to change; undefined: nothing. */
export function imageObstacle({ type, docker }: mesos.Image): string | undefined {
  if (type !== "DOCKER") {
    return "this agent has no images of type APPC; use one of type DOCKER, which OCI's are too";
  }
  if (docker === undefined) return "an image of type DOCKER needs `docker`";
  if (!imageName(docker.name).ok) {
    return `'${docker.name}' is no image name; write one like registry.example.com/team/image:tag`;
  }
  if (docker.config === undefined) return undefined;
  if (docker.config.value?.data === undefined || credentialsOf(docker) === undefined) {
    return "the image's `docker.config` is no text of type VALUE; this agent resolves no others";
  }
  return undefined;
}

/** What a container's image changes of the rest; `container` passed the obstacles. */
export function imageParts(
  source: DockerSource,
  environment: Readonly<Record<string, string>>,
): Pick<ContainerSpec, "image" | "command" | "environment"> | undefined {
  const image = imageOf(source.container);
  if (image === undefined) return undefined;
  return {
    image,
    command: dockerCommand(source.command),
    environment: { ...dockerEnvironment(environment, source), ...placesOf(source) },
  };
}

/** Whether something has to be brought here before a launch; what is, a next process can repeat. */
export function hasToFetch({ command, container }: DockerSource): boolean {
  return (command?.uris?.length ?? 0) > 0 || imageOf(container) !== undefined;
}

/** As the containerizer is told of it. */
export function imageOf(container: mesos.ContainerInfo | undefined): ImageSpec | undefined {
  const image = container?.type === "MESOS" ? container.mesos?.image : undefined;
  if (image?.docker === undefined) return undefined;
  const { docker, cached = true } = image;
  const credentials = credentialsOf(docker);
  return { name: docker.name, cached, ...(credentials !== undefined && { credentials }) };
}

/** Whether a launch may have to wait for an image. `info`: TaskInfo as wire JSON. */
export function mayWaitForImage({ info }: { readonly info: string }): boolean {
  // Most tasks are told apart by their text, without being decoded.
  if (!info.includes("DOCKER")) return false;
  const { container } = decodeStored("mesos.v1.TaskInfo", info);
  return container?.type === "DOCKER" || container?.mesos?.image !== undefined;
}

/** The sandbox as the container sees it, unless the task says otherwise. */
function placesOf({ command }: DockerSource): Readonly<Record<string, string>> {
  const isNamed = command?.environment?.variables?.some(({ name }) => name === "MESOS_SANDBOX");
  return isNamed === true ? {} : { MESOS_SANDBOX: DOCKER_SANDBOX };
}

function credentialsOf({ config }: mesos.ImageDocker): string | undefined {
  const data = config?.value?.data;
  return data === undefined ? undefined : decodeUtf8(data);
}
