/**
 * The few programs of the machine that starting a container takes, and what they are able to do.
 */
import { spawn } from "node:child_process";
import { accessSync, constants } from "node:fs";
import { err, ok, type Result } from "../../../worker/std/result.ts";

export interface HostTools {
  readonly sh: string;
  readonly shellKind: "BASH" | "OTHER";
  readonly setsid: string;
  readonly env: string;
  /**
   * What makes env(1) undo the ignored SIGINT and SIGQUIT; empty where it is not needed or unable.
   */
  readonly envSignalOptions: readonly string[];
  /** Needed to change the user. */
  readonly setpriv: string | undefined;
  /** Needed to give a command a terminal. */
  readonly script: string | undefined;
  readonly stty: string | undefined;
  /** Needed for an argv[0] that is not the file's name. */
  readonly bash: string | undefined;
}

const DIRECTORIES = ["/usr/bin", "/bin", "/usr/sbin", "/sbin", "/usr/local/bin"];

/** Looks once; `why` names what to install. `shell`: the shell to supervise with. */
export async function findHostTools(
  shell = "/bin/sh",
): Promise<Result<HostTools, { readonly why: string }>> {
  const setsid = findProgram("setsid");
  const env = findProgram("env");
  if (setsid === undefined)
    return err({ why: "The program setsid is missing; install util-linux" });
  if (env === undefined) return err({ why: "The program env is missing; install coreutils" });
  const [isBash, resets] = await Promise.all([
    succeeds(shell, ["-c", 'test -n "$BASH_VERSION"']),
    succeeds(env, ["--default-signal=INT,QUIT", setsid, "--version"]),
  ]);
  return ok({
    sh: shell,
    shellKind: isBash ? "BASH" : "OTHER",
    setsid,
    env,
    envSignalOptions: resets && !isBash ? ["--default-signal=INT,QUIT"] : [],
    setpriv: findProgram("setpriv"),
    script: findProgram("script"),
    stty: findProgram("stty"),
    bash: findProgram("bash"),
  });
}

/** Where a program of this name is, undefined = nowhere that tasks would look. */
export function findProgram(name: string): string | undefined {
  return DIRECTORIES.map((directory) => `${directory}/${name}`).find((path) => {
    try {
      accessSync(path, constants.X_OK);
      return true;
    } catch {
      return false;
    }
  });
}

function succeeds(file: string, argv: readonly string[]): Promise<boolean> {
  return new Promise((resolve) => {
    const child = spawn(file, argv, { stdio: "ignore", env: {} });
    child.on("error", () => resolve(false));
    child.on("exit", (code) => resolve(code === 0));
  });
}
