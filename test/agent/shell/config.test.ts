import { describe, expect, test } from "vitest";
import { readCommandLine as readSources } from "../../../agent/config.ts";
import { withDiscovered } from "../../../agent/discovery/machine.ts";
import { backoffMs } from "../../../agent/shell/backoff.ts";
import { formatResources, parseResourcesText } from "../../../worker/resources/text.ts";
import { assert } from "../../../worker/std/assert.ts";
import { err, ok } from "../../../worker/std/result.ts";

const files: { readonly [path: string]: string } = {
  "/etc/agent.json": `{"master": "http://file:1", "port": 6000, "json": true, "attributes": "rack:r1"}`,
  "/etc/typo.json": `{"masters": "http://file:1", "help": true}`,
  "/etc/list.json": "[]",
  "/etc/master": "http://from.file:1\n",
  "/etc/resources": "cpus:3\n",
  "/etc/mesos.json": `{"master": "http://x", "work_dir": "/w_d", "gc_delay": "2weeks"}`,
  "/etc/torn.json": "{",
  "/etc/port.json": `{"master": "http://file:1", "port": 65536, "json": "yes"}`,
  "/etc/ca.pem": "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n",
};

const readCommandLine = (args: readonly string[], env: Readonly<Record<string, string>>) =>
  readSources({
    args,
    env,
    readFile: (path) => {
      const text = files[path];
      return text === undefined ? err("it cannot be read (ENOENT)") : ok(text);
    },
  });

