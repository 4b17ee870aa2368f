import type * as own from "../../../../protocol/own/operator.ts";
import { frameworkInfo } from "../../../framework/info.ts";
import type { MasterState } from "../../../state.ts";

/** Names are read off what frameworks said of themselves, once per framework. */
export function namer({
  tables,
}: MasterState): (client: {
  readonly frameworkId: string;
  readonly role: string;
}) => own.ClientName {
  const names = new Map<string, string>();
  return ({ frameworkId, role }) => {
    let name = names.get(frameworkId);
    if (name === undefined) {
      const row = tables.framework.get(frameworkId);
      name = row === undefined ? "" : frameworkInfo(row).name;
      names.set(frameworkId, name);
    }
    return { framework_id: frameworkId, framework_name: name, role };
  };
}
