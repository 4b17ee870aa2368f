/**
 * A client that sees bytes: for rules about chunks, order and broken connections that fetch hides.
 */
import { connect, type Socket } from "node:net";

export interface RawHead {
  readonly status: number;
  /** As they came, one line each. */
  readonly lines: readonly string[];
}

/** What the other side did before it sent what was asked for. */
export class ConnectionEnded extends Error {
  override readonly name = "ConnectionEnded";
}

export class RawConnection {
  readonly socket: Socket;
  #received = Buffer.alloc(0);
  #ended = false;
  #wake: () => void = () => {};

  private constructor(socket: Socket) {
    this.socket = socket;
    socket.on("data", (piece) => {
      this.#received = Buffer.concat([this.#received, piece]);
      this.#wake();
    });
    for (const event of ["end", "close", "error"]) {
      socket.on(event, () => {
        this.#ended = true;
        this.#wake();
      });
    }
  }

  static open(port: number): Promise<RawConnection> {
    return new Promise((resolve, reject) => {
      const socket = connect({ port, host: "127.0.0.1", noDelay: true });
      socket.once("error", reject);
      socket.once("connect", () => resolve(new RawConnection(socket)));
    });
  }

  send(text: string | Uint8Array): void {
    this.socket.write(text);
  }

  async readHead(): Promise<RawHead> {
    const [first = "", ...lines] = (await this.#readUntil("\r\n\r\n")).split("\r\n");
    return { status: Number(first.split(" ")[1]), lines };
  }

  /** The bytes of one HTTP chunk; empty for the last one. */
  async readChunk(): Promise<Buffer> {
    const size = Number.parseInt(await this.#readUntil("\r\n"), 16);
    const chunk = await this.readBytes(size);
    await this.readBytes(2);
    return chunk;
  }

  async readBytes(count: number): Promise<Buffer> {
    await this.#until(() => this.#received.length >= count);
    const bytes = this.#received.subarray(0, count);
    this.#received = this.#received.subarray(count);
    return bytes;
  }

  /** Everything until the other side ends the connection. */
  async readToEnd(): Promise<Buffer> {
    await this.#until(() => this.#ended);
    return this.readBytes(this.#received.length);
  }

  close(): void {
    this.socket.destroy();
  }

  async #readUntil(mark: string): Promise<string> {
    await this.#until(() => this.#received.includes(mark));
    const at = this.#received.indexOf(mark);
    const text = this.#received.toString("latin1", 0, at);
    this.#received = this.#received.subarray(at + mark.length);
    return text;
  }

  async #until(condition: () => boolean): Promise<void> {
    while (!condition()) {
      if (this.#ended) throw new ConnectionEnded(`after ${this.#received.length} more bytes`);
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
    }
  }
}
