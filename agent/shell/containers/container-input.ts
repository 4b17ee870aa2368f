/** One client at a time types into a container. */
import type { Socket } from "node:net";
import { err, ok, type Result } from "../../../worker/std/result.ts";
import type { ContainerId, TerminalSize } from "../../containerizer/containerizer.ts";
import { type ContainerChain, chainText } from "./chain.ts";
import type { ContainerCallError } from "./client-container.ts";
import type { ClientContainers, FoundContainer } from "./client-containers.ts";
import { type TerminalInputs, writeAll } from "./input.ts";

export interface ContainerInput {
  /** Resolves when the container has room for more. */
  write(data: Uint8Array): Promise<Result<void, ContainerCallError>>;
  /** The command reads the end of its input; at a terminal it does not. */
  end(): void;
  resize(size: TerminalSize): Promise<Result<void, ContainerCallError>>;
  /** The next client may come; the container goes on. */
  release(): void;
}

export class ContainerInputs {
  readonly #containers: ClientContainers;
  readonly #terminals: TerminalInputs;
  readonly #taken = new Set<string>();

  constructor(containers: ClientContainers, terminals: TerminalInputs) {
    this.#containers = containers;
    this.#terminals = terminals;
  }

  take(chain: ContainerChain): Result<ContainerInput, ContainerCallError> {
    const id = this.#containers.runningId(chain);
    if (!id.ok) return id;
    const name = chainText(chain);
    if (this.#taken.has(name)) return err({ code: "INPUT_TAKEN", chain });
    const found = this.#containers.find(chain);
    const pipe = found && this.#pipeOf(found, id.value);
    if (pipe === undefined) return err({ code: "NO_INPUT", chain });
    this.#taken.add(name);
    return ok(this.#input(chain, id.value, pipe));
  }

  #input(chain: ContainerChain, id: ContainerId, pipe: InputPipe): ContainerInput {
    const { socket, isTerminal, isShared } = pipe;
    return {
      write: async (data) => {
        const written = await writeAll(socket, data);
        return written.ok ? written : err({ code: "INPUT_BROKEN", chain, errno: written.error });
      },
      end: () => {
        if (!isTerminal) socket.end();
      },
      resize: async (size) => {
        if (!isTerminal) return err({ code: "NO_TERMINAL", chain });
        const resized = await this.#containers.resize(id, size);
        return resized.ok ? resized : err({ code: "NO_TERMINAL", chain });
      },
      release: () => {
        this.#taken.delete(chainText(chain));
        if (!isShared) socket.destroy();
      },
    };
  }

  #pipeOf(found: FoundContainer, id: ContainerId): InputPipe | undefined {
    if (found.kind === "CLIENT" && found.container.pipes !== undefined) {
      const { pipes, hasTerminal } = found.container;
      return { socket: pipes.stdin, isTerminal: hasTerminal, isShared: true };
    }
    const socket = this.#terminals.attach(id);
    socket?.on("error", () => {});
    return socket && { socket, isTerminal: true, isShared: false };
  }
}

interface InputPipe {
  readonly socket: Socket;
  readonly isTerminal: boolean;
  /** The next client gets the same. */
  readonly isShared: boolean;
}
