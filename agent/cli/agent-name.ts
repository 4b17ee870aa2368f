import type { Operator } from "../../worker/sdk/operator.ts";

/**
 * The agent that somebody means: its id, or the last part of it (`S1`), which names it within its
 * cluster. What names nobody stays as it is, for the master to say so.
 */
export async function agentIdOf(operator: Operator, name: string): Promise<string> {
  if (!/^S\d+$/.test(name)) return name;
  const { get_agents } = await operator.ask({ type: "GET_AGENTS" });
  const ids = (get_agents?.agents ?? []).map(({ agent_info }) => agent_info.id?.value ?? "");
  const [found, another] = ids.filter((id) => id.endsWith(`-${name}`));
  // Of an agent that came from another cluster there may be two; then only the id says which.
  if (found !== undefined) return another === undefined ? found : name;
  // One that is unreachable is not listed; its id begins as those of its cluster do.
  const { get_master } = await operator.ask({ type: "GET_MASTER" });
  const cluster = get_master?.master_info?.id;
  return cluster === undefined ? name : `${cluster}-${name}`;
}
