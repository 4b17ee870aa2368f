/**
 * What an image says of the command, and what the task says. Pure. Source: Mesos'
 * docs/container-image.md, "Docker Runtime Isolator": its table of shell, value and arguments
 * against entrypoint and cmd.
 */
import { err, ok, type Result } from "../../../worker/std/result.ts";
import type { ContainerCommand } from "../containerizer.ts";
import type { ImageConfig } from "./manifest.ts";

/** The error is a clause. */
export function commandOf(
  asked: ContainerCommand,
  { entrypoint, cmd }: Pick<ImageConfig, "entrypoint" | "cmd">,
): Result<ContainerCommand, string> {
  if (asked.shell || asked.value !== "") return ok(asked);
  // Arguments are the task's own word on what comes behind the entrypoint: cmd gives way.
  const given = asked.arguments;
  const [first, ...rest] = entrypoint.length > 0 ? entrypoint : cmd.slice(0, 1);
  if (first === undefined) return err("it names no command, and neither does the task");
  const otherwise = entrypoint.length > 0 ? cmd : cmd.slice(1);
  const words = [...rest, ...(given.length > 0 ? given : otherwise)];
  return ok({ shell: false, value: first, arguments: [first, ...words] });
}

/** Where a container of neither image nor task has a PATH. */
const DEFAULT_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

/** The task's variables go before the image's. */
export function environmentOf(
  asked: Readonly<Record<string, string>>,
  { env }: Pick<ImageConfig, "env">,
): Readonly<Record<string, string>> {
  const own = env.flatMap((variable): [string, string][] => {
    const equals = variable.indexOf("=");
    return equals < 1 ? [] : [[variable.slice(0, equals), variable.slice(equals + 1)]];
  });
  return { PATH: DEFAULT_PATH, ...Object.fromEntries(own), ...asked };
}
