import { mkdtempSync, readFileSync, rmSync, statSync } from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Run } from "../../shared/documents/run.ts";
import { startCommand } from "../support/command.ts";
import { eventually } from "../support/eventually.ts";
import { isAlive } from "../support/processes.ts";

const TIMEOUT_MS = 180_000;

function temporaryDirectory(): Disposable & { path: string } {
  const path = mkdtempSync(join(tmpdir(), "state-"));
  return { path, [Symbol.dispose]: () => rmSync(path, { recursive: true, force: true }) };
}

interface Server {
  url: string;
  key: string;
}

async function served(state: string, command: ReturnType<typeof startCommand>): Promise<Server> {
  await command.prints(/Serving/);
  const [, url = ""] = command.output().match(/API +(\S+)/) ?? [];
  return { url, key: readFileSync(join(state, "key"), "utf8").trim() };
}

async function call({ url, key }: Server, path: string, body?: object): Promise<Run> {
  const response = await fetch(`${url}${path}`, {
    method: body ? "POST" : "GET",
    headers: { authorization: `Bearer ${key}`, "content-type": "application/json" },
    ...(body && { body: JSON.stringify(body) }),
  });
  expect(response.ok).toBe(true);
  return (await response.json()) as Run;
}

describe("npm start", () => {
  test(
    "--once shows the sample from pending to its answer and ends with 0; --trace leaves its waterfall",
    async () => {
      using state = temporaryDirectory();
      const command = startCommand(["start", "--once", "--trace", "--state", state.path]);
      expect(await command.exitCode).toBe(0);
      const output = command.output();
      for (const text of [
        /OFFLINE/,
        /pending/,
        /running +turn \d/,
        /succeeded/,
        /Answer +\[offline\]/,
        /hello\.txt \(\+1\)/,
      ]) {
        expect(output).toMatch(text);
      }
      const [, id, trace = ""] = output.match(/Trace of (run_\w+): (\S+\.html)/) ?? [];
      const page = readFileSync(trace, "utf8");
      for (const text of [id, "POST /v1/runs", "submit-build", "agent", "complete"]) {
        expect(page).toContain(text);
      }
      expect(page).not.toContain("hello.txt");
      expect(statSync(join(state.path, "key")).mode & 0o777).toBe(0o600);
      expect(statSync(state.path).mode & 0o777).toBe(0o700);
    },
    TIMEOUT_MS,
  );

  test(
    "--once ends with 1 when the sample does not succeed",
    async () => {
      using state = temporaryDirectory();
      const args = ["--once", "--state", state.path, "--prompt", "fail with 400"];
      const command = startCommand(["start", ...args]);
      expect(await command.exitCode).toBe(1);
      expect(command.output()).toMatch(/failed .*\n.*Remedy/);
    },
    TIMEOUT_MS,
  );

  test(
    "serves until Ctrl-C, takes runs from another terminal, and leaves no process behind",
    async () => {
      using state = temporaryDirectory();
      const command = startCommand(["start", "--no-sample", "--state", state.path]);
      await served(state.path, command);
      const send = startCommand(["run", "--state", state.path, "Create hello.txt"]);
      expect(await send.exitCode).toBe(0);
      expect(send.output()).toMatch(/succeeded/);
      expect(send.output()).not.toMatch(/warning/i);
      const second = startCommand(["start", "--state", state.path]);
      expect(await second.exitCode).toBe(1);
      expect(second.output()).toMatch(/in use .*a server runs at http:\/\/127/);
      command.signal("SIGINT");
      expect(await command.exitCode).toBe(0);
      const late = startCommand(["run", "--state", state.path, "x"]);
      expect(await late.exitCode).toBe(3);
      expect(late.output()).toMatch(/No server runs/);
    },
    TIMEOUT_MS,
  );

  test.each([
    ["an unknown option", ["--nope"], /--nope/],
    ["a port that is none", ["--port", "99999"], /--port 99999/],
    ["a sandbox that is none", ["--sandbox", "docker"], /--sandbox docker/],
    ["live without a key", ["--live"], /ANTHROPIC_API_KEY/],
  ])("%s: says so and ends with 2", async (_name, args, pattern) => {
    using state = temporaryDirectory();
    const command = startCommand(["start", ...args, "--state", state.path]);
    expect(await command.exitCode).toBe(2);
    expect(command.output()).toMatch(pattern);
  });

  test(
    "servers that start at once take no port from each other",
    async () => {
      const states = Array.from({ length: 4 }, temporaryDirectory);
      const commands = states.map(({ path }) =>
        startCommand(["start", "--no-sample", "--sandbox", "none", "--state", path]),
      );
      try {
        await Promise.all(commands.map((command) => command.prints(/Serving/)));
        const docs = commands.map((command) => /^ {2}Docs +(\S+)$/m.exec(command.output())?.[1]);
        expect(new Set(docs).size).toBe(commands.length);
      } finally {
        for (const command of commands) command.signal("SIGINT");
        await Promise.all(commands.map(({ exitCode }) => exitCode));
        for (const state of states) state[Symbol.dispose]();
      }
    },
    TIMEOUT_MS,
  );

  test("--help explains and starts nothing", async () => {
    const command = startCommand(["start", "--help"]);
    expect(await command.exitCode).toBe(0);
    expect(command.output()).toMatch(/--sandbox <MODE>/);
  });

  test(
    "the sample is sent at the first start on a state directory, and later when it is asked for",
    async () => {
      using state = temporaryDirectory();
      const start = async (args: string[]): Promise<string> => {
        const command = startCommand(["start", ...args, "--state", state.path]);
        await command.prints(/Serving/);
        command.signal("SIGINT");
        await command.exitCode;
        return command.output();
      };
      const [first, second, third] = [await start([]), await start([]), await start(["--sample"])];
      for (const output of [first, third]) expect(output).toMatch(/Sample run_.*succeeded/s);
      expect(second).not.toMatch(/Sample/);
      expect(first).toMatch(/^ {2}Docs +http:\/\/127\.0\.0\.1:\d+\/docs$/m);
      expect(first).toContain(`Send a run with: npx runyard run … --state ${state.path} `);
    },
    TIMEOUT_MS,
  );

  test(
    "a busy port that was asked for is an error",
    async () => {
      using state = temporaryDirectory();
      const taken = createServer().listen(0, "127.0.0.1");
      await eventually(() => expect(taken.listening).toBe(true));
      const { port } = taken.address() as { port: number };
      const command = startCommand(["start", "--port", String(port), "--state", state.path]);
      expect(await command.exitCode).toBe(1);
      expect(command.output()).toMatch(/EADDRINUSE.*--port/);
      expect(command.output()).toMatch(`Port ${port} cannot be used: another program has it`);
      taken.close();
    },
    TIMEOUT_MS,
  );
});

