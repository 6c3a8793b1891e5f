import { once } from "node:events";
import { mkdtempSync, rmSync } from "node:fs";
import { createServer } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { isInUse, readServerAddress } from "../../cli/local-server.ts";
import { type RunningCommand, startCommand } from "../support/command.ts";
import { eventually } from "../support/eventually.ts";
import { freePorts } from "../support/free-ports.ts";

const TIMEOUT_MS = 240_000;

function temporaryState(): Disposable & { path: string } {
  const path = mkdtempSync(join(tmpdir(), "state-"));
  return { path, [Symbol.dispose]: () => rmSync(path, { recursive: true, force: true }) };
}

async function startServer(path: string, args = ["--no-sample"]) {
  const command = startCommand(["start", ...args, "--state", path]);
  await command.prints(/Serving|turn 1/);
  return Object.assign(command, {
    [Symbol.asyncDispose]: async () => {
      command.signal("SIGTERM");
      await command.exitCode;
    },
  });
}

async function startRun(
  path: string,
  prompt: string,
): Promise<{ run: RunningCommand; id: string }> {
  const run = startCommand(["run", "--state", path, prompt]);
  await run.prints(/turn 1/);
  const [id = ""] = run.output().match(/run_\w+/) ?? [];
  return { run, id };
}

/** Somebody else's server, at the port of one that has ended. */
async function listeningAt(port: number) {
  const requests: (string | undefined)[] = [];
  const server = createServer((request, response) => {
    requests.push(request.url);
    response.writeHead(401).end();
  });
  await eventually(async () => {
    await once(server.listen(port, "127.0.0.1"), "listening");
  });
  const close = async () => {
    server.close();
    server.closeAllConnections();
  };
  return { requests, [Symbol.asyncDispose]: close };
}

test(
  "Ctrl-C during the sample ends the process with its lock, and says how the run goes on",
  async () => {
    using state = temporaryState();
    const command = await startServer(state.path, ["--prompt", "wait 60 seconds"]);
    const [id = ""] = command.output().match(/run_\w+/) ?? [];
    command.signal("SIGINT");
    await command.exitCode;
    expect(isInUse(state.path)).toBe(false);
    const [, said = ""] = command.output().split("\nStopping.");
    expect(said).toContain(`  npx runyard start --state ${state.path}\n`);
    expect(said).toContain(`  npx runyard watch ${id} --state ${state.path}\n`);
    expect(said).not.toContain("Serving");
  },
  TIMEOUT_MS,
);

test.each<NodeJS.Signals>(["SIGKILL", "SIGTERM"])(
  "whoever follows a run is told that its server got %s, while it is away, and sees the run's end when it is back",
  async (signal) => {
    using state = temporaryState();
    // No usual one, which the server of another test would take before the stranger does.
    const [port = 0] = await freePorts(1);
    const first = await startServer(state.path, ["--no-sample", "--port", String(port)]);
    const { run } = await startRun(state.path, "wait 15 seconds");
    process.kill(readServerAddress(state.path)?.pid ?? 0, signal);
    await using stranger = await listeningAt(port);
    await run.prints(/The server does not answer .*; still trying\. Ctrl-C stops following\.\n/);
    await run.prints(/If it was stopped, start it: .*\n/);
    expect(run.output()).toContain(`start it: npx runyard start --state ${state.path}\n`);
    await first.exitCode;
    // At another port.
    await using _second = await startServer(state.path);
    expect(await run.exitCode).toBe(0);
    expect(run.output()).toMatch(/The server is back\.\n[\s\S]*succeeded/);
    // Told once each time: a busy machine may be silent for long enough, too.
    const told = run.output().match(/does not answer|is back/g) ?? [];
    expect(told).toEqual(told.map((_, at) => (at % 2 === 0 ? "does not answer" : "is back")));
    expect(stranger.requests).toEqual([]);
  },
  TIMEOUT_MS,
);

