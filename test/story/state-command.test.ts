import { execFileSync } from "node:child_process";
import {
  createWriteStream,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import { packTar, type TarEntry } from "modern-tar";
import { startCommand } from "../support/command.ts";
import { eventually } from "../support/eventually.ts";
import { mountSmallDisk } from "../support/small-disk.ts";

const TIMEOUT_MS = 180_000;

function temporaryDirectory(): Disposable & { path: string } {
  const path = mkdtempSync(join(tmpdir(), "state-"));
  return { path, [Symbol.dispose]: () => rmSync(path, { recursive: true, force: true }) };
}

async function state(...args: string[]): Promise<{ code: number | null; output: string }> {
  const command = startCommand(["state", ...args]);
  return { code: await command.exitCode, output: command.output() };
}

test(
  "a state is looked at, exported without its key, imported elsewhere with its runs, and cleared",
  async () => {
    using temporary = temporaryDirectory();
    const [first, second] = [join(temporary.path, "first"), join(temporary.path, "second")];
    const archive = join(temporary.path, "state.tar.gz");
    expect(await startCommand(["start", "--once", "--state", first]).exitCode).toBe(0);
    const server = startCommand(["start", "--no-sample", "--state", first]);
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
    expect(await startCommand(["start", "--once", "--state", second]).exitCode).toBe(0);
    expect(readFileSync(join(second, "key"))).not.toEqual(readFileSync(join(first, "key")));
    expect(await state("clear", "--state", first)).toMatchObject({ code: 2 });
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

test.each<[string, (path: string) => void, RegExp]>([
  ["a text", (path) => writeFileSync(path, "hello"), /not compressed by gzip/],
  ["an empty file", (path) => writeFileSync(path, ""), /empty or ends too early/],
  ["a compressed text", (path) => writeFileSync(path, gzipSync("hello")), /another kind of file/],
  [
    "half an archive",
    (path) => writeFileSync(path, gzipSync("x".repeat(99)).subarray(0, 20)),
    /ends too early/,
  ],
  ["a directory", (path) => mkdirSync(path), /is a directory/],
  ["nothing", () => {}, /does not exist/],
])(
  "%s is no archive: the refusal says why, and which file is wanted",
  async (_name, make, reason) => {
    using temporary = temporaryDirectory();
    const archive = join(temporary.path, "wrong");
    make(archive);
    const target = join(temporary.path, "state");
    const { code, output } = await state("import", archive, "--state", target);
    expect([code, output]).toEqual([1, expect.stringMatching(reason)]);
    expect(output).toMatch(
      /\. Name a file that npx runyard state export FILE\.tar\.gz has written\.\n$/,
    );
  },
);

test(
  "an import that was killed leaves a draft beside its place, which the next one takes away",
  async () => {
    using temporary = temporaryDirectory();
    const archive = join(temporary.path, "state.tar.gz");
    const content = gzipSync(await packTar([FORMAT, entry("key", "ry_x")]));
    writeFileSync(archive, content);
    const [target, pipe] = [join(temporary.path, "state"), join(temporary.path, "pipe")];
    execFileSync("mkfifo", [pipe]);
    const killed = startCommand(["state", "import", pipe, "--state", target]);
    const drafts = () => readdirSync(temporary.path).filter((name) => name.includes(".import-"));
    // The archive's beginning, and then no more of it: the import waits.
    const input = createWriteStream(pipe);
    input.on("error", () => {});
    input.write(content.subarray(0, -20));
    await eventually(() => expect(drafts()).toHaveLength(1));
    const other = await state("import", archive, "--state", `${target}-2`);
    expect(other).toMatchObject({ code: 0 });
    expect(drafts()).toHaveLength(1);
    killed.killEverything();
    await killed.exitCode;
    input.destroy();
    expect(drafts()).toHaveLength(1);
    expect(await state("import", archive, "--state", target)).toMatchObject({ code: 0 });
    expect(drafts()).toEqual([]);
    expect(readFileSync(join(target, "key"), "utf8")).toBe("ry_x");
  },
  TIMEOUT_MS,
);

test(
  "npm start on a full disk says so in one line",
  async () => {
    await using disk = mountSmallDisk(2_000_000);
    await disk.fill();
    const start = `cli/main.ts start --state ${disk.path}/state`;
    const output = await disk.run(`${process.execPath} ${start} 2>&1 | grep -v Warning`);
    const told = /^Starting on .*\nthe disk is full: nothing can be written to \S+; make room .*\n/;
    expect(output).toMatch(told);
  },
  TIMEOUT_MS,
);

test(
  "a run that is posted on a full disk is refused with 503, and posted again with room it is one run",
  async () => {
    await using disk = mountSmallDisk(30_000_000);
    const options = `--no-sample --sandbox none --state ${disk.path}/state`;
    await disk.start(`${process.execPath} cli/main.ts start ${options} 2>&1 | cat`);
    const { apiUrl, key } = await eventually(async () => {
      const found = await disk.run(
        `cd ${disk.path}/state && cat server.json key; cd - > /dev/null`,
      );
      const [, url = "", secret = ""] = /"apiUrl":"([^"]+)"[\s\S]*\n(ry_\S+)/.exec(found) ?? [];
      expect(url).toMatch(/^http/);
      return { apiUrl: url, key: secret };
    }, 60);
    const headers = { authorization: `Bearer ${key}`, "content-type": "application/json" };
    const body = JSON.stringify({ prompt: "hello" });
    const post = (idempotencyKey: string) =>
      fetch(`${apiUrl}/runs`, {
        method: "POST",
        headers: { ...headers, "idempotency-key": idempotencyKey },
        body,
      });
    const succeeded = async (response: Response) => {
      const { id } = (await response.json()) as { id: string };
      await eventually(async () => {
        const run = await fetch(`${apiUrl}/runs/${id}`, { headers });
        expect(await run.json()).toMatchObject({ id, status: "succeeded" });
      }, 60);
      return id;
    };
    const before = await succeeded(await post("before"));
    await disk.fill();
    const refused = await post("full");
    expect(refused.status).toBe(503);
    expect(refused.headers.get("content-type")).toMatch(/^application\/problem\+json/);
    expect(await refused.json()).toMatchObject({ status: 503, code: "unavailable" });
    expect(await disk.run("true")).toMatch(/the disk is full: .*\/state\/firestore; make room/);
    await disk.free();
    const after = await succeeded(await post("full"));
    const list = await fetch(`${apiUrl}/runs`, { headers });
    expect(await list.json()).toMatchObject({ items: [{ id: after }, { id: before }] });
  },
  2 * TIMEOUT_MS,
);