describe("kill -9 in mid-run", () => {
  test(
    "of everything: the next start goes on and the run succeeds in its second attempt",
    async () => {
      using state = temporaryDirectory();
      const first = startCommand(["start", "--no-sample", "--state", state.path]);
      const { url, key } = await served(state.path, first);
      const { id } = await call({ url, key }, "/runs", { prompt: "wait 5 seconds" });
      const queuedToo = await call({ url, key }, "/runs", { prompt: "Create hello.txt" });
      await eventually(async () => {
        const run = await call({ url, key }, `/runs/${id}`);
        expect(run.progress?.text).toMatch(/Bash/);
      }, 30);
      const pids = first.killEverything();
      expect(pids.length).toBeGreaterThan(5);
      await eventually(() => expect(pids.filter(isAlive)).toEqual([]));
      const second = startCommand(["start", "--no-sample", "--state", state.path]);
      const server = await served(state.path, second);
      expect(server.key).toBe(key);
      for (const each of [id, queuedToo.id]) {
        await eventually(async () => {
          expect(await call(server, `/runs/${each}`)).toMatchObject({ status: "succeeded" });
        }, 40);
      }
      expect((await call(server, `/runs/${id}`)).attempt).toBe(2);
      second.signal("SIGTERM");
      expect(await second.exitCode).toBe(0);
    },
    TIMEOUT_MS,
  );

  test(
    "of the server alone: nothing that it started lives on",
    async () => {
      using state = temporaryDirectory();
      const command = startCommand(["start", "--no-sample", "--state", state.path]);
      const server = await served(state.path, command);
      const { id } = await call(server, "/runs", { prompt: "wait 60 seconds" });
      await eventually(async () => {
        expect((await call(server, `/runs/${id}`)).progress?.text).toMatch(/Bash/);
      }, 30);
      const { pid } = JSON.parse(readFileSync(join(state.path, "server.json"), "utf8"));
      const pids = command.descendants();
      process.kill(pid, "SIGKILL");
      await eventually(() => expect(pids.filter(isAlive)).toEqual([]));
    },
    TIMEOUT_MS,
  );
});
