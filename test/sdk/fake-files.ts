/** The files of agents, as the master answers: READ_FILE with the real one's cap, LIST_FILES. */
import { decodeJson, encodeJson } from "../../worker/protocol/wire/json.ts";
import { inProcessTransport } from "../../worker/sdk/transport.ts";

const READ_BYTES_MAX = 64 * 1024;

export class FakeFiles {
  readonly #files = new Map<string, Uint8Array>();
  /** When a file with a number was made. */
  readonly #times = new Map<string, bigint>();
  #clock = 0n;
  /** Set: the status of every answer. */
  failWith: number | undefined;

  readonly transport = inProcessTransport((request) => this.answer(request));

  write(path: string, text: string): void {
    const before = this.#files.get(path) ?? new Uint8Array();
    const more = new TextEncoder().encode(text);
    const all = new Uint8Array(before.length + more.length);
    all.set(before);
    all.set(more, before.length);
    this.#files.set(path, all);
  }

  /** What is there moves to `.1`, that to `.2`; at most `filesMax` such files stay. */
  rotate(path: string, filesMax: number): void {
    this.#files.delete(`${path}.${filesMax}`);
    for (let number = filesMax; number >= 1; number--) {
      const from = number === 1 ? path : `${path}.${number - 1}`;
      const content = this.#files.get(from);
      if (content === undefined) continue;
      this.#files.set(`${path}.${number}`, content);
      if (number > 1) this.#times.set(`${path}.${number}`, this.#times.get(from) ?? 0n);
    }
    this.#times.set(`${path}.1`, ++this.#clock);
    this.#files.set(path, new Uint8Array());
  }

  #list(folder: string): string {
    const inside = [...this.#files].filter(([path]) => path.startsWith(`${folder}/`));
    const file_infos = inside.map(([path, content]) => ({
      path,
      size: BigInt(content.length),
      mtime: { nanoseconds: this.#times.get(path) ?? 0n },
    }));
    const list_files = { file_infos };
    return encodeJson("mesos.v1.agent.Response", { type: "LIST_FILES", list_files });
  }

  async answer(request: Request): Promise<Response> {
    if (this.failWith !== undefined) return new Response("no", { status: this.failWith });
    const call = decodeJson("mesos.v1.agent.Call", await request.text());
    if (call.ok && call.value.list_files !== undefined) {
      return new Response(this.#list(call.value.list_files.path));
    }
    if (!call.ok || call.value.read_file === undefined) return new Response("?", { status: 400 });
    const { path, offset, length = BigInt(READ_BYTES_MAX) } = call.value.read_file;
    const file = this.#files.get(path);
    if (file === undefined) return new Response(`no file ${path}`, { status: 404 });
    const from = Number(offset);
    const data = file.slice(from, from + Math.min(Number(length), READ_BYTES_MAX));
    const read_file = { size: BigInt(file.length), data };
    return new Response(encodeJson("mesos.v1.agent.Response", { type: "READ_FILE", read_file }));
  }
}
