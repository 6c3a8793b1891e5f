import { randomInt } from "node:crypto";
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { isInUse, readKey, readServerAddress } from "../../cli/local-server.ts";
import type { Run } from "../../shared/documents/run.ts";
import { sha256 } from "../../shared/hash.ts";
import { npmStartInTerminal } from "../support/command.ts";
import { eventually } from "../support/eventually.ts";
import { isAlive, killAll } from "../support/processes.ts";

const TIMEOUT_MS = 240_000;

/**
 * What an agent can leave in the way of its removal: paths deeper than PATH_MAX and folders without
 * modes in each place that it may write to, and processes that ignore every signal that they can,
 * each in a session, an environment and a parentage of its own. These are there once all else is.
 */
const hostile = (mark: string): string => `run: trap "" TERM INT HUP QUIT USR1
obstruct() {
  cd "$1" || return
  n=$(printf 'd%.0s' {1..250}); for i in {1..60}; do mkdir $n && cd $n; done; touch a && done=$((done + 1)); cd "$1"
  mkdir -p shut/in kept/a; touch shut/in/a kept/a/b; ln -s / root
  chmod 500 kept/a kept; chmod 000 shut/in shut && done=$((done + 1))
}
w=$PWD
obstruct "$w" 2>/dev/null; mkdir -p "$HOME/h" "$TMPDIR/t"; obstruct "$HOME/h" 2>/dev/null; obstruct "$TMPDIR/t" 2>/dev/null
cd "$w"; [ "$done" = 6 ] || exit 1
sleep ${mark} & setsid sleep ${mark} & env -i setsid sleep ${mark} &
(setsid sh -c 'trap "" TERM INT HUP; (while :; do sleep ${mark}; done) & exec sleep ${mark}' &)
(cd / && exec env -i setsid sleep ${mark}) </dev/null >/dev/null 2>&1 &
chmod 000 .
exec sleep ${mark}`;

/** How long an agent's processes sleep, which no other process of this machine does. */
const newMark = (): string => String(80_000 + randomInt(10_000_000));

/** The processes that have a word in their command line. */
function processesOf(mark: string): number[] {
  return readdirSync("/proc")
    .filter((name) => /^\d+$/.test(name))
    .map(Number)
    .filter((pid) => {
      try {
        return readFileSync(`/proc/${pid}/cmdline`, "utf8").split("\0").includes(mark);
      } catch {
        return false;
      }
    });
}

/** Sends a run and returns when its agent has done its worst. */
async function obstruct(state: string, mark: string): Promise<void> {
  const { apiUrl = "" } = readServerAddress(state) ?? {};
  const sent = await fetch(`${apiUrl}/runs`, {
    method: "POST",
    headers: { authorization: `Bearer ${readKey(state)}`, "content-type": "application/json" },
    body: JSON.stringify({ prompt: hostile(mark) }),
  });
  expect(sent.status).toBe(202);
  await eventually(() => expect(processesOf(mark).length).toBeGreaterThanOrEqual(6));
}

/** Where builds of a state directory keep what is temporary. */
const temporaryOf = (state: string): string =>
  join(tmpdir(), `runyard-${sha256(state).slice(0, 16)}`);

type Command = ReturnType<typeof npmStartInTerminal>;

async function startServer(state: string, ...args: string[]): Promise<Command> {
  const command = npmStartInTerminal(["--no-sample", "--state", state, ...args]);
  await command.prints(/Serving/);
  return command;
}

async function expectNothingLeft(state: string, command: Command, mark: string) {
  const pids = command.descendants();
  expect(pids.length).toBeGreaterThan(0);
  command.interrupt();
  expect(await command.exitCode).toBe(0);
  expect(command.output()).toMatch(/Stopping/);
  expect(command.output()).not.toMatch(/EACCES|ENAMETOOLONG|cannot be removed|Error/);
  expect(pids.filter(isAlive)).toEqual([]);
  expect(processesOf(mark)).toEqual([]);
  expect(isInUse(state)).toBe(false);
  expect(existsSync(temporaryOf(state))).toBe(false);
}

test.each(["bubblewrap", "none"])(
  "Ctrl-C ends a server in whose sandbox (%s) an agent does its worst, and nothing is left",
  async (sandbox) => {
    const state = mkdtempSync(join(tmpdir(), "state-"));
    const mark = newMark();
    const command = await startServer(state, "--sandbox", sandbox);
    try {
      await obstruct(state, mark);
      await expectNothingLeft(state, command, mark);
      // The next start goes on: the run gets another attempt, which does its worst again where the
      // first one left no checkpoint. A second run does its worst; all that still goes on is
      // cancelled.
      const second = newMark();
      const next = await startServer(state, "--sandbox", sandbox);
      try {
        await obstruct(state, second);
        expect((await statusesAfterCancel(state))[0]).toBe("cancelled");
        for (const each of [mark, second]) {
          await eventually(() => expect(processesOf(each)).toEqual([]));
        }
        await eventually(() => expect(buildsIn(state)).toEqual([]));
        await expectNothingLeft(state, next, second);
      } finally {
        next.killEverything();
        killAll(processesOf(second));
      }
    } finally {
      command.killEverything();
      killAll(processesOf(mark));
      rmSync(state, { recursive: true, force: true });
    }
  },
  TIMEOUT_MS,
);

/** Folders of builds that are not tidied up. */
const buildsIn = (state: string): string[] => readdirSync(join(state, "cloud-build", "builds"));

/** Cancels every run that is not over, and returns how they ended, the newest first. */
async function statusesAfterCancel(state: string): Promise<string[]> {
  const { apiUrl = "" } = readServerAddress(state) ?? {};
  const headers = { authorization: `Bearer ${readKey(state)}` };
  const runs = async () =>
    ((await (await fetch(`${apiUrl}/runs`, { headers })).json()) as { items: Run[] }).items;
  for (const { id, done } of await runs()) {
    if (!done) await fetch(`${apiUrl}/runs/${id}/cancel`, { method: "POST", headers });
  }
  return eventually(async () => {
    const now = await runs();
    expect(now.map((run) => run.done)).not.toContain(false);
    return now.map((run) => run.status);
  }, 60);
}
