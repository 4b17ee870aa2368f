/**
 * The NVIDIA GPUs of this machine, as nvidia-smi(1) knows them, and the device files that programs
 * need to use one. No nvidia-smi: no GPUs.
 */
import { execFile } from "node:child_process";
import { existsSync } from "node:fs";
import { join } from "node:path";
import { err, ok, type Result } from "../../worker/std/result.ts";
import type { GpuDevice } from "../containerizer/containerizer.ts";

/** A driver in trouble lets nvidia-smi hang. */
const TIMEOUT_MS = 20_000;

/** What the GPUs of a machine have in common; not every driver has all of them. */
const SHARED_FILES = ["nvidiactl", "nvidia-uvm", "nvidia-uvm-tools", "nvidia-modeset"];

export interface GpuQuestion {
  /** A name that is looked for in PATH, or a path. */
  readonly program: string;
  /** Where device files are. */
  readonly deviceDirectory: string;
  /** Minor numbers to use; undefined: all. */
  readonly chosen: readonly number[] | undefined;
}

/** The error is a sentence without its full stop. */
export async function discoverGpus(
  question: GpuQuestion,
): Promise<Result<readonly GpuDevice[], string>> {
  const { program, deviceDirectory, chosen } = question;
  const listed = await ask(program);
  if (!listed.ok) return listed;
  const minors = parseMinorNumbers(listed.value);
  const uuids = parseUuids(listed.value);
  const missing = chosen?.find((minor) => !minors.includes(minor));
  if (missing !== undefined) {
    const has = minors.length === 0 ? "none" : minors.join(", ");
    return err(`there is no GPU ${missing} on this machine (nvidia-smi knows ${has})`);
  }
  const fileOf = (name: string): GpuDevice["files"][number] => ({
    name,
    path: join(deviceDirectory, name),
  });
  const shared = SHARED_FILES.map(fileOf).filter(({ path }) => existsSync(path));
  return ok(
    (chosen ?? minors).map((minor) => {
      const uuid = uuids.get(minor);
      const files = [fileOf(`nvidia${minor}`), ...shared];
      return { minor, ...(uuid !== undefined && { uuid }), files };
    }),
  );
}

/** Of `nvidia-smi -q`, which has a line `Minor Number : 0` in the part of each GPU. */
export function parseMinorNumbers(text: string): readonly number[] {
  return [...text.matchAll(/^\s*Minor Number\s*:\s*(\d+)\s*$/gm)].map(([, minor]) => Number(minor));
}

/** By minor number: in the part of a GPU its line `GPU UUID : GPU-…` is above that one. */
function parseUuids(text: string): ReadonlyMap<number, string> {
  const uuids = new Map<number, string>();
  let uuid: string | undefined;
  for (const [, name, value = ""] of text.matchAll(/^\s*(GPU UUID|Minor Number)\s*:\s*(\S+)/gm)) {
    if (name === "GPU UUID") {
      uuid = value;
    } else if (uuid !== undefined) {
      uuids.set(Number(value), uuid);
      uuid = undefined;
    }
  }
  return uuids;
}

function ask(program: string): Promise<Result<string, string>> {
  return new Promise((resolve) => {
    const options = { timeout: TIMEOUT_MS, killSignal: "SIGKILL", encoding: "utf8" } as const;
    execFile(program, ["-q"], options, (failure, stdout, stderr) => {
      if (failure === null) return resolve(ok(stdout));
      // EACCES: of some folder of the PATH nobody can say what is in it.
      if (failure.code === "ENOENT" || failure.code === "EACCES") return resolve(ok(""));
      const why = failure.killed ? `no answer in ${TIMEOUT_MS / 1_000} s` : stderr || stdout;
      return resolve(err(`nvidia-smi fails (${why.trim().split("\n")[0]}); look after the driver`));
    });
  });
}