describe("the command line", () => {
  test("the master comes from the option, else from RIMROCK_MASTER", () => {
    const env = { RIMROCK_MASTER: "https://m.example/c/one" };
    expect(readCommandLine([], env)).toMatchObject({
      value: { type: "RUN", config: { master: new URL("https://m.example/c/one") } },
    });
    expect(readCommandLine(["--master", "http://127.0.0.1:5050"], env)).toMatchObject({
      value: { config: { master: new URL("http://127.0.0.1:5050"), ip: "127.0.0.1", port: 5051 } },
    });
  });

  test("--help and --version need nothing else", () => {
    expect(readCommandLine(["--help"], {})).toEqual({ ok: true, value: { type: "HELP" } });
    expect(readCommandLine(["--version"], {})).toEqual({ ok: true, value: { type: "VERSION" } });
  });

  test("--domain is a region and a zone, and none when it is not given", () => {
    const domain = { fault_domain: { region: { name: "eu" }, zone: { name: "eu-1" } } };
    const master = ["--master", "http://x"];
    expect(readCommandLine([...master, "--domain", "eu/eu-1"], {})).toMatchObject({
      value: { config: { domain } },
    });
    expect(readCommandLine(master, {})).toMatchObject({ value: { config: { domain: undefined } } });
  });

  test("the command line goes before the environment, and that before the file", () => {
    const env = { RIMROCK_AGENT_CONFIG: "/etc/agent.json", RIMROCK_AGENT_PORT: "6001" };
    expect(readCommandLine([], env)).toMatchObject({
      value: { config: { master: new URL("http://file:1"), port: 6001, jsonLog: true } },
    });
    expect(readCommandLine(["--port", "6002"], env)).toMatchObject({
      value: { config: { port: 6002, texts: { attributes: "rack:r1" } } },
    });
  });

  test("names may be written as in Mesos, on the command line and in the file", () => {
    const line = [
      "--master=http://x",
      "--work_dir=/w_d",
      "--gc_delay",
      "2weeks",
      "--insecure_local",
    ];
    const written = { workDirectory: "/w_d", collection: { delayMs: 1_209_600_000 } };
    expect(readCommandLine(line, {})).toMatchObject({
      value: { config: { ...written, insecureLocal: true } },
    });
    const file = ["--config", "/etc/mesos.json"];
    expect(readCommandLine(file, {})).toMatchObject({ value: { config: written } });
    expect(readCommandLine(["--master=http://x", "--no_such=1"], {})).toMatchObject({
      error: [expect.stringMatching(/'--no_such'/)],
    });
    const valued = ["--master=http://x", "--hostname", "--work_dir"];
    expect(readCommandLine(valued, {}).ok).toBe(false);
  });

  test("file:// and a path stand for what is in the file, or for the file where one is meant", () => {
    const line = ["--master=file:///etc/master", "--resources", "file:///etc/resources"];
    const read = readCommandLine([...line, "--work-dir", "file:///w"], {});
    assert(read.ok && read.value.type === "RUN", "the line is in order");
    const { master, resources, workDirectory } = read.value.config;
    expect([master.href, formatResources(resources), workDirectory]).toEqual([
      ...["http://from.file:1/", "cpus:3", "/w"],
    ]);
    const missing = ["--master", "http://x", "--resources", "file:///no"];
    expect(readCommandLine(missing, {})).toMatchObject({
      error: ["--resources file:///no: it cannot be read (ENOENT)"],
    });
  });

  test.each<[string[], boolean]>([
    [["--json"], true],
    [["--json=true"], true],
    [["--json=false"], false],
    [["--no-json"], false],
    [["--no-json=false"], true],
  ])("switches are written as in Mesos: %s", (args, isOn) => {
    const env = { RIMROCK_AGENT_JSON: String(!isOn) };
    expect(readCommandLine(["--master", "http://x", ...args], env)).toMatchObject({
      value: { config: { jsonLog: isOn } },
    });
  });

  test("a switch takes no other value, and what is none is not switched off", () => {
    for (const word of ["--json=yes", "--no-hostname", "--no-such"]) {
      expect(readCommandLine(["--master", "http://x", word], {}).ok, word).toBe(false);
    }
  });

  test("a default role is a role", () => {
    const master = ["--master", "http://x"];
    expect(readCommandLine([...master, "--default_role=web/api"], {})).toMatchObject({
      value: { config: { defaultRole: "web/api" } },
    });
    expect(readCommandLine([...master, "--default-role", "a b"], {})).toMatchObject({
      error: [expect.stringMatching(/^--default-role 'a b': /)],
    });
  });

  test("an empty variable is none, and a switch can be switched off again", () => {
    const env = {
      RIMROCK_AGENT_CONFIG: "/etc/agent.json",
      RIMROCK_AGENT_PORT: "",
      RIMROCK_AGENT_JSON: "false",
    };
    expect(readCommandLine([], env)).toMatchObject({
      value: { config: { port: 6000, jsonLog: false } },
    });
  });

  test("a mistake is told by the name that its author wrote", () => {
    const master = { RIMROCK_MASTER: "http://x" };
    expect(readCommandLine([], { ...master, RIMROCK_AGENT_IP: "a" })).toMatchObject({
      error: [expect.stringMatching(/^RIMROCK_AGENT_IP 'a' is not an IPv4/)],
    });
    expect(readCommandLine(["--config", "/etc/port.json"], {})).toMatchObject({
      error: ["json in /etc/port.json 'yes' is a switch; write true or false"],
    });
  });

  test("check tells mistakes instead of stopping at them", () => {
    expect(readCommandLine(["check", "--port", "0"], {})).toMatchObject({
      value: {
        type: "CHECK",
        mistakes: [expect.stringMatching(/no master/), expect.stringMatching(/--port '0'/)],
      },
    });
  });

  test("certificates are read at once", () => {
    const line = ["--master", "http://x", "--ca", "/etc/ca.pem"];
    expect(readCommandLine(line, {})).toMatchObject({
      value: { config: { certificates: files["/etc/ca.pem"] } },
    });
  });

  test("containerizers are named as in Mesos, and Docker's options are its own", () => {
    const line = ["--master", "http://x", "--containerizers", "docker, mesos"];
    const more = ["--docker-socket", "/run/d.sock", "--docker-config", '{"auths": {}}'];
    expect(readCommandLine([...line, ...more, "--docker-allow-privileged"], {})).toMatchObject({
      value: {
        config: {
          containerizers: ["docker", "mesos"],
          docker: {
            socketPath: "/run/d.sock",
            config: '{"auths": {}}',
            allowPrivileged: true,
            allowVulnerable: false,
          },
        },
      },
    });
    expect(readCommandLine(["--master", "http://x"], {})).toMatchObject({
      value: {
        config: { containerizers: ["mesos"], docker: { socketPath: "/var/run/docker.sock" } },
      },
    });
  });

  const refused: [string[], RegExp][] = [
    [["--config", "/etc/none.json"], /--config \/etc\/none.json: it cannot be read/],
    [["--config", "/etc/torn.json"], /it is not JSON/],
    [["--config", "/etc/list.json"], /it is not an object/],
    [["--master", "http://x", "--ca", "/etc/none.pem"], /--ca \/etc\/none.pem: it cannot be read/],
    [["--master", "http://x", "--ca", "/etc/agent.json"], /holds no certificate/],
    [["--nosuch"], /^there is no option '--nosuch'; see --help$/],
    [["--workdir", "/x"], /^there is no option '--workdir'; did you mean --work-dir\?/],
    [["--port"], /^--port needs a value behind it/],
    [["--hostname", "-x"], /^what follows --hostname begins with a dash; write --hostname=VALUE/],
    [["--insecure-local=yes"], /^--insecure-local is a switch: it takes no value/],
    [["check", "this"], /'this' is one word too many/],
    [[], /RIMROCK_MASTER/],
    [["--master", "ftp://x"], /http:\/\/HOST:PORT/],
    [["--master", "http://u:p@x"], /leave the rest out/],
    [["--master", "http://x?y"], /leave the rest out/],
    [["--master", "http://x", "--port", "65536"], /from 1 to 65535/],
    [["--master", "http://x", "--ip", "10.0.0.256"], /IPv4/],
    [["--master", "http://x", "--hostname", "a b"], /host name/],
    [["--master", "http://x", "--resources", "cpus:-1"], /--resources/],
    [["--master", "http://x", "--attributes", "rack"], /--attributes/],
    [["--master", "http://x", "--domain", "eu"], /--domain 'eu' is not a region and a zone/],
    [["--master", "http://x", "--domain", "eu/"], /eu\/eu-1/],
    [["--master", "http://x", "--domain", "a/b/c"], /a region and a zone/],
    [["--master", "http://x", "--containerizer", "docker"], /process or cgroups/],
    [["--master", "http://x", "--containerizers", "docker,rkt"], /none of mesos, docker and/],
    [["--master", "http://x", "--containerizers", "mesos,mesos"], /none of mesos, docker and/],
    [
      ["--master", "http://x", "--docker-config", "/etc/none.json"],
      /none\.json: it cannot be read/,
    ],
    [["--master", "http://x", "--docker-config", "/etc/torn.json"], /torn\.json is not JSON/],
    [["--master", "http://x", "--docker-config", "{secret"], /^--docker-config is not JSON; see/],
    [["--master", "http://x", "--listen", "all"], /--listen 'all' is not an IPv4/],
    [["--master", "http://x", "--listen", "0.0.0.0", "--insecure-local"], /leave one out/],
    [["--master"], /--help/],
    [["--what"], /--help/],
    [["stray"], /--help/],
  ];
  test("all that a file has too much is told at once", () => {
    expect(readCommandLine(["--config", "/etc/typo.json"], {})).toMatchObject({
      error: [expect.stringMatching(/no option 'masters'/), expect.stringMatching(/'help'/)],
    });
  });

  test.each(refused)("%j is refused with what to do", (args, sentence) => {
    const read = readCommandLine(args, {});
    assert(!read.ok, "it is refused");
    expect(read.error).toHaveLength(1);
    expect(read.error[0]).toMatch(sentence);
  });
});

