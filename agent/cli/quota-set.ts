import type * as mesos from "../../worker/protocol/v1/mesos.ts";
import { err, ok, type Result } from "../../worker/std/result.ts";
import { changeOnce, wrongUsage } from "./change.ts";
import { defineCommand } from "./command.ts";

type Amounts = Readonly<Record<string, mesos.ValueScalar>>;

export const quotaSet = defineCommand({
  name: "quota set",
  summary: "Set what a role and those below it are guaranteed and limited to",
  description: `It takes the place of the quota that the role has. What is not named is guaranteed 0 and has
no limit.`,
  flags: {
    guarantee: { kind: "texts", placeholder: "KIND=AMOUNT", help: "what is kept free for it" },
    limit: { kind: "texts", placeholder: "KIND=AMOUNT", help: "what it may have at most" },
    force: { kind: "switch", help: "also what the cluster cannot keep to now" },
  },
  operands: { kind: "words", placeholder: "ROLE" },
  examples: [
    "rimrock quota set eng --guarantee cpus=2 --limit cpus=8 --limit mem=4096",
    "rimrock quota set batch --limit cpus=0 --force",
  ],
  run: async ({ guarantee, limit, force }, context) => {
    const { terminal, operands } = context;
    const [role, extra] = operands.words;
    if (role === undefined || extra !== undefined) return wrongUsage("name one role", terminal);
    const guarantees = amountsOf(guarantee);
    if (!guarantees.ok) return wrongUsage(`--guarantee ${guarantees.error}`, terminal);
    const limits = amountsOf(limit);
    if (!limits.ok) return wrongUsage(`--limit ${limits.error}`, terminal);
    if (guarantee.length + limit.length === 0) {
      return wrongUsage("give a --guarantee or a --limit; to have none: quota remove", terminal);
    }
    const config = { role, guarantees: guarantees.value, limits: limits.value };
    const update_quota = { force, quota_configs: [config] };
    const sentence = `the quota of ${role} is set`;
    return changeOnce({ type: "UPDATE_QUOTA", update_quota }, { sentence, json: config }, context);
  },
});

/** `cpus=2` and the like; the error continues the flag's name. */
function amountsOf(texts: readonly string[]): Result<Amounts, string> {
  const amounts: Record<string, mesos.ValueScalar> = {};
  for (const text of texts) {
    const [, kind = "", amount = ""] = /^([^=]+)=(.+)$/.exec(text) ?? [];
    const value = Number(amount);
    if (kind === "" || !Number.isFinite(value)) {
      return err(`is given as KIND=AMOUNT, such as cpus=2, not "${text}"`);
    }
    amounts[kind] = { value };
  }
  return ok(amounts);
}
