import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  symlinkSync,
} from "node:fs";
import { rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { delimiter, dirname, join } from "node:path";
import { startCommand } from "../support/command.ts";

const TIMEOUT_MS = 180_000;

/** A machine without bubblewrap: a folder for `PATH`, and places for a state and for a trace. */
function startMachine() {
  const root = mkdtempSync(join(tmpdir(), "no-sandbox-"));
  const programs = join(root, "bin");
  mkdirSync(programs);
  for (const name of readdirSync("/usr/bin")) {
    if (name !== "bwrap") symlinkSync(join("/usr/bin", name), join(programs, name));
  }
  const path = [programs, dirname(process.execPath)].join(delimiter);
  return {
    path,
    state: join(root, "state"),
    trace: join(root, "trace"),
    [Symbol.asyncDispose]: () => rm(root, { recursive: true, force: true }),
  };
}

test(
  "without bubblewrap the built-in sample runs, and every other run is refused with what mends it",
  async () => {
    await using machine = startMachine();
    const command = startCommand(["start", "--state", machine.state], { PATH: machine.path });
    await command.prints(/Serving/);
    const output = command.output();
    expect(output).toMatch(
      /Sandbox +NONE \(bubblewrap is not installed\): only the built-in sample runs, as you\. To run more install bubblewrap \(Debian: apt-get install bubblewrap\), or let agents run as you with npx runyard start --sandbox none/,
    );
    expect(output).not.toMatch(/no harm/);
    expect(output).toMatch(/succeeded +Done\./);
    const [, url = ""] = output.match(/API +(\S+)/) ?? [];
    const key = readFileSync(join(machine.state, "key"), "utf8").trim();
    const post = (path: string, body: object) =>
      fetch(`${url}${path}`, {
        method: "POST",
        headers: { authorization: `Bearer ${key}`, "content-type": "application/json" },
        body: JSON.stringify(body),
      });
    const sample = "Create hello.txt and explain it";
    const setupCommands = [`touch ${machine.trace}`];
    const [, id = ""] = output.match(/Sample (\S+)/) ?? [];
    for (const [path, body] of [
      ["/runs", { prompt: `run: touch ${machine.trace}` }],
      ["/runs", { prompt: `${sample} ` }],
      ["/runs", { prompt: sample, agent: { settings: { setupCommands } } }],
      [`/runs/${id}/rerun`, { prompt: `run: touch ${machine.trace}` }],
    ] as const) {
      const response = await post(path, body);
      expect([path, response.status, await response.json()]).toEqual([
        path,
        403,
        expect.objectContaining({
          code: "no_sandbox",
          detail: expect.stringContaining("apt-get install bubblewrap"),
        }),
      ]);
    }
    expect((await post("/runs", { prompt: sample })).status).toBe(202);
    expect(existsSync(machine.trace)).toBe(false);
    command.signal("SIGINT");
    expect(await command.exitCode).toBe(0);
  },
  TIMEOUT_MS,
);

test(
  "without bubblewrap another sample is not sent, and --sandbox none is taken at its word",
  async () => {
    await using machine = startMachine();
    const args = ["--once", "--state", machine.state, "--prompt", `run: touch ${machine.trace}`];
    const variables = { PATH: machine.path };
    const refused = startCommand(["start", ...args], variables);
    expect(await refused.exitCode).toBe(1);
    expect(refused.output()).toMatch(/The sample was not sent: without a sandbox only "Create/);
    expect(existsSync(machine.trace)).toBe(false);
    const asked = startCommand(["start", ...args, "--sandbox", "none"], variables);
    expect(await asked.exitCode).toBe(0);
    expect(existsSync(machine.trace)).toBe(true);
  },
  TIMEOUT_MS,
);
