import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Firestore } from "@google-cloud/firestore";
import { startCommand } from "../support/command.ts";

const TIMEOUT_MS = 120_000;

test(
  "the four services serve any project, say how Google's clients find them, and keep what they got",
  async () => {
    const state = mkdtempSync(join(tmpdir(), "emulators-"));
    try {
      const start = async () => {
        const command = startCommand(["emulators", "--state", state, "--bucket", "a-bucket"]);
        await command.prints(/Serving; kept in .* Stop with Ctrl-C/);
        const exports = command.output().matchAll(/^export (\w+)=(\S+)$/gm);
        const variables = Object.fromEntries([...exports].map(([, name, value]) => [name, value]));
        return { command, variables };
      };
      const open = (host = "") => new Firestore({ projectId: "any-project", host, ssl: false });
      const first = await start();
      expect(Object.keys(first.variables).sort()).toEqual([
        "CLOUD_BUILD_EMULATOR_HOST",
        "FIRESTORE_EMULATOR_HOST",
        "PUBSUB_EMULATOR_HOST",
        "STORAGE_EMULATOR_HOST",
      ]);
      const bucket = await fetch(
        `${first.variables["STORAGE_EMULATOR_HOST"]}/storage/v1/b/a-bucket`,
      );
      expect(bucket.status).toBe(200);
      const writer = open(first.variables["FIRESTORE_EMULATOR_HOST"]);
      await writer.doc("things/one").set({ a: 1 });
      await writer.terminate();
      const second = startCommand(["emulators", "--state", state]);
      expect(await second.exitCode).toBe(1);
      expect(second.output()).toMatch(/is in use by another process/);
      first.command.signal("SIGINT");
      expect(await first.command.exitCode).toBe(0);
      const again = await start();
      const reader = open(again.variables["FIRESTORE_EMULATOR_HOST"]);
      expect((await reader.doc("things/one").get()).data()).toEqual({ a: 1 });
      await reader.terminate();
      again.command.signal("SIGTERM");
      expect(await again.command.exitCode).toBe(0);
    } finally {
      rmSync(state, { recursive: true });
    }
  },
  TIMEOUT_MS,
);
