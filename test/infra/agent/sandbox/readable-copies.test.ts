import { chmodSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { readableCopies } from "../../../../infra/agent/sandbox/readable-copies.ts";
import { outcomeOf, startSandboxWorld } from "../../../support/sandbox.ts";

/** A program in a folder, as a umask of 077 leaves them. */
function unpackedFor(...modes: [folder: number, program: number, data: number]) {
  const root = mkdtempSync(join(tmpdir(), "runyard-readable-"));
  const tool = join(root, "tool");
  mkdirSync(join(tool, "lib"), { recursive: true });
  writeFileSync(join(tool, "lib", "words.txt"), "read\n");
  writeFileSync(join(tool, "run"), "#!/bin/sh\ncat /opt/tool/lib/words.txt /opt/tool/words.txt\n");
  symlinkSync("lib/words.txt", join(tool, "words.txt"));
  const [folder, program, data] = modes;
  for (const path of [root, tool, join(tool, "lib")]) chmodSync(path, folder);
  chmodSync(join(tool, "run"), program);
  chmodSync(join(tool, "lib", "words.txt"), data);
  return { root, shown: [{ host: tool, inside: "/opt/tool" }] };
}

test("what only its owner can read is shown to the sandbox as a copy, and said", async () => {
  const { root, shown } = unpackedFor(0o700, 0o700, 0o600);
  const copies = mkdtempSync(join(tmpdir(), "runyard-copies-"));
  chmodSync(copies, 0o711);
  const lines: string[] = [];
  const readable = readableCopies(shown, copies, (line) => lines.push(line));
  expect(lines).toEqual([
    `only root can read ${root}/tool: copied for the sandbox (chmod -R go+rX mends it)`,
  ]);
  await using world = await startSandboxWorld({}, { shown: readable });
  const { stdout, stderr } = await outcomeOf(world.inside("/opt/tool/run"));
  expect([stdout, stderr]).toEqual(["read\nread\n", ""]);
  for (const folder of [root, copies]) rmSync(folder, { recursive: true });
});

test("what everybody can read is shown as it lies", () => {
  const { root, shown } = unpackedFor(0o755, 0o755, 0o644);
  const fail = (line: string) => expect(line).toBe("");
  expect(readableCopies(shown, "/nowhere", fail)).toEqual(shown);
  rmSync(root, { recursive: true });
});
