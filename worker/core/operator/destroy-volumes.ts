import type * as master from "../../protocol/v1/master.ts";
import { convertFree } from "../operation/convert-free.ts";
import type { Turn } from "../turn.ts";

export function destroyVolumes(turn: Turn, { destroy_volumes: call }: master.Call): void {
  const { agent_id, volumes } = call ?? {};
  convertFree(turn, agent_id?.value ?? "", { type: "DESTROY", destroy: { volumes } });
}
