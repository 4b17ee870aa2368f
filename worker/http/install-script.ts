/**
 * The script behind `curl -fsSL https://<control plane>/agent/install | sh -s -- --name rack1-07`: POSIX
 * sh, run as root, on machines with systemd or without.
 *
 * 1. Nothing is run before all of it has arrived: everything is in functions, called by its last
 * line. 2. Nothing on the machine changes before the agent's file is here, has the digest that this
 * script was made with, starts, and finds nothing FAILED in its own check. 3. Run again, it
 * upgrades: tasks go on, for systemd ends the agent alone, and the configuration stays unless
 * options are given. 4. What it would do is written once, in `apply`, which either says it or does
 * it.
 */

export interface InstallFacts {
  /** As this control plane was reached, without a slash at its end. */
  readonly controlPlane: string;
  /** Of the agent's file: hexadecimal SHA-256. */
  readonly digest: string;
}

export function installScript({ controlPlane, digest }: InstallFacts): string {
  return SCRIPT.replace("@CONTROL_PLANE@", () => quoted(controlPlane)).replace("@DIGEST@", digest);
}

/** One word of sh. */
function quoted(text: string): string {
  return `'${text.replaceAll("'", `'\\''`)}'`;
}

const SCRIPT = String.raw`#!/bin/sh
# Installs the Rimrock agent, or brings it up to date. Read it before you run it:
#   curl -fsSL <control plane>/agent/install | sh -s -- --dry-run
set -eu

control_plane=@CONTROL_PLANE@
digest=@DIGEST@
service=rimrock-agent.service

usage() {
  cat <<END
Installs the Rimrock agent for the control plane $control_plane.

  curl -fsSL $control_plane/agent/install | sh -s -- [options]

  --name NAME            advertised name of this machine (default: its host name)
  --resources TEXT       like 'cpus:4;mem:8192' (default: what the machine has)
  --attributes TEXT      like 'rack:r1;zone:z1'
  --domain TEXT          region and zone, like 'eu/eu-1'
  --containerizer NAME   cgroups, or process, which isolates nothing (default: cgroups)
  --work-dir DIR         checkpoints and sandboxes (default: /var/lib/rimrock-agent)
  --ca FILE              PEM certificates to trust besides the public ones
  --root DIR             install below DIR and start nothing, as packagers do
  --no-start             install, but do not start it
  --force                install although the agent's check finds something FAILED
  --dry-run              say what would be done, and do none of it
  --uninstall            stop the agent (its tasks as well) and remove it; its work directory stays
  --help                 print this

Proxies: HTTPS_PROXY, HTTP_PROXY and NO_PROXY, as they are set now, become the agent's.
END
}

say() { printf '%s\n' "rimrock: $*"; }
fail() {
  printf '%s\n' "rimrock: $*" >&2
  exit 1
}

# do_it WHAT COMMAND...: says WHAT; runs the command unless this is a dry run.
do_it() {
  what=$1
  shift
  if [ "$dry_run" = yes ]; then
    say "would $what"
  else
    say "$what"
    "$@"
  fi
}

# put FILE MODE: standard input becomes FILE, all at once.
put() {
  mkdir -p "$(dirname "$1")"
  cat >"$1.new"
  chmod "$2" "$1.new"
  mv -f "$1.new" "$1"
}

find_node() {
  node=$(command -v node || true)
  [ -n "$node" ] || fail "there is no Node.js here; install 20.19 or newer: https://nodejs.org/en/download"
  "$node" -e 'const [a, b] = process.versions.node.split(".").map(Number); process.exit(a > 20 || (a === 20 && b >= 19) ? 0 : 1)' ||
    fail "$node is $("$node" --version); the agent needs 20.19 or newer: https://nodejs.org/en/download"
}

download() {
  url=$control_plane/agent/rimrock-agent.mjs
  if command -v curl >/dev/null; then
    if [ -n "$ca" ]; then curl -fsSL --cacert "$ca" -o "$1" "$url"; else curl -fsSL -o "$1" "$url"; fi
  elif command -v wget >/dev/null; then
    if [ -n "$ca" ]; then wget -q --ca-certificate="$ca" -O "$1" "$url"; else wget -qO "$1" "$url"; fi
  else
    fail "neither curl nor wget is here; install one of them"
  fi || fail "could not download $url"
  "$node" -e '
    const { createHash } = require("node:crypto");
    const bytes = require("node:fs").readFileSync(process.argv[1]);
    process.exit(createHash("sha256").update(bytes).digest("hex") === process.argv[2] ? 0 : 1);
  ' "$1" "$digest" ||
    fail "$url is not the file that this script was made for (another version was deployed meanwhile?); run it again"
}

# The options as pairs "name value" → JSON; what this machine has of it stays when none is given.
configuration() {
  "$node" -e '
    const [ca, ...pairs] = process.argv.slice(1);
    const options = {};
    while (pairs.length > 0) options[pairs.shift()] = pairs.shift();
    if (ca !== "") options.ca = ca;
    console.log(JSON.stringify(options, null, 2));
  ' "$@"
}

proxies() {
  for name in HTTPS_PROXY HTTP_PROXY NO_PROXY ALL_PROXY https_proxy http_proxy no_proxy all_proxy; do
    value=$(printenv "$name" || true)
    [ -z "$value" ] || printf '%s="%s"\n' "$name" "$(printf '%s' "$value" | sed 's/[\\"]/\\&/g')"
  done
}