const USERS = ["--isolation", "namespaces/user,filesystem/linux", "--user-namespace-ids"];

describe("isolation", () => {
  const isolationOf = (...args: string[]) => {
    const read = readCommandLine(["--master", "http://x", ...args], {});
    assert(read.ok && read.value.type === "RUN", "the options are in order");
    return read.value.config.isolation;
  };

  test("without options the machine decides, and nothing is enforced on disks", () => {
    expect(isolationOf()).toEqual({
      isolation: undefined,
      users: undefined,
      seccomp: undefined,
      allowedCapabilities: undefined,
      disk: { everyMs: 15_000, isEnforced: false },
      capsCpus: false,
      gpuDevices: undefined,
    });
  });

  test("Mesos' names are read, and those that stand for several", () => {
    const { isolation } = isolationOf("--isolation", "cgroups/all, posix/disk,filesystem/posix");
    expect([...(isolation ?? [])].toSorted()).toEqual([
      "cgroups/blkio",
      "cgroups/cpu",
      "cgroups/devices",
      "cgroups/mem",
      "cgroups/pids",
      "disk/du",
    ]);
  });

  test("capabilities are read as names, as Mesos' JSON, and all at once", () => {
    const allowed = (text: string) => isolationOf("--allowed-capabilities", text);
    expect(allowed("NET_RAW,CAP_KILL").allowedCapabilities).toEqual(["NET_RAW", "KILL"]);
    const json = '{"capabilities": ["NET_RAW", "KILL"]}';
    expect(allowed(json).allowedCapabilities).toEqual(["NET_RAW", "KILL"]);
    expect(allowed("ALL").allowedCapabilities).toContain("SYS_ADMIN");
    expect(allowed("").allowedCapabilities).toEqual([]);
  });

  test("quotas and GPUs", () => {
    const quota = ["--containerizer", "cgroups", "--enforce-container-disk-quota"];
    const args = [...quota, "--container-disk-watch-interval", "2secs", "--cgroups-enable-cfs"];
    expect(isolationOf(...args, "--nvidia-gpu-devices", "1, 0")).toMatchObject({
      disk: { everyMs: 2_000, isEnforced: true },
      capsCpus: true,
      gpuDevices: [1, 0],
    });
  });

  test.each([
    [["--isolation", "cgroups/net_cls"], /names 'cgroups\/net_cls'.*choose from cgroups\/cpu/],
    [["--isolation", ""], /names ''/],
    [["--isolation", "linux/seccomp,filesystem/linux"], /needs --seccomp-config-dir/],
    [["--isolation", "namespaces/user,filesystem/linux"], /needs --user-namespace-ids/],
    [["--user-namespace-ids", "100000:65536"], /namespaces\/user, which is not in --isolation/],
    [[...USERS, "1000:65536"], /among the machine's own accounts/],
    [[...USERS, "100000"], /write FROM:COUNT/],
    [[...USERS, "4294967290:10"], /does not fit/],
    [["--seccomp-profile-name", "a.json"], /'a.json' needs --seccomp-config-dir/],
    [
      ["--seccomp-config-dir", "/p", "--seccomp-profile-name", "a", "--isolation", "cgroups/cpu"],
      /needs linux\/seccomp in --isolation/,
    ],
    [["--isolation", "volume/host_path"], /without filesystem\/linux/],
    [["--isolation", "cgroups/cpu", "--enforce-container-disk-quota"], /needs; add it/],
    [["--allowed-capabilities", "NET_ROW"], /names 'NET_ROW'/],
    [["--container-disk-watch-interval", "0secs"], /not a time above 0/],
    [["--nvidia-gpu-devices", "0,0"], /each once/],
    [["--nvidia-gpu-devices", "GPU-1"], /minor numbers/],
  ])("%j is refused", (args, sentence) => {
    const read = readCommandLine(["--master", "http://x", ...args], {});
    assert(!read.ok, "it is refused");
    expect(read.error).toHaveLength(1);
    expect(read.error[0]).toMatch(sentence);
  });
});

describe("discovered resources", () => {
  const machine = { cpus: 8, memBytes: 16 * 2 ** 30, diskBytes: 100 * 2 ** 30, gpus: 0 };
  const text = (given: string, more = {}, defaultRole = "*") => {
    const parsed = parseResourcesText(given, { defaultRole });
    assert(parsed.ok, "the text is in order");
    return formatResources(withDiscovered(parsed.value, { ...machine, ...more }, defaultRole));
  };

  test("GPUs, where there are some and nobody said how many", () => {
    expect(text("", { gpus: 2 })).toContain("gpus:2;");
    expect(text("gpus:1", { gpus: 2 })).toContain("gpus:1;");
  });

  test("all processors, memory less 1 GB, disk less 5 GB, ports 31000 to 32000", () => {
    expect(text("")).toBe("cpus:8; disk:97280; mem:15360; ports:[31000-32000]");
  });

  test("half of a small machine", () => {
    const small = { memBytes: 2 ** 30, diskBytes: 2 * 2 ** 30 };
    expect(text("", small)).toBe("cpus:8; disk:1024; mem:512; ports:[31000-32000]");
  });

  test("what is given is not found out, whatever role it is reserved for", () => {
    expect(text("cpus(web):2;ports:[1-2]")).toBe("cpus(web):2; disk:97280; mem:15360; ports:[1-2]");
  });

  test("all that names no role is of the default one, found out or given", () => {
    const reserved = "cpus(web):2; disk(web):97280; mem:64; ports(web):[31000-32000]";
    expect(text("cpus:2;mem(*):64", {}, "web")).toBe(reserved);
  });

  test("a disk of unknown size is not offered", () => {
    expect(text("", { diskBytes: 0 })).toBe("cpus:8; mem:15360; ports:[31000-32000]");
  });
});

describe("back-off", () => {
  test("the first eight attempts come after 50 to 250 ms", () => {
    for (let attempt = 1; attempt <= 8; attempt++) {
      expect(backoffMs(attempt, 60_000, 0)).toBe(50);
      expect(backoffMs(attempt, 60_000, 0.999)).toBeLessThan(250);
    }
  });

  test("later ones are spread over 1 s, doubling to the cap", () => {
    expect(backoffMs(9, 60_000, 0.5)).toBe(500);
    expect(backoffMs(10, 60_000, 0.5)).toBe(1_000);
    expect(backoffMs(100, 60_000, 0.5)).toBe(30_000);
    expect(backoffMs(100, 2_000, 0.5)).toBe(1_000);
  });
});
