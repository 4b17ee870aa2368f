import type * as master from "../../protocol/v1/master.ts";
import { convertFree } from "../operation/convert-free.ts";
import type { Turn } from "../turn.ts";

export function createVolumes(turn: Turn, { create_volumes: call }: master.Call): void {
  const { agent_id, volumes } = call ?? {};
  convertFree(turn, agent_id?.value ?? "", { type: "CREATE", create: { volumes } });
}
