import { existsSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { isInUse, readKey, readServerAddress } from "../../cli/local-server.ts";
import type { Run } from "../../shared/documents/run.ts";
import { npmStart } from "../support/command.ts";
import { eventually } from "../support/eventually.ts";
import { isAlive, processesAt } from "../support/processes.ts";

const TIMEOUT_MS = 180_000;
const ENDS_WITHIN_SECONDS = 15;

/** A server that npm started, and the three processes that it hangs on. */
async function startServer() {
  const state = mkdtempSync(join(tmpdir(), "state-"));
  const command = npmStart(["--no-sample", "--state", state]);
  await command.prints(/Serving/);
  const server = readServerAddress(state);
  if (server === undefined) throw new Error(`no server is known in ${state}`);
  expect(processesAt(state)).toContain(server.pid);
  const [launcher = 0] = command.descendants();
  return {
    ...{ state, command, server },
    processes: { npm: command.pid, launcher, server: server.pid },
    async [Symbol.asyncDispose]() {
      command.killEverything();
      rmSync(state, { recursive: true, force: true });
    },
  };
}

type RunningServer = Awaited<ReturnType<typeof startServer>>;

/** Sends a run, and returns when its agent is at work. */
async function startRun({ server, state }: RunningServer): Promise<void> {
  const headers = {
    authorization: `Bearer ${readKey(state)}`,
    "content-type": "application/json",
  };
  const body = JSON.stringify({ prompt: "wait 60 seconds" });
  const sent = await fetch(`${server.apiUrl}/runs`, { method: "POST", headers, body });
  const { id } = (await sent.json()) as Run;
  await eventually(async () => {
    const run = await fetch(`${server.apiUrl}/runs/${id}`, { headers });
    expect(((await run.json()) as Run).progress?.text).toMatch(/Bash/);
  });
}

/** Waits until every process of a server is gone, and looks at what it left. */
async function expectEnded({ state }: RunningServer, pids: number[]): Promise<void> {
  // Of npm too, which ends after what it started. Not whether somebody listens at its ports: they
  // are anybody's now.
  const left = () => [...pids.filter(isAlive), ...processesAt(state)];
  await eventually(() => expect(left()).toEqual([]), ENDS_WITHIN_SECONDS);
  expect(isInUse(state)).toBe(false);
  // A server that was killed leaves it.
  expect(existsSync(join(state, "server.json"))).toBe(false);
}

test(
  "npm gets SIGTERM in mid-run: it waits for the server's orderly end and has its exit status",
  async () => {
    await using running = await startServer();
    await startRun(running);
    const { command, processes } = running;
    const pids = command.descendants();
    expect(pids).toContain(processes.server);
    command.signal("SIGTERM");
    expect(await command.exitCode).toBe(0);
    expect(command.output()).toMatch(/Stopping/);
    await expectEnded(running, pids);
  },
  TIMEOUT_MS,
);

test.each<["launcher" | "server", NodeJS.Signals]>([
  ["launcher", "SIGKILL"],
  ["server", "SIGHUP"],
])(
  "%s gets %s and nobody reads any longer: the server ends in order",
  async (target, signal) => {
    await using running = await startServer();
    const pids = running.command.descendants();
    running.command.stopReading();
    process.kill(running.processes[target], signal);
    await expectEnded(running, pids);
  },
  TIMEOUT_MS,
);
