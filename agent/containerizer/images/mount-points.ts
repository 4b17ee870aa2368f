/**
 * Where something can be mounted in a container's file system. Every folder on the way to it is
 * made in the container's own layer, the uppermost one, before anything is mounted: there it is a
 * folder for sure, and no link of the image's leads mount(8) anywhere else.
 */
import { chmodSync, chownSync, lstatSync, mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { err, ok, type Result } from "../../../worker/std/result.ts";
import { errnoOf } from "../supervisor/file-error.ts";
import type { LayeredTree } from "./layered-tree.ts";

/**
 * Makes what is missing at `path`, or hides what is there until something is mounted. `mode`: of a
 * folder that the image does not have. The value is the path without links, absolute; the error a
 * clause.
 */
export function makeMountPoint(
  { tree, upper }: { readonly tree: LayeredTree; readonly upper: string },
  path: string,
  { kind, mode = 0o755 }: { readonly kind: "FOLDER" | "FILE"; readonly mode?: number },
): Result<string, string> {
  const resolved = tree.resolve(path);
  if ("why" in resolved) return err(resolved.why);
  const { names, found } = resolved;
  if (names.length === 0) return err("it is the container's root");
  if (found !== undefined && found.kind !== kind) {
    return err(`'${path}' in the image is ${kind === "FILE" ? "no file" : "no folder"}`);
  }
  try {
    for (let length = 1; length <= names.length; length++) {
      const isLast = length === names.length;
      const way = names.slice(0, length);
      const at = join(upper, ...way);
      if (lstatSync(at, { throwIfNoEntry: false })?.isDirectory() === true) continue;
      if (isLast && kind === "FILE") {
        writeFileSync(at, "", { mode: 0o644 });
        continue;
      }
      mkdirSync(at);
      const same = tree.resolve(way.join("/"));
      const stat = "why" in same ? undefined : same.found?.stat;
      // A folder of the upper layer hides the mode and owner of those below.
      if (stat !== undefined) chownSync(at, stat.uid, stat.gid);
      chmodSync(at, stat === undefined ? (isLast ? mode : 0o755) : stat.mode & 0o7777);
    }
    return ok(`/${names.join("/")}`);
  } catch (cause) {
    return err(`it cannot be made in the container: ${errnoOf(cause)}`);
  }
}
