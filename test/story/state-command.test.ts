import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import { packTar, type TarEntry } from "modern-tar";
import { startCommand } from "../support/command.ts";
import { mountSmallDisk } from "../support/small-disk.ts";

const TIMEOUT_MS = 90_000;

function temporaryDirectory(): Disposable & { path: string } {
  const path = mkdtempSync(join(tmpdir(), "state-"));
  return { path, [Symbol.dispose]: () => rmSync(path, { recursive: true, force: true }) };
}

async function state(...args: string[]): Promise<{ code: number | null; output: string }> {
  const command = startCommand("state", args);
  return { code: await command.exitCode, output: command.output() };
}

test(
  "a state is looked at, exported without its key, imported elsewhere with its runs, and cleared",
  async () => {
    using temporary = temporaryDirectory();
    const [first, second] = [join(temporary.path, "first"), join(temporary.path, "second")];
    const archive = join(temporary.path, "state.tar.gz");
    expect(await startCommand("cli", ["--once", "--state", first]).exitCode).toBe(0);
    const server = startCommand("cli", ["--no-sample", "--state", first]);
    await server.prints(/Serving/);
    const live = JSON.parse((await state("info", "--json", "--state", first)).output);
    expect(live).toMatchObject({ formatVersion: 1, inUse: true, runs: { succeeded: 1 } });
    expect(live.server.apiUrl).toMatch(/^http:/);
    for (const refused of [
      ["export", archive],
      ["clear", "--yes"],
    ]) {
      const { code, output } = await state(...refused, "--state", first);
      expect([code, output]).toEqual([1, expect.stringMatching(/in use .*a server runs at/)]);
    }
    server.signal("SIGINT");
    await server.exitCode;
    expect(await state("export", archive, "--state", first)).toMatchObject({ code: 0 });
    expect(await state("import", archive, "--state", second)).toMatchObject({ code: 0 });
    expect(await state("import", archive, "--state", second)).toMatchObject({
      code: 1,
      output: expect.stringMatching(/not empty/),
    });
    expect(existsSync(join(second, "key"))).toBe(false);
    const [before, after] = await Promise.all(
      [first, second].map(async (path) => (await state("info", "--json", "--state", path)).output),
    );
    const { path: _, sizeBytes: __, ...copy } = JSON.parse(after ?? "");
    expect(JSON.parse(before ?? "")).toMatchObject(copy);
    expect(await startCommand("cli", ["--once", "--state", second]).exitCode).toBe(0);
    expect(readFileSync(join(second, "key"))).not.toEqual(readFileSync(join(first, "key")));
    expect(await state("clear", "--state", first)).toMatchObject({ code: 1 });
    expect(await state("clear", "--yes", "--state", first)).toMatchObject({ code: 0 });
    expect(existsSync(first)).toBe(false);
  },
  TIMEOUT_MS,
);

const FORMAT = entry("format.json", '{"format":"runyard-state","version":1}');

function entry(name: string, body: string): TarEntry {
  return { header: { name, size: body.length, type: "file" }, body };
}

test.each<[string, TarEntry[], RegExp]>([
  [
    "a newer version",
    [entry("format.json", FORMAT.body?.toString().replace("1", "9") ?? "")],
    /version 9/,
  ],
  ["no format file", [entry("key", "x")], /no state of Runyard/],
  ["a path that leads out", [FORMAT, entry("../key", "x")], /no file of a state/],
  [
    "a link",
    [FORMAT, { header: { name: "key", size: 0, type: "symlink", linkname: "/etc/passwd" } }],
    /symlink/,
  ],
  ["a damaged database", [FORMAT, entry("pubsub/pubsub.db", "x".repeat(5000))], /damaged/],
])("an archive with %s is refused and leaves nothing", async (_name, entries, reason) => {
  using temporary = temporaryDirectory();
  const archive = join(temporary.path, "bad.tar.gz");
  writeFileSync(archive, gzipSync(await packTar(entries)));
  const target = join(temporary.path, "target", "state");
  expect(await state("import", archive, "--state", target)).toEqual({
    code: 1,
    output: expect.stringMatching(reason),
  });
  expect(existsSync(target)).toBe(false);
});

test(
  "npm start on a full disk says so in one line",
  async () => {
    await using disk = mountSmallDisk(2_000_000);
    await disk.fill();
    const start = `infra/local/cli.ts --state ${disk.path}/state`;
    const output = await disk.run(`${process.execPath} ${start} 2>&1 | grep -v Warning`);
    expect(output).toMatch(/^the disk is full: nothing can be written to \S+; make room .*\n/);
  },
  TIMEOUT_MS,
);
