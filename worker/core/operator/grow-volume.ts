import type * as master from "../../protocol/v1/master.ts";
import { convertFree } from "../operation/convert-free.ts";
import type { Turn } from "../turn.ts";

export function growVolume(turn: Turn, { grow_volume: call }: master.Call): void {
  if (call === undefined) return;
  const { agent_id, volume, addition } = call;
  const operation = { type: "GROW_VOLUME", grow_volume: { volume, addition } } as const;
  convertFree(turn, agent_id?.value ?? "", operation);
}
