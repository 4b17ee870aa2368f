import { posix } from "node:path";
import { kindOf } from "../../worker/protocol/file-mode.ts";
import type * as mesos from "../../worker/protocol/v1/mesos.ts";
import { SchedulerError } from "../../worker/sdk/error.ts";
import { Operator } from "../../worker/sdk/operator.ts";
import { type CommandContext, defineCommand } from "./command.ts";
import { type Fetched, fetchFile } from "./fetch-file.ts";
import { explained, type FilePlace, findFile } from "./files-place.ts";
import { makeFolder, pathIn } from "./local-folder.ts";
import { printable } from "./printable.ts";

export const filesGet = defineCommand({
  name: "files get",
  summary: "Fetch a file, or a folder with all that is in it, from a task's sandbox",
  description: `Without a TARGET it gets the name that it has there, in this folder. What was
broken off goes on where it stopped when it is asked for again; a file that is here already and has
another size or time is replaced with --force only. Links, pipes and devices are left out. Nothing
is written outside of TARGET. TASK is a task's id, its name, or how its id begins.`,
  flags: {
    force: { kind: "switch", help: "replace files that are here and differ" },
  },
  operands: { kind: "words", placeholder: "TASK PATH [TARGET] | AGENT /PATH [TARGET]" },
  examples: ["rimrock files get web result.json", "rimrock files get web logs ./web-logs"],
  run: async ({ force }, context) => {
    const { terminal, operands, json } = context;
    const [task, path, target, extra] = operands.words;
    const operator = new Operator({ master: context.master.url, transport: context.transport });
    const fail = (sentence: string): number => {
      terminal.err(`rimrock: ${sentence}\n`);
      return 1;
    };
    if (path === undefined) return fail("which file? rimrock files get TASK PATH [TARGET]");
    if (extra !== undefined) return fail(`"${extra}" is one word too many`);
    const words = task === undefined ? [] : [task, path];
    const place = await findFile(operator, words, "rimrock files get");
    if (!place.ok) return fail(place.error);
    const name = posix.basename(place.value.path);
    const to =
      target === undefined || target === ""
        ? pathIn(".", name)
        : ({ ok: true, value: target } as const);
    if (!to.ok) return fail(to.error);
    const getting = new Getting(context, operator, { agentId: place.value.agentId, force });
    await getting.get(place.value, to.value).catch(async (error: unknown) => {
      throw await explained(operator, place.value, error);
    });
    getting.done();
    if (json) terminal.out(`${JSON.stringify(getting.summary, null, 2)}\n`);
    return getting.summary.problems.length === 0 ? 0 : 1;
  },
});

const PROGRESS_MS = 200;
/** Folders within each other: a sandbox may be bound into itself. */
const DEPTH_MAX = 64;

interface Summary {
  files: number;
  bytes: number;
  /** Were here already. */
  same: number;
  readonly skipped: string[];
  readonly problems: string[];
}

class Getting {
  readonly summary: Summary = { files: 0, bytes: 0, same: 0, skipped: [], problems: [] };
  readonly #context: CommandContext;
  readonly #operator: Operator;
  readonly #options: { readonly agentId: string; readonly force: boolean };
  #shownMs = 0;
  #hasProgress = false;

  constructor(
    context: CommandContext,
    operator: Operator,
    options: { readonly agentId: string; readonly force: boolean },
  ) {
    this.#context = context;
    this.#operator = operator;
    this.#options = options;
  }

  async get({ path }: FilePlace, to: string): Promise<void> {
    const listed = await this.#list(path);
    if (listed !== undefined) {
      await this.#getFolder(listed, to, 0);
      return;
    }
    const folder = posix.dirname(path);
    const siblings = (await this.#list(folder).catch(() => undefined)) ?? [];
    const found = siblings.find((file) => file.path === path);
    // What a link tells of itself is not what it leads to.
    await this.#getFile(
      found !== undefined && kindOf(found.mode ?? 0) === "-" ? found : { path },
      to,
    );
  }

