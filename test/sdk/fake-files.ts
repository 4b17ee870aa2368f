/** The files of agents, as the master answers for them: READ_FILE with the real one's cap. */
import { decodeJson, encodeJson } from "../../worker/protocol/wire/json.ts";
import { inProcessTransport } from "../../worker/sdk/transport.ts";

const READ_BYTES_MAX = 64 * 1024;

export class FakeFiles {
  readonly #files = new Map<string, Uint8Array>();
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

  async answer(request: Request): Promise<Response> {
    if (this.failWith !== undefined) return new Response("no", { status: this.failWith });
    const call = decodeJson("mesos.v1.agent.Call", await request.text());
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
