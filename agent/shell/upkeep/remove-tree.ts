/**
 * Removes a folder of a task, with all in it. Not by Node's `rm`, which goes by paths: between its
 * look at a folder and its way into it, whoever still has a foot in there could put a link in its
 * place. coreutils' goes by descriptors.
 */
import { spawn } from "node:child_process";
import { err, ok, type Result } from "../../../worker/std/result.ts";

/** The error is a clause. What is on another file system stays. */
export function removeTree(path: string): Promise<Result<void, string>> {
  return new Promise((resolve) => {
    const child = spawn("rm", ["-rf", "--one-file-system", "--", path], {
      env: { PATH: "/usr/bin:/bin", LC_ALL: "C" },
      stdio: ["ignore", "ignore", "pipe"],
    });
    let said = "";
    child.stderr.on("data", (chunk: Buffer) => {
      said = (said + chunk.toString("utf8")).slice(-1_000);
    });
    child.once("error", (cause) => resolve(err(cause.message)));
    child.once("close", (code) => {
      if (code === 0) return resolve(ok(undefined));
      resolve(err(said.trim().split("\n").at(-1) ?? `rm ended with ${code}`));
    });
  });
}
