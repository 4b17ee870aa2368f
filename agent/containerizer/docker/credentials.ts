/**
 * Who this agent is to a registry. Read anew for each pull, so that a rotated password needs no
 * restart. The formats are Docker's: `auths`, `credHelpers` and `credsStore` of `config.json`, and
 * the older `.dockercfg`.
 *
 * A task may bring a file of its own into its sandbox, as Mesos has it; that one is data: it is
 * read without following links, and names no program of this machine to run.
 */
import { execFile } from "node:child_process";
import { closeSync, constants, fstatSync, openSync, readFileSync } from "node:fs";
import { homedir } from "node:os";
import { join } from "node:path";
import { err, ok, type Result } from "../../../worker/std/result.ts";
import { errnoOf } from "../supervisor/file-error.ts";
import { type Json, objectOf, text } from "./engine.ts";
import type { DockerError } from "./errors.ts";

/** The Engine's `X-Registry-Auth`; undefined: nobody in particular. */
export type RegistryAuth = string | undefined;

export interface CredentialSource {
  /** A path, or the file's JSON itself; undefined: `$DOCKER_CONFIG` or `~/.docker`. */
  readonly config: string | undefined;
  readonly sandboxDirectory: string;
}

/** What Docker Hub is called in these files. */
const HUB = "https://index.docker.io/v1/";
const FILE_BYTES_MAX = 1_048_576;
const HELPER_TIMEOUT_MS = 30_000;
const IN_SANDBOX = [[".docker", "config.json"], [".dockercfg"]] as const;

export async function credentialsFor(
  registry: string,
  { config, sandboxDirectory }: CredentialSource,
): Promise<Result<RegistryAuth, DockerError>> {
  for (const names of IN_SANDBOX) {
    const read = readOwn(sandboxDirectory, names);
    if (!read.ok) return read;
    const found = read.value && inFile(read.value, registry);
    if (found !== undefined) return ok(found);
  }
  const read = readConfig(config);
  if (!read.ok || read.value === undefined) return read.ok ? ok(undefined) : read;
  const { file, from } = read.value;
  const helper = helperFor(file, registry);
  if (helper !== undefined) return askHelper(helper, registry, from);
  return ok(inFile(file, registry));
}

/** The names under which a registry may be in a file. */
function namesOf(registry: string): readonly string[] {
  const hub = registry === "docker.io" || registry === "index.docker.io";
  const hosts = hub ? ["docker.io", "index.docker.io", "registry-1.docker.io"] : [registry];
  return [
    ...(hub ? [HUB] : []),
    ...hosts.flatMap((host) => [host, `https://${host}`, `http://${host}`]),
    ...hosts.flatMap((host) =>
      ["/", "/v1", "/v1/", "/v2", "/v2/"].map((end) => `https://${host}${end}`),
    ),
  ];
}

function inFile(file: Json, registry: string): RegistryAuth {
  const auths = "auths" in file ? objectOf(file.auths) : file;
  const name = namesOf(registry).find((each) => Object.hasOwn(auths, each));
  if (name === undefined) return undefined;
  const entry = objectOf(auths[name]);
  const identitytoken = text(entry.identitytoken);
  if (identitytoken !== undefined) return encode({ identitytoken, serveraddress: name });
  const registrytoken = text(entry.registrytoken);
  if (registrytoken !== undefined) return encode({ registrytoken, serveraddress: name });
  const pair = Buffer.from(text(entry.auth) ?? "", "base64").toString("utf8");
  const colon = pair.indexOf(":");
  const username = colon < 0 ? text(entry.username) : pair.slice(0, colon);
  const password = colon < 0 ? text(entry.password) : pair.slice(colon + 1).replace(/\0+$/, "");
  if (username === undefined || password === undefined) return undefined;
  return encode({ username, password, serveraddress: name });
}

/** With padding, without which Docker takes it for nobody's. */
function encode(auth: Readonly<Record<string, string>>): string {
  const encoded = Buffer.from(JSON.stringify(auth)).toString("base64");
  return encoded.replaceAll("+", "-").replaceAll("/", "_");
}

/** The operator's file. Absent where nobody named one: there are no credentials then. */
function readConfig(
  config: string | undefined,
): Result<{ file: Json; from: string } | undefined, DockerError> {
  if (config?.trimStart().startsWith("{") === true) {
    const from = "--docker-config";
    const file = parse(config, from);
    return file.ok ? ok({ file: file.value, from }) : file;
  }
  const path =
    config ?? join(process.env.DOCKER_CONFIG ?? join(homedir(), ".docker"), "config.json");
  try {
    const file = parse(readFileSync(path, "utf8"), path);
    return file.ok ? ok({ file: file.value, from: path }) : file;
  } catch (cause) {
    if (config === undefined && errnoOf(cause) === "ENOENT") return ok(undefined);
    return err({ code: "CREDENTIALS_UNUSABLE", from: path, why: errnoOf(cause) });
  }
}

