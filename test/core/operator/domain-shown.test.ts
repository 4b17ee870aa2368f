/** Where the master is, if anybody has said so. */
import { expect, test } from "vitest";
import { masterInfo } from "../../../worker/core/framework/master-info.ts";
import { documents } from "../../../worker/core/operator/documents/index.ts";
import { wholeText } from "../../../worker/core/operator/documents/long-text.ts";
import { flagsOf } from "../../../worker/core/operator/flags.ts";
import { domainMessage } from "../../scenarios/commands.ts";
import { MasterHost } from "../../support/master-host.ts";

function shown(host: MasterHost) {
  const text = JSON.parse(wholeText(documents["/state"](host.state, {}, 0)));
  return {
    state: text.domain,
    leader: text.leader_info.domain,
    told: masterInfo(host.state).domain,
    flag: flagsOf(host.state).find(({ name }) => name === "domain")?.value,
  };
}

test("a master's domain is shown wherever the master is", () => {
  const domain = domainMessage("eu/eu-1");
  const host = new MasterHost({ settings: { domain } });
  expect(shown(host)).toEqual({
    state: domain,
    leader: domain,
    told: domain,
    flag: '{"fault_domain":{"region":{"name":"eu"},"zone":{"name":"eu-1"}}}',
  });
});

test("a master without a domain shows none", () => {
  const none = { state: undefined, leader: undefined, told: undefined, flag: undefined };
  expect(shown(new MasterHost())).toEqual(none);
});