unit() {
  cat <<END
[Unit]
Description=Rimrock agent: runs tasks for $control_plane
# However often it fails: what it waits for may come back.
StartLimitIntervalSec=0
Documentation=$control_plane/help
Wants=network-online.target
After=network-online.target docker.service

[Service]
Type=exec
ExecStart=/usr/local/bin/rimrock-agent --config /etc/rimrock/agent.json
EnvironmentFile=-/etc/rimrock/agent.env
# It ends well only when it is told to: systemctl stop, rimrock-agent --shutdown.
Restart=on-failure
RestartSec=2
# The cluster removed this agent for good.
RestartPreventExitStatus=20
# Tasks outlive the agent: a restart or an upgrade leaves them running.
KillMode=process
Delegate=yes
OOMPolicy=continue
TasksMax=infinity
LimitNOFILE=65536

[Install]
WantedBy=multi-user.target
END
}

command_file() {
  cat <<END
#!/bin/sh
exec '$node' /opt/rimrock/rimrock-agent.mjs "\$@"
END
}

has_systemd() { [ -z "$root" ] && [ -d /run/systemd/system ] && command -v systemctl >/dev/null; }

start_service() {
  systemctl daemon-reload
  systemctl enable --quiet "$service"
  systemctl restart "$service"
  sleep 2
  systemctl is-active --quiet "$service" || fail "the agent ended right after its start; see: journalctl -eu $service"
}

apply() {
  config=$root/etc/rimrock/agent.json
  do_it "put the agent into $root/opt/rimrock/rimrock-agent.mjs" put "$root/opt/rimrock/rimrock-agent.mjs" 644 <"$agent"
  command_file | do_it "put the command into $root/usr/local/bin/rimrock-agent" put "$root/usr/local/bin/rimrock-agent" 755
  [ -z "$ca" ] || do_it "put $ca into $root/etc/rimrock/ca.pem" put "$root/etc/rimrock/ca.pem" 644 <"$ca"
  if [ -e "$config" ] && [ "$options_given" = no ]; then
    say "$config stays as it is"
  else
    do_it "write $config" put "$config" 600 <"$work/agent.json"
    if [ "$dry_run" = yes ]; then sed 's/^/    /' "$work/agent.json"; fi
  fi
  if [ -n "$(proxies)" ]; then
    proxies | do_it "write the proxies into $root/etc/rimrock/agent.env" put "$root/etc/rimrock/agent.env" 600
  fi
  unit | do_it "write $root/etc/systemd/system/$service" put "$root/etc/systemd/system/$service" 644
  if [ "$dry_run" = yes ]; then unit | sed 's/^/    /'; fi
  if [ "$start" = no ] || [ -n "$root" ]; then
    say "it is not started: systemctl enable --now $service"
  elif has_systemd; then
    do_it "start $service" start_service
    say "follow it with: journalctl -fu $service"
  else
    say "there is no systemd here; start it with: rimrock-agent --config /etc/rimrock/agent.json"
  fi
}

