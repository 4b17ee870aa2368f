/** Who this agent, or a task, is to a registry; the formats are Docker's (`docker/credentials`). */
import { err, ok, type Result } from "../../../worker/std/result.ts";
import { credentialsFor } from "../docker/credentials.ts";
import { text } from "../docker/engine.ts";
import { describeDockerError } from "../docker/errors.ts";
import type { ImageName } from "../docker/image-name.ts";
import { parseJson } from "./manifest.ts";
import type { RegistryLogin } from "./registry.ts";

export interface LoginSource {
  /** The operator's: a path or JSON. */
  readonly config: string | undefined;
  /** The task's own: JSON. */
  readonly own: string | undefined;
  readonly sandboxDirectory: string;
}

/** Undefined: nobody in particular. The error is a clause. */
export async function loginFor(
  { registry }: ImageName,
  { config, own, sandboxDirectory }: LoginSource,
): Promise<Result<RegistryLogin | undefined, string>> {
  if (own !== undefined) {
    const read = parseJson(own);
    if (!read.ok) return err("the credentials in its `docker.config` are not JSON");
    // Data only: a task names no program of this machine to ask.
    const { credHelpers: _helpers, credsStore: _store, ...data } = read.value;
    const found = await decoded(registry, JSON.stringify(data), sandboxDirectory);
    if (!found.ok || found.value !== undefined) return found;
  }
  return await decoded(registry, config, sandboxDirectory);
}

async function decoded(
  registry: string,
  config: string | undefined,
  sandboxDirectory: string,
): Promise<Result<RegistryLogin | undefined, string>> {
  const auth = await credentialsFor(registry, { config, sandboxDirectory });
  if (!auth.ok) return err(describeDockerError(auth.error));
  if (auth.value === undefined) return ok(undefined);
  const json = parseJson(Buffer.from(auth.value, "base64url").toString("utf8"));
  if (!json.ok) return ok(undefined);
  const { username, password, identitytoken, registrytoken } = json.value;
  const [user, secret] = [text(username), text(password)];
  const [identity, token] = [text(identitytoken), text(registrytoken)];
  return ok({
    ...(user !== undefined && { username: user }),
    ...(secret !== undefined && { password: secret }),
    ...(identity !== undefined && { identityToken: identity }),
    ...(token !== undefined && { registryToken: token }),
  });
}
