import type * as master from "../../protocol/v1/master.ts";
import { convertFree } from "../operation/convert-free.ts";
import type { Turn } from "../turn.ts";

export function reserveResources(turn: Turn, { reserve_resources: call }: master.Call): void {
  const { agent_id, resources, source } = call ?? {};
  convertFree(turn, agent_id?.value ?? "", { type: "RESERVE", reserve: { resources, source } });
}