# Waits until the tasks have ended and the master has heard of it, for two minutes at most.
end_tasks() { /usr/local/bin/rimrock-agent --shutdown --config /etc/rimrock/agent.json; }

uninstall() {
  if has_systemd; then
    if systemctl is-active --quiet "$service"; then
      do_it "end the tasks of $service, and the agent" end_tasks || true
    fi
    do_it "stop $service" systemctl disable --now --quiet "$service" || true
  fi
  for file in etc/systemd/system/$service usr/local/bin/rimrock-agent opt/rimrock/rimrock-agent.mjs \
    etc/rimrock/agent.json etc/rimrock/agent.env etc/rimrock/ca.pem; do
    [ ! -e "$root/$file" ] || do_it "remove $root/$file" rm -f "$root/$file"
  done
  for folder in opt/rimrock etc/rimrock; do
    [ "$dry_run" = yes ] || rmdir "$root/$folder" 2>/dev/null || true
  done
  if has_systemd && [ "$dry_run" = no ]; then systemctl daemon-reload; fi
  say "the work directory stays; remove it when nobody needs its sandboxes any more"
}

need_value() { [ "$2" -ge 2 ] || fail "$1 needs a value; see --help"; }

main() {
  dry_run=no start=yes force=no root= ca= remove=no options_given=no containerizer=cgroups
  work=$(mktemp -d)
  trap 'rm -rf "$work"' EXIT
  agent=$work/rimrock-agent.mjs
  pairs=$work/pairs
  : >"$pairs"
  while [ $# -gt 0 ]; do
    case $1 in
      --name | --hostname | --resources | --attributes | --domain | --containerizer | --work-dir)
        need_value "$1" $#
        case $2 in *"
"*) fail "$1 has a line break" ;; esac
        option=$(printf '%s' "$1" | sed 's/^--//; s/^name$/hostname/')
        [ "$option" != containerizer ] || containerizer=
        printf '%s\n%s\n' "$option" "$2" >>"$pairs"
        options_given=yes
        shift
        ;;
      --ca) need_value "$1" $#; ca=$2; options_given=yes; shift ;;
      --root) need_value "$1" $#; root=$(printf '%s' "$2" | sed 's:/*$::'); shift ;;
      --no-start) start=no ;;
      --force) force=yes ;;
      --dry-run) dry_run=yes ;;
      --uninstall) remove=yes ;;
      --help) usage; exit 0 ;;
      *) fail "there is no option '$1'; see --help" ;;
    esac
    shift
  done
  [ "$(uname -s)" = Linux ] || fail "the agent runs on Linux only; this is $(uname -s)"
  if [ "$dry_run" = no ] && [ -z "$root" ] && [ "$(id -u)" != 0 ]; then
    fail "this needs root; put sudo before sh, or look first with --dry-run"
  fi
  if [ "$remove" = yes ]; then
    uninstall
    return
  fi
  if [ -n "$ca" ] && [ ! -r "$ca" ]; then fail "--ca $ca cannot be read"; fi
  find_node
  download "$agent"
  [ -z "$containerizer" ] || printf '%s\n%s\n' containerizer "$containerizer" >>"$pairs"
  set --
  while IFS= read -r word; do set -- "$@" "$word"; done <"$pairs"
  ca_installed=
  [ -z "$ca" ] || ca_installed=/etc/rimrock/ca.pem
  configuration "$ca_installed" master "$control_plane" "$@" >"$work/agent.json"
  if [ -e "$root/etc/rimrock/agent.json" ] && [ "$options_given" = no ]; then
    cp "$root/etc/rimrock/agent.json" "$work/check.json"
  else
    configuration "$ca" master "$control_plane" "$@" >"$work/check.json"
  fi
  say "what the agent finds on this machine:"
  if ! "$node" "$agent" check --config "$work/check.json"; then
    [ "$force" = yes ] || fail "nothing is installed; mend what is FAILED, or leave it out (see --help), or give --force"
  fi
  apply
}

main "$@"
`;
