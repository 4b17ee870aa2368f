import type * as master from "../../protocol/v1/master.ts";
import { convertFree } from "../operation/convert-free.ts";
import type { Turn } from "../turn.ts";

export function shrinkVolume(turn: Turn, { shrink_volume: call }: master.Call): void {
  if (call === undefined) return;
  const { agent_id, volume, subtract } = call;
  const operation = { type: "SHRINK_VOLUME", shrink_volume: { volume, subtract } } as const;
  convertFree(turn, agent_id?.value ?? "", operation);
}
