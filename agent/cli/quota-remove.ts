import { changeEach } from "./change.ts";
import { defineCommand } from "./command.ts";

export const quotaRemove = defineCommand({
  name: "quota remove",
  summary: "Remove the quota of roles: nothing is guaranteed or limited any more",
  flags: {},
  operands: { kind: "words", placeholder: "ROLE..." },
  examples: ["rimrock quota remove eng"],
  run: (_values, context) =>
    changeEach(
      {
        names: "role",
        done: "has no quota any more",
        call: (role) => ({ type: "REMOVE_QUOTA", remove_quota: { role } }),
      },
      context,
    ),
});