/** A file of the sandbox, which may be the work of whoever wrote the task. */
function readOwn(sandbox: string, names: readonly string[]): Result<Json | undefined, DockerError> {
  const { O_DIRECTORY, O_NOFOLLOW, O_NONBLOCK, O_RDONLY } = constants;
  const from = join(sandbox, ...names);
  const opened: number[] = [];
  try {
    // Component by component: none of them may be a link out of the sandbox.
    let at = openSync(sandbox, O_RDONLY | O_DIRECTORY);
    opened.push(at);
    for (const [index, name] of names.entries()) {
      const kind = index === names.length - 1 ? O_NONBLOCK : O_DIRECTORY;
      at = openSync(`/proc/self/fd/${at}/${name}`, O_RDONLY | O_NOFOLLOW | kind);
      opened.push(at);
    }
    const { size, ...found } = fstatSync(at);
    if (!fstatSync(at).isFile() || size > FILE_BYTES_MAX) {
      const why = `it is no file of at most ${FILE_BYTES_MAX} bytes (mode ${found.mode.toString(8)})`;
      return err({ code: "CREDENTIALS_UNUSABLE", from, why });
    }
    return parse(readFileSync(at, "utf8"), from);
  } catch (cause) {
    const errno = errnoOf(cause);
    if (errno === "ENOENT") return ok(undefined);
    return err({ code: "CREDENTIALS_UNUSABLE", from, why: errno });
  } finally {
    for (const file of opened) closeSync(file);
  }
}

function parse(content: string, from: string): Result<Json, DockerError> {
  try {
    return ok(objectOf(JSON.parse(content)));
  } catch {
    // The parser's message would quote what may be a password.
    return err({ code: "CREDENTIALS_UNUSABLE", from, why: "it is not JSON" });
  }
}

function helperFor(file: Json, registry: string): string | undefined {
  const helpers = objectOf(file.credHelpers);
  const name = namesOf(registry).find((each) => Object.hasOwn(helpers, each));
  const helper = name === undefined ? text(file.credsStore) : text(helpers[name]);
  return helper === "" ? undefined : helper;
}

/**
 * A program beside Docker: the registry on stdin, JSON on stdout.
 * Protocol: https://github.com/docker/docker-credential-helpers
 */
async function askHelper(
  helper: string,
  registry: string,
  from: string,
): Promise<Result<RegistryAuth, DockerError>> {
  if (!/^[A-Za-z0-9][A-Za-z0-9._-]*$/.test(helper)) {
    return err({ code: "CREDENTIALS_UNUSABLE", from, why: `'${helper}' names no program` });
  }
  const program = `docker-credential-${helper}`;
  const server = registry === "docker.io" ? HUB : registry;
  const printed = await new Promise<Result<string, string>>((resolve) => {
    const options = { timeout: HELPER_TIMEOUT_MS, maxBuffer: FILE_BYTES_MAX } as const;
    const child = execFile(program, ["get"], options, (failed, stdout) =>
      resolve(
        failed === null ? ok(stdout) : err(/not found/i.test(stdout) ? "" : whyOf(failed, stdout)),
      ),
    );
    // A helper that cannot be started, or reads nothing, says so by its exit.
    child.stdin?.on("error", () => {});
    child.stdin?.end(`${server}\n`);
  });
  if (!printed.ok) {
    // It knows nobody for this registry: the pull is made as nobody.
    if (printed.error === "") return ok(undefined);
    return err({ code: "CREDENTIALS_UNUSABLE", from, why: `${program}: ${printed.error}` });
  }
  const parsed = parse(printed.value, program);
  if (!parsed.ok) return parsed;
  const [username, password] = [text(parsed.value.Username), text(parsed.value.Secret)];
  if (username === undefined || password === undefined) return ok(undefined);
  if (username === "<token>") return ok(encode({ identitytoken: password, serveraddress: server }));
  return ok(encode({ username, password, serveraddress: server }));
}

function whyOf(failed: Error, stdout: string): string {
  if ("code" in failed && failed.code === "ENOENT")
    return "there is no such program on the agent's PATH";
  return stdout.trim().slice(0, 300) || failed.message.split("\n")[0] || "it failed";
}