  /** The last word of all, for people. */
  done(): void {
    const { files, bytes, same, skipped } = this.summary;
    this.#clearProgress();
    if (this.#context.json) return;
    const parts = [`${files} ${files === 1 ? "file" : "files"}, ${bytes} bytes`];
    if (same > 0) parts.push(`${same} were here already`);
    if (skipped.length > 0) parts.push(`${skipped.length} that are no files were left out`);
    this.#context.terminal.err(`rimrock: ${parts.join("; ")}\n`);
  }

  /** Undefined: it is no folder. */
  async #list(path: string): Promise<readonly mesos.FileInfo[] | undefined> {
    try {
      const call = { type: "LIST_FILES", list_files: { path } } as const;
      const { list_files } = await this.#operator.askAgent(this.#options.agentId, call);
      return list_files?.file_infos ?? [];
    } catch (error) {
      if (SchedulerError.is(error) && error.code === "INVALID_CALL") return undefined;
      throw error;
    }
  }

  async #getFolder(files: readonly mesos.FileInfo[], to: string, depth: number): Promise<void> {
    const made = depth > DEPTH_MAX ? tooDeep(to) : makeFolder(to);
    if (!made.ok) return this.#problem(made.error);
    for (const file of files) {
      const local = pathIn(to, posix.basename(file.path));
      if (!local.ok) {
        this.#problem(local.error);
        continue;
      }
      const kind = kindOf(file.mode ?? 0);
      if (kind === "d") {
        const inner = await this.#list(file.path).catch((error: unknown) => this.#failed(error));
        if (inner !== undefined) await this.#getFolder(inner, local.value, depth + 1);
      } else if (kind === "-") {
        await this.#getFile(file, local.value);
      } else {
        this.summary.skipped.push(file.path);
      }
    }
  }

  async #getFile(file: mesos.FileInfo, to: string): Promise<void> {
    const { agentId, force } = this.#options;
    try {
      const fetched = await fetchFile(this.#operator, { agentId, file, to, force }, (bytes, size) =>
        this.#progress(file.path, bytes, size),
      );
      if (fetched.ok) this.#count(fetched.value);
      else this.#problem(fetched.error);
    } catch (error) {
      this.#failed(error);
    }
  }

  #count({ bytes, wasHere }: Fetched): void {
    if (wasHere) this.summary.same++;
    else this.summary.files++;
    this.summary.bytes += bytes;
  }

  /** Of one file of several: the others are fetched all the same. */
  #failed(error: unknown): undefined {
    const isOurs = error instanceof Error && ("code" in error || SchedulerError.is(error));
    if (!isOurs) throw error;
    this.#problem(error.message);
    return undefined;
  }

  #problem(sentence: string): void {
    this.#clearProgress();
    this.summary.problems.push(sentence);
    this.#context.terminal.err(`rimrock: ${printable(sentence)}\n`);
  }

  /** On one line that is written over and over, for somebody who looks. */
  #progress(path: string, bytes: number, size: number): void {
    const { terminal, keyboard } = this.#context;
    const width = keyboard.size()?.columns;
    if (!terminal.colour || width === undefined || Date.now() - this.#shownMs < PROGRESS_MS) return;
    this.#shownMs = Date.now();
    const share = size === 0 ? 100 : Math.floor((100 * bytes) / size);
    const text = `${printable(posix.basename(path))} ${share} % of ${size} bytes`.slice(
      0,
      width - 1,
    );
    terminal.err(`\r\u001b[K${text}`);
    this.#hasProgress = true;
  }

  #clearProgress(): void {
    if (this.#hasProgress) this.#context.terminal.err("\r\u001b[K");
    this.#hasProgress = false;
  }
}

function tooDeep(path: string) {
  return { ok: false, error: `${path} is ${DEPTH_MAX} folders deep; fetch it by itself` } as const;
}