test(
  "a log and a list go on after a kill -9 and a restart, with what was not printed before",
  async () => {
    using state = temporaryState();
    const first = await startServer(state.path);
    const list = startCommand(["list", "--follow", "--json=id,status", "--state", state.path]);
    const { id } = await startRun(state.path, "wait 15 seconds");
    const logs = startCommand(["logs", "-f", id, "--state", state.path]);
    await list.prints(/running/);
    await logs.prints(/\n/);
    process.kill(readServerAddress(state.path)?.pid ?? 0, "SIGKILL");
    await Promise.all([list, logs].map((each) => each.prints(/The server does not answer; still/)));
    await first.exitCode;
    await using _second = await startServer(state.path);
    expect(await logs.exitCode).toBe(0);
    await list.prints(/"status":"succeeded"/);
    list.signal("SIGINT");
    expect(await list.exitCode).toBe(130);
    expect(list.output()).toContain(`list --follow --json=id,status --state ${state.path}\n`);
    const whole = startCommand(["logs", id, "--state", state.path]);
    expect(await whole.exitCode).toBe(0);
    expect(logs.output().replace(/^(The server|If it was) .*\n/gm, "")).toBe(whole.output());
    const talks = startCommand(["conversations", "--json=turns", "--state", state.path]);
    expect(await talks.exitCode).toBe(0);
    expect(talks.output()).toBe('{"turns":1}\n');
  },
  TIMEOUT_MS,
);

test(
  "a server that does not answer is told, and Ctrl-C says how to come back, which works",
  async () => {
    using state = temporaryState();
    await using _server = await startServer(state.path);
    const { run, id } = await startRun(state.path, "wait 60 seconds");
    const streams = [
      ["logs", "-f", id],
      ["list", "--follow"],
      ["transcript", id],
    ].map((args) => startCommand([...args, "--state", state.path]));
    await Promise.all(streams.map((stream) => stream.prints(/\n/)));
    const pid = readServerAddress(state.path)?.pid ?? 0;
    process.kill(pid, "SIGSTOP");
    try {
      await eventually(() => expect(run.output()).toMatch(/does not answer .*; still trying/));
      await eventually(() => {
        for (const stream of streams) expect(stream.output()).toMatch(/does not answer; still/);
      });
    } finally {
      process.kill(pid, "SIGCONT");
    }
    await Promise.all([run, ...streams].map((each) => each.prints(/The server is back/)));
    for (const stream of streams) stream.signal("SIGINT");
    for (const stream of streams) expect(await stream.exitCode).toBe(130);
    run.signal("SIGINT");
    expect(await run.exitCode).toBe(130);
    expect(run.output()).toContain(`npx runyard watch ${id} --state ${state.path}\n`);
    const back = startCommand(["watch", id, "--state", state.path]);
    await back.prints(/turn 1/);
    back.signal("SIGINT");
    expect(await back.exitCode).toBe(130);
  },
  TIMEOUT_MS,
);

test(
  "what cannot be followed is said with what to do",
  async () => {
    using state = temporaryState();
    const refused = async (code: number, ...args: string[]) => {
      const command = startCommand([...args, "--state", state.path]);
      expect(await command.exitCode).toBe(code);
      return command.output();
    };
    expect(await refused(3, "run", "x")).toBe(
      `No server runs on ${state.path}. Start one with: npx runyard start --state ${state.path}\n`,
    );
    await using _server = await startServer(state.path);
    expect(await refused(2, "watch", "a/b")).toMatch(/a\/b is no id of a run; one looks like run_/);
    const absent = "run_2MApo7WXve5lCHoJCSaJKN";
    expect(await refused(2, "watch", absent, "x")).toMatch(/x is no id of a run/);
    expect(await refused(3, "watch", absent)).toBe(`there is no run ${absent}\n`);
    const one = startCommand(["run", "--state", state.path, "echo"]);
    expect(await one.exitCode).toBe(0);
    expect(one.output()).toMatch(/^ {2}Usage +1 turn, \$0, 0 tokens in/m);
  },
  TIMEOUT_MS,
);
