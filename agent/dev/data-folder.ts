/**
 * The folder that holds a local cluster:
 *
 *   control-plane/    the control plane's state
 *   agents/<n>/       an agent's work directory
 *   logs/<name>.log   what each process prints
 *   processes.json    who runs now: the supervisor and its children
 *
 * 1. One supervisor at a time. The lock is an abstract socket named after the folder's inode, which
 * the
 *    kernel takes back the moment its holder ends, however that happens.
 * 2. A supervisor that was killed leaves children that are still ending; nothing starts before they
 * have.
 */
import {
  closeSync,
  openSync,
  readdirSync,
  readFileSync,
  renameSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { createServer, type Server } from "node:net";
import { join, resolve } from "node:path";
import { makeDirectory } from "../shell/make-directory.ts";
import {
  identifyProcess,
  isAlive,
  killNow,
  type ProcessIdentity,
  untilEnded,
} from "./process-identity.ts";
import { StartError } from "./start-error.ts";

/** What processes.json holds. */
export interface ProcessList {
  readonly supervisor: ProcessIdentity;
  readonly children: readonly (ProcessIdentity & { readonly name: string })[];
}

export interface DataFolder {
  readonly controlPlane: string;
  agent(number: number): string;
  /** As the user would write it. */
  logFile(name: string): string;
  /** Remembers the children, for who starts next. Never fails. */
  writeProcesses(children: ProcessList["children"]): void;
  release(): void;
}

/** Longer than a killed supervisor's children take to end by themselves. */
const LEFTOVERS_END_MS = 3_000;
const LOG_BYTES = 10 * 1024 * 1024;

/**
 * Creates the folder if need be, and takes it. `given`: as the user wrote it. Throws `StartError`.
 */
export async function openDataFolder(given: string): Promise<DataFolder> {
  const path = resolve(given);
  const processFile = join(path, "processes.json");
  if (given === "") throw new StartError({ code: "FOLDER_NOT_NAMED" });
  createFolders(given);
  const lock = await takeLock(given, processFile);
  const writeProcesses = (children: ProcessList["children"]): void => {
    const supervisor = identifyProcess(process.pid);
    if (supervisor === undefined) return;
    const list: ProcessList = { supervisor, children };
    writeFileSync(`${processFile}.new`, JSON.stringify(list));
    renameSync(`${processFile}.new`, processFile);
  };
  // A full disk keeps the older list, which only a start after a sudden end would read.
  const noteProcesses = (children: ProcessList["children"]): void => {
    try {
      writeProcesses(children);
    } catch (error) {
      process.stderr.write(`cannot write ${processFile} (${errnoOf(error)})\n`);
    }
  };
  await endLeftovers(processFile);
  writeProcesses([]);
  return {
    controlPlane: join(path, "control-plane"),
    agent: (number) => {
      const agent = join(path, "agents", String(number));
      makeDirectory(agent);
      return agent;
    },
    logFile: (name) => join(given, "logs", `${name}.log`),
    writeProcesses: noteProcesses,
    release: () => {
      noteProcesses([]);
      lock.close();
    },
  };
}

function createFolders(folder: string): void {
  try {
    for (const name of ["control-plane", "agents", "logs"]) makeDirectory(join(folder, name));
    closeSync(openSync(join(folder, "processes.json"), "a"));
    setLargeLogsAside(join(folder, "logs"));
  } catch (error) {
    throw new StartError({ code: "FOLDER_UNUSABLE", folder, errno: errnoOf(error) });
  }
}

/** One older file is kept of each. */
function setLargeLogsAside(logs: string): void {
  for (const name of readdirSync(logs)) {
    const path = join(logs, name);
    if (name.endsWith(".log") && statSync(path).size > LOG_BYTES) renameSync(path, `${path}.old`);
  }
}

async function takeLock(folder: string, processFile: string): Promise<Server> {
  const { dev, ino } = statSync(folder);
  const lock = createServer((socket) => socket.destroy());
  return await new Promise((resolve, reject) => {
    lock.once("error", (error) => {
      const taken = errnoOf(error) === "EADDRINUSE";
      const pid = readProcesses(processFile)?.supervisor.pid;
      reject(
        new StartError(
          taken
            ? { code: "FOLDER_IN_USE", folder, pid }
            : { code: "FOLDER_UNUSABLE", folder, errno: errnoOf(error) },
        ),
      );
    });
    lock.listen(`\0rimrock-${dev}-${ino}`, () => resolve(lock.unref()));
  });
}

async function endLeftovers(processFile: string): Promise<void> {
  const leftovers = readProcesses(processFile)?.children.filter(isAlive) ?? [];
  if (await untilEnded(leftovers, LEFTOVERS_END_MS)) return;
  for (const leftover of leftovers) killNow(leftover);
}

function readProcesses(processFile: string): ProcessList | undefined {
  try {
    // Written by `writeProcesses` only, whole or not at all.
    return JSON.parse(readFileSync(processFile, "utf8")) as ProcessList;
  } catch {
    // Empty: nobody has written it yet.
    return undefined;
  }
}

export function errnoOf(error: unknown): string {
  const { code } = error as NodeJS.ErrnoException;
  return code ?? String(error);
}
