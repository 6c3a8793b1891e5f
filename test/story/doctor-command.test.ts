import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { startCommand } from "../support/command.ts";

const TIMEOUT_MS = 120_000;

async function doctor(...args: string[]): Promise<{ code: number | null; output: string }> {
  const command = startCommand(["doctor", ...args]);
  return { code: await command.exitCode, output: command.output() };
}

test(
  "a server that runs has no fault; a file of secrets that others read is one, with its command",
  async () => {
    const state = mkdtempSync(join(tmpdir(), "doctor-"));
    const server = startCommand(["start", "--no-sample", "--state", state]);
    try {
      await server.prints(/Serving/);
      const well = await doctor("--state", state);
      expect(well).toEqual({ code: 0, output: expect.stringMatching(/^ok +server .* answers$/m) });
      expect(well.output).toMatch(/^ok +key .*the server takes it$/m);
      const secrets = join(state, "secrets.json");
      writeFileSync(secrets, '{"runyard-token": "its value"}', { mode: 0o644 });
      const { code, output } = await doctor("--state", state);
      expect([code, output]).toEqual([1, expect.stringContaining(`→ chmod 600 ${secrets}\n`)]);
      expect(output).toContain("1 fault, ");
    } finally {
      server.signal("SIGINT");
      await server.exitCode;
      rmSync(state, { recursive: true, force: true });
    }
  },
  TIMEOUT_MS,
);
