/**
 * What each agent of a local cluster is started with. They share one machine, so each offers its
 * part of it: none of processors, memory, disk and ports is offered twice.
 */
import { statfsSync } from "node:fs";
import { availableParallelism, totalmem } from "node:os";

export interface LocalAgentOptions {
  readonly masterUrl: string;
  readonly workDirectory: string;
  readonly containerizer: string;
  /** Of 1 to `agents`. */
  readonly number: number;
  readonly agents: number;
  /** What each agent offers; its share of the machine when absent. */
  readonly cpus?: number;
  /** MB. */
  readonly mem?: number;
}

const BYTES_PER_MB = 1024 * 1024;
/** What Mesos leaves to the machine itself. */
const MEM_KEPT_MB = 1024;
const DISK_KEPT_MB = 5 * 1024;
const FIRST_PORT = 31_000;
const LAST_PORT = 32_000;

export function localAgentArguments(options: LocalAgentOptions): string[] {
  const { masterUrl, workDirectory, containerizer } = options;
  return [
    ...["--master", masterUrl],
    ...["--work-dir", workDirectory],
    ...["--containerizer", containerizer],
    ...["--resources", resourcesText(options)],
    "--insecure-local",
    "--die-with-parent",
  ];
}

/** In Mesos' resource text, such as "cpus:1;mem:7000;disk:9000;ports:[31000-31499]". */
export function resourcesText(options: LocalAgentOptions): string {
  const { number, agents, workDirectory } = options;
  const cpus =
    options.cpus ?? Math.max(0.1, Math.floor((10 * availableParallelism()) / agents) / 10);
  const mem = options.mem ?? share(totalmem() / BYTES_PER_MB, MEM_KEPT_MB, agents);
  const { bavail, bsize } = statfsSync(workDirectory);
  const disk = share((bavail * bsize) / BYTES_PER_MB, DISK_KEPT_MB, agents);
  const ports = Math.floor((LAST_PORT - FIRST_PORT + 1) / agents);
  const first = FIRST_PORT + (number - 1) * ports;
  return `cpus:${cpus};mem:${mem};disk:${disk};ports:[${first}-${first + ports - 1}]`;
}

/** One agent's part of what is left when the machine keeps `kept`, or half if there is little. */
function share(total: number, kept: number, agents: number): number {
  return Math.max(1, Math.floor(Math.max(total - kept, total / 2) / agents));
}
