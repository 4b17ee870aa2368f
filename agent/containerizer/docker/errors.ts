/**
 * What can go wrong with Docker, and the sentence for each: what happened, to what, and what to do.
 * The Engine's own words are kept; those that are known to puzzle people get advice after them.
 */
import { unreachable } from "../../../worker/std/assert.ts";

export type DockerError =
  /** No answer, or the connection was lost. `errno` like "ECONNREFUSED". */
  | { readonly code: "DOCKER_UNREACHABLE"; readonly socketPath: string; readonly errno: string }
  /** The Engine answered with an error. `operation` like "create the container". */
  | {
      readonly code: "DOCKER_REFUSED";
      readonly operation: string;
      readonly status: number;
      readonly message: string;
    }
  | { readonly code: "DOCKER_VERSION"; readonly why: string }
  | { readonly code: "CONTAINERIZER_NOT_ENABLED"; readonly name: "mesos" | "docker" }
  | { readonly code: "DOCKER_SPEC_MISSING" }
  | { readonly code: "IMAGE_NAME_MALFORMED"; readonly image: string }
  | { readonly code: "IMAGE_PULL_FAILED"; readonly image: string; readonly message: string }
  | { readonly code: "IMAGE_PULL_STALLED"; readonly image: string; readonly seconds: number }
  | { readonly code: "CREDENTIALS_UNUSABLE"; readonly from: string; readonly why: string }
  /** `what`: like "the parameter 'cap-add'". */
  | { readonly code: "PRIVILEGE_FORBIDDEN"; readonly what: string }
  | { readonly code: "LAUNCH_CANCELLED" };

export function describeDockerError(error: DockerError): string {
  switch (error.code) {
    case "DOCKER_UNREACHABLE":
      return `The Docker daemon at ${error.socketPath} does not answer (${error.errno}); ${whatToDo(error.errno)}`;
    case "DOCKER_REFUSED":
      return `Docker failed to ${error.operation}: ${withAdvice(error.message || `HTTP status ${error.status}`)}`;
    case "DOCKER_VERSION":
      return error.why;
    case "CONTAINERIZER_NOT_ENABLED":
      return (
        `This agent runs no ${error.name === "docker" ? "Docker" : "other than Docker"} containers; ` +
        "start it with --containerizers=mesos,docker, or give the task a container of type " +
        `${error.name === "docker" ? "MESOS" : "DOCKER"}`
      );
    case "DOCKER_SPEC_MISSING":
      return "The Docker containerizer runs containers of type DOCKER only";
    case "IMAGE_NAME_MALFORMED":
      return `'${error.image}' is no image name; write one like registry.example.com/team/image:tag`;
    case "IMAGE_PULL_FAILED":
      return `Failed to pull the image '${error.image}': ${withAdvice(error.message)}`;
    case "IMAGE_PULL_STALLED":
      return (
        `Failed to pull the image '${error.image}': nothing arrived for ${error.seconds} s; ` +
        "see whether its registry can be reached from this machine"
      );
    case "CREDENTIALS_UNUSABLE":
      return `The registry credentials in ${error.from} cannot be used: ${error.why}`;
    case "PRIVILEGE_FORBIDDEN":
      return (
        `${error.what} takes isolation away, and this agent's operator has not allowed that; ` +
        "leave it out, or start the agent with --docker-allow-privileged"
      );
    case "LAUNCH_CANCELLED":
      return "The launch was cancelled";
    default:
      return unreachable(error);
  }
}

function whatToDo(errno: string): string {
  if (errno === "EACCES" || errno === "EPERM") {
    return "run the agent as root or put its user into the group of the socket";
  }
  return "start it, or name its socket with --docker-socket";
}

/** What the Engine or a registry says, and what to do about it. The first match counts. */
const advice: readonly (readonly [RegExp, string])[] = [
  [/no space left on device/i, "free some space where Docker keeps its data"],
  [
    /port is already allocated|address already in use/i,
    "a container or program outside of this cluster has the port; stop it, or leave the port out of the agent's resources",
  ],
  [
    /container name .* is already in use/i,
    "somebody else made a container of that name; remove it",
  ],
  [
    /executable file not found|exec: .*no such file|exec: .*permission denied|is a directory/i,
    "the image has no such program; see its command and entrypoint",
  ],
  [/no command specified/i, "give the task a command: the image has none"],
  [
    /no basic auth credentials|unauthorized|access denied|authentication required|denied:/i,
    "see the name, and give the agent the registry's credentials with --docker-config",
  ],
  [
    /manifest.*(?:unknown|not found)|name unknown|not found: does not exist/i,
    "see the image's name and tag",
  ],
  [/toomanyrequests|rate limit/i, "the registry limits pulls; log in to it with --docker-config"],
  [/x509|certificate/i, "give Docker the registry's certificate, in /etc/docker/certs.d"],
  [
    /no such host|connection refused|i\/o timeout|deadline exceeded|connection reset|no route to host/i,
    "see whether the registry can be reached from this machine",
  ],
  [/no such network|network .* not found/i, "make the network with `docker network create`"],
  [/unable to find (?:user|group)/i, "the image has no such account; give a number"],
  [/could not select device driver/i, "install the NVIDIA container toolkit on this machine"],
];

function withAdvice(message: string): string {
  const text = message.trim();
  const found = advice.find(([pattern]) => pattern.test(text));
  return found === undefined ? text : `${text} (${found[1]})`;
}
