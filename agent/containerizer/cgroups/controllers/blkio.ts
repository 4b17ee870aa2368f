/** Disk traffic by device. v2 calls the controller `io`. */
import type {
  CgroupInfoBlkioOperation,
  CgroupInfoBlkioThrottlingStatistics,
} from "../../../../worker/protocol/v1/mesos.ts";
import { ok, type Result } from "../../../../worker/std/result.ts";
import type { FileError } from "../../containerizer.ts";
import { readCgroupFile } from "../cgroup-file.ts";
import type { Controller, ControllerVersion } from "./controller.ts";

type Throttling = CgroupInfoBlkioThrottlingStatistics;
type Amounts = Map<string, { readonly op: CgroupInfoBlkioOperation; readonly value: bigint }[]>;

const OPERATIONS = ["READ", "WRITE", "SYNC", "ASYNC", "DISCARD", "TOTAL"] as const;

/** Lines like `8:0 Read 4096`; the last one is the sum of all devices. */
export function parseBlkio(text: string): Amounts {
  const amounts: Amounts = new Map();
  for (const line of text.split("\n")) {
    const [device = "", operation = "", value] = line.split(" ");
    const op = OPERATIONS.find((name) => name === operation.toUpperCase());
    if (op === undefined || value === undefined) continue;
    amounts.set(device, [...(amounts.get(device) ?? []), { op, value: BigInt(value) }]);
  }
  return amounts;
}

/** Lines like `8:0 rbytes=4096 wbytes=0 rios=1 wios=0 dbytes=0 dios=0`. */
export function parseIoStat(text: string): { readonly bytes: Amounts; readonly served: Amounts } {
  const [bytes, served]: [Amounts, Amounts] = [new Map(), new Map()];
  for (const line of text.split("\n").filter(Boolean)) {
    const [device = "", ...fields] = line.split(" ");
    const values = new Map(fields.map((field) => field.split("=") as [string, string]));
    const read = (name: string): bigint => BigInt(values.get(name) ?? "0");
    const amounts = (unit: "bytes" | "ios") => [
      { op: "READ" as const, value: read(`r${unit}`) },
      { op: "WRITE" as const, value: read(`w${unit}`) },
      { op: "DISCARD" as const, value: read(`d${unit}`) },
    ];
    bytes.set(device, amounts("bytes"));
    served.set(device, amounts("ios"));
  }
  return { bytes, served };
}

function statistics(bytes: Amounts, served: Amounts): readonly Throttling[] {
  return [...new Set([...bytes.keys(), ...served.keys()])].map((device) => {
    const [major = "0", minor = "0"] = device.split(":");
    return {
      device: { major_number: BigInt(major), minor_number: BigInt(minor) },
      io_serviced: served.get(device) ?? [],
      io_service_bytes: bytes.get(device) ?? [],
    };
  });
}

const v1: ControllerVersion = {
  apply: () => ok(undefined),
  usage: (cgroup) => {
    const bytes = amountsIn(cgroup, "blkio.throttle.io_service_bytes_recursive");
    if (!bytes.ok) return bytes;
    const served = amountsIn(cgroup, "blkio.throttle.io_serviced_recursive");
    if (!served.ok) return served;
    return ok({ blkio_statistics: { throttling: statistics(bytes.value, served.value) } });
  },
};

function amountsIn(cgroup: string, name: string): Result<Amounts, FileError> {
  const text = readCgroupFile(cgroup, name);
  return text.ok ? ok(parseBlkio(text.value)) : text;
}

const v2: ControllerVersion = {
  apply: () => ok(undefined),
  usage: (cgroup) => {
    const text = readCgroupFile(cgroup, "io.stat");
    if (!text.ok) return text;
    const { bytes, served } = parseIoStat(text.value);
    return ok({ blkio_statistics: { throttling: statistics(bytes, served) } });
  },
};

export const blkio: Controller = { 1: v1, 2: v2 };
