/**
 * Whether a copy of the machine's mounts that was made before is as good as one made now. A copy
 * follows the machine (as its slave) wherever the mount above is shared; what is mounted, unmounted
 * or changed otherwise stays out of it. Pure.
 *
 * Texts of /proc/self/mountinfo, lines like
 *   `33 25 0:28 / /sys/fs/cgroup/cpu rw,relatime shared:9 - cgroup cgroup rw,cpu`
 * number, number of the mount above, device, root, path, options, how it is shared. What stands
 * behind the dash belongs to the file system and is the same in every copy.
 */

interface Mount {
  readonly above: string;
  readonly text: string;
}

export function isFollowed(before: string, now: string): boolean {
  if (before === now) return true;
  const [then, today] = [parse(before), parse(now)];
  const isShared = (id: string): boolean =>
    / shared:\d+/.test((then.get(id) ?? today.get(id))?.text ?? "");
  for (const [id, mount] of then) {
    const same = today.get(id);
    if (same === undefined ? !isShared(mount.above) : same.text !== mount.text) return false;
  }
  return [...today].every(([id, { above }]) => then.has(id) || isShared(above));
}

function parse(mountinfo: string): ReadonlyMap<string, Mount> {
  const mounts = new Map<string, Mount>();
  for (const line of mountinfo.split("\n")) {
    const text = line.split(" - ")[0] ?? "";
    const [id = "", above = ""] = text.split(" ");
    if (id !== "") mounts.set(id, { above, text });
  }
  return mounts;
}
