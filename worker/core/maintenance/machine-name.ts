/** How operators name machines: by host name, by IPv4 address, or by both. */
import type * as mesos from "../../protocol/v1/mesos.ts";
import { err, ok, type Result } from "../../std/result.ts";

/** At least one of the two is not empty. */
export interface MachineName {
  readonly hostname: string;
  readonly ip: string;
}

export type MachineNameError =
  | { readonly code: "MACHINE_UNNAMED" }
  | { readonly code: "MACHINE_IP_INVALID"; readonly ip: string };

export function parseMachine(id: mesos.MachineID): Result<MachineName, MachineNameError> {
  const { hostname = "", ip = "" } = id;
  if (hostname === "" && ip === "") return err({ code: "MACHINE_UNNAMED" });
  if (ip !== "" && !isIpv4(ip)) return err({ code: "MACHINE_IP_INVALID", ip });
  return ok({ hostname, ip });
}

/** As the schedule shows it: what is empty is left out. */
export function machineMessage({ hostname, ip }: MachineName): mesos.MachineID {
  return { hostname: hostname || undefined, ip: ip || undefined };
}

function isIpv4(text: string): boolean {
  const parts = text.split(".");
  return parts.length === 4 && parts.every((part) => /^\d{1,3}$/.test(part) && Number(part) < 256);
}
