/**
 * Which of root's rights (capabilities(7)) a container's processes can have, as options of
 * setpriv(1). Names are Mesos'; setpriv gets the kernel's numbers, because old ones lack names.
 */
import { err, ok, type Result } from "../../../../worker/std/result.ts";
import type { CapabilityName, CapabilitySets } from "../../containerizer.ts";

/** In the kernel's order: the index is the number. */
export const capabilityNames: readonly CapabilityName[] = [
  ...(["CHOWN", "DAC_OVERRIDE", "DAC_READ_SEARCH", "FOWNER", "FSETID", "KILL"] as const),
  ...(["SETGID", "SETUID", "SETPCAP", "LINUX_IMMUTABLE", "NET_BIND_SERVICE"] as const),
  ...(["NET_BROADCAST", "NET_ADMIN", "NET_RAW", "IPC_LOCK", "IPC_OWNER", "SYS_MODULE"] as const),
  ...(["SYS_RAWIO", "SYS_CHROOT", "SYS_PTRACE", "SYS_PACCT", "SYS_ADMIN", "SYS_BOOT"] as const),
  ...(["SYS_NICE", "SYS_RESOURCE", "SYS_TIME", "SYS_TTY_CONFIG", "MKNOD", "LEASE"] as const),
  ...(["AUDIT_WRITE", "AUDIT_CONTROL", "SETFCAP", "MAC_OVERRIDE", "MAC_ADMIN"] as const),
  ...(["SYSLOG", "WAKE_ALARM", "BLOCK_SUSPEND", "AUDIT_READ", "PERFMON", "BPF"] as const),
  "CHECKPOINT_RESTORE",
];

/**
 * What a container may have where the operator says nothing: enough for programs that begin as
 * root and change their user, nothing by which they could mount, trace others or make devices; nor
 * hear what others say, for the network is the machine's: agents and executors prove themselves to
 * each other there.
 */
export const DEFAULT_CAPABILITIES: readonly CapabilityName[] = [
  ...(["CHOWN", "DAC_OVERRIDE", "FOWNER", "FSETID", "KILL", "SETGID", "SETUID"] as const),
  ...(["SETPCAP", "NET_BIND_SERVICE", "SYS_CHROOT", "AUDIT_WRITE", "SETFCAP"] as const),
];

export interface PrivilegeFacts {
  /** What the operator allows. */
  readonly allowed: readonly CapabilityName[];
  readonly asked: CapabilitySets | undefined;
  /** The command runs as root. */
  readonly isRoot: boolean;
  /** The kernel's last number, from /proc/sys/kernel/cap_last_cap. */
  readonly lastNumber: number;
}

/** What its processes can ever have, where `capabilityOptions` accepts the same facts. */
export function possibleCapabilities({
  allowed,
  asked,
  isRoot,
}: Omit<PrivilegeFacts, "lastNumber">): readonly CapabilityName[] {
  const bounding = asked?.bounding ?? allowed;
  // Root gets what its bounding set leaves; others only what is handed to them.
  return isRoot ? (asked?.effective ?? bounding) : bounding;
}

/** The error is a sentence without its full stop. */
export function capabilityOptions(facts: PrivilegeFacts): Result<readonly string[], string> {
  const { allowed, asked, isRoot, lastNumber } = facts;
  const bounding = asked?.bounding ?? allowed;
  const excess = bounding.find((name) => !allowed.includes(name));
  if (excess !== undefined) return err(notAllowed(excess));
  const effective = asked?.effective;
  const beyond = effective?.find((name) => !bounding.includes(name));
  if (beyond !== undefined) {
    if (!allowed.includes(beyond)) return err(notAllowed(beyond));
    return err(`${beyond} is among its effective capabilities and not among its bounding ones`);
  }
  const kept = possibleCapabilities(facts);
  const dropped = Array.from({ length: lastNumber + 1 }, (_, number) => number).filter(
    (number) => !kept.some((name) => capabilityNames.indexOf(name) === number),
  );
  const handed = isRoot ? [] : (effective ?? []).map((name) => `+${word(name)}`);
  return ok([
    ...(dropped.length === 0
      ? []
      : [`--bounding-set=${dropped.map((number) => `-cap_${number}`).join(",")}`]),
    `--inh-caps=${["-all", ...handed].join(",")}`,
    ...(handed.length === 0 ? [] : [`--ambient-caps=${handed.join(",")}`]),
  ]);
}

function word(name: CapabilityName): string {
  return `cap_${capabilityNames.indexOf(name)}`;
}

function notAllowed(name: CapabilityName): string {
  return `the operator does not allow ${name}; leave it out, or start the agent with it in --allowed-capabilities`;
}

/** `text`: names with commas between them, Mesos' JSON, or ALL. The error goes behind the option's
 * name. */
export function parseCapabilities(text: string): Result<readonly CapabilityName[], string> {
  if (text.trim() === "ALL") return ok(capabilityNames);
  const json = /^\s*\{\s*"capabilities"\s*:\s*\[(.*)\]\s*\}\s*$/s.exec(text)?.[1];
  const words = (json ?? text).split(",").map((one) => one.trim().replaceAll('"', ""));
  const names: CapabilityName[] = [];
  for (const one of words.filter((each) => each !== "")) {
    const name = capabilityNames.find((known) => known === one.replace(/^CAP_/, ""));
    if (name === undefined) return err(`names '${one}'; write names like NET_RAW, or ALL`);
    names.push(name);
  }
  return ok(names);
}
