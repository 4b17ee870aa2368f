import { modeText } from "../../worker/protocol/file-mode.ts";
import type * as mesos from "../../worker/protocol/v1/mesos.ts";
import { Operator } from "../../worker/sdk/operator.ts";
import { defineCommand } from "./command.ts";
import { explained, findFile } from "./files-place.ts";
import { printListing } from "./list.ts";
import { plainTime } from "./plain.ts";
import { printable } from "./printable.ts";

export const filesLs = defineCommand({
  name: "files ls",
  summary: "List what is in a task's sandbox",
  description: `TASK is a task's id, its name, or how its id begins; also of one that is over. A
path on an agent begins with a slash: /frameworks/F/executors/E/runs/latest.`,
  flags: {},
  operands: { kind: "words", placeholder: "TASK [PATH] | AGENT /PATH" },
  examples: ["rimrock files ls web", "rimrock files ls web logs --json"],
  run: async (_values, context) => {
    const { terminal, operands } = context;
    const operator = new Operator({ master: context.master.url, transport: context.transport });
    const place = await findFile(operator, operands.words, "rimrock files ls");
    if (!place.ok) {
      terminal.err(`rimrock: ${place.error}\n`);
      return 1;
    }
    const { agentId, path } = place.value;
    const call = { type: "LIST_FILES", list_files: { path } } as const;
    const { list_files } = await operator.askAgent(agentId, call).catch(async (error: unknown) => {
      throw await explained(operator, place.value, error);
    });
    printListing(
      {
        items: (list_files?.file_infos ?? []).map(plainFile),
        columns: {
          MODE: ({ mode }) => mode,
          OWNER: ({ owner, group }) => `${owner}:${group}`,
          BYTES: ({ bytes }) => String(bytes),
          CHANGED: ({ changed }) => changed ?? "",
          NAME: ({ name }) => printable(name),
        },
        empty: "nothing is there",
      },
      context,
    );
    return 0;
  },
});

function plainFile({ path, mode, uid, gid, size, mtime }: mesos.FileInfo) {
  return {
    name: path.slice(path.lastIndexOf("/") + 1),
    path,
    mode: modeText(mode ?? 0),
    owner: uid ?? "",
    group: gid ?? "",
    bytes: Number(size ?? 0n),
    changed: plainTime(mtime),
  };
}
