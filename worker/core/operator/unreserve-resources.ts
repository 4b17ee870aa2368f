import type * as master from "../../protocol/v1/master.ts";
import { convertFree } from "../operation/convert-free.ts";
import type { Turn } from "../turn.ts";

export function unreserveResources(turn: Turn, { unreserve_resources: call }: master.Call): void {
  const { agent_id, resources } = call ?? {};
  convertFree(turn, agent_id?.value ?? "", { type: "UNRESERVE", unreserve: { resources } });
}
