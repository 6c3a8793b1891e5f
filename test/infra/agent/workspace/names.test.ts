import { execFileSync } from "node:child_process";
import { existsSync, mkdtempSync, readFileSync, rmSync, symlinkSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import fc from "fast-check";
import { isRefusedByGit } from "../../../../shared/git-names.ts";
import { GIT, git, startCloneWorld, startEmptyWorld, writeFiles } from "./patch-world.ts";

const bytes = (text: string): string => Buffer.from(text).toString("latin1");

interface Tried {
  path: string;
  isLink: boolean;
}

/** For each path, whether git refuses it for its index on any system. */
function refusedByGit(folder: string, tried: readonly Tried[]): boolean[] {
  const lines = tried.map(
    ({ path, isLink }, i) => `${isLink ? "120000" : "100644"} ${"1".repeat(40)} 0\t${i}/${path}\0`,
  );
  const strict = ["-c", "core.protectHFS=true", "-c", "core.protectNTFS=true"];
  const options = { cwd: folder, env: GIT, maxBuffer: 64 * 1024 ** 2 };
  const input = Buffer.from(lines.join(""), "latin1");
  const args = [...strict, "update-index", "-z", "--add", "--index-info"];
  execFileSync("git", args, { ...options, input, stdio: ["pipe", "pipe", "ignore"] });
  const listed = execFileSync("git", ["ls-files", "-z"], options).toString("latin1").split("\0");
  const taken = new Set(listed.map((line) => Number.parseInt(line, 10)));
  return tried.map((_, i) => !taken.has(i));
}

/** Pieces of names that git looks at. */
const PIECES = [
  ...[".git", ".GIT", ".gIt", "git~1", "GIT~1", "git~2", "git", ".", "..", "g", "i", "t", "~1"],
  ...[" ", ":", "\\", ":$DATA", "modules", ".gitmodules", ".GitModules", "gitmod~1", "gitmod~4"],
  ...["gitmod~5", "gi7eba~1", "gi7eba~9", "GI7EBA~10", "gi7eb~12", "gi7e~123", "gi7~1234", "~1"],
  ...["ignore", "attributes", "x", "\u200c", "\u200e", "\u202e", "\u206f", "\ufeff", "é", "\u0130"],
];

const name = fc
  .array(fc.constantFrom(...PIECES), { minLength: 1, maxLength: 4 })
  .map((pieces) => pieces.join(""));
const path = fc.array(name, { minLength: 1, maxLength: 3 }).map((names) => bytes(names.join("/")));

test("a name is refused exactly when git refuses it, here or on another system", () => {
  const folder = mkdtempSync(join(tmpdir(), "runyard-names-"));
  git(folder, "init", "-q");
  const listed = PIECES.flatMap((piece) =>
    [piece, `sub/${piece}`, `${piece}.`, `${piece} `, `a\\${piece}`, `${piece}:x`].map(bytes),
  );
  const drawn = fc.sample(path, { numRuns: 20_000, seed: 10 });
  const tried = [...listed, ...drawn].flatMap((one) =>
    [false, true].map((isLink) => ({ path: one, isLink })),
  );
  const refused = refusedByGit(folder, tried);
  const wrong = tried.filter((one, i) => {
    const isRefused = isRefusedByGit(one.path, one.isLink);
    // Of a name that begins with a backslash git does not look at what follows it.
    return isRefused !== refused[i] && !(isRefused && /(^|\/)\\/.test(one.path));
  });
  expect(wrong.slice(0, 10)).toEqual([]);
  expect(refused.filter(Boolean).length).toBeGreaterThan(1000);
  rmSync(folder, { recursive: true });
});

const NAMES = [
  ...["git~1", "GIT~1", "sub/.git.", "sub/.git ", "sub/.GIT/config", "sub/.g\u200cit/x"],
  ...[".git::$INDEX_ALLOCATION/x", "a\\.git", "a\\git~1", "dir/git~1/inner"],
];

test("files of refused names cost the patch and the next turn nothing else", async () => {
  await using world = await startCloneWorld({ "kept.txt": "1\n", "dir/x": "1\n", "sub/x": "1\n" });
  const refused = Object.fromEntries(NAMES.map((name) => [name, "r\n"]));
  writeFiles(world.workspace, { ...refused, "kept.txt": "2\n", "sub/new": "n\n" });
  const { files, omitted, notes } = await world.write();
  expect(files.map(({ path: changed }) => changed)).toEqual(["kept.txt", "sub/new"]);
  expect(omitted.named.map(({ why }) => why)).toEqual(NAMES.map(() => "name_refused"));
  expect(notes.join()).toContain("git refuses the name");
  const fresh = world.clone("fresh");
  world.apply(fresh);
  expect(readFileSync(join(fresh, "kept.txt"), "utf8")).toBe("2\n");
  const next = world.clone("next");
  expect(await world.restore(next)).toEqual(notes);
  expect(readFileSync(join(next, "sub/new"), "utf8")).toBe("n\n");
});

test("links of refused names cost nothing else, and files of these names do not become links", async () => {
  const links = [".gitmodules", "gi7eba~1", "gitmod~1", "sub/.GITMODULES", "top/.gitmodules/x"];
  const before = Object.fromEntries(links.map((link) => [link, "[x]\n"]));
  await using world = await startCloneWorld({ ...before, "kept.txt": "1\n" });
  for (const link of links) {
    rmSync(world.at(link));
    symlinkSync("/etc/passwd", world.at(link));
  }
  writeFiles(world.workspace, { "kept.txt": "2\n" });
  const { omitted } = await world.write();
  expect(omitted.named).toEqual(
    links.map((link) => ({ path: link, isFolder: false, why: "name_refused" })),
  );
  const [fresh, next] = [world.clone("fresh"), world.clone("next")];
  world.apply(fresh);
  await world.restore(next);
  for (const place of [fresh, next]) {
    expect(readFileSync(join(place, "kept.txt"), "utf8")).toBe("2\n");
    for (const link of links) expect(readFileSync(join(place, link), "utf8")).toBe("[x]\n");
  }
});

test("names that only look like those are kept", async () => {
  await using world = await startEmptyWorld();
  const names = ["git", "git~2", ".gitx", ".gitignore", "x.git", "a.git/config", ".git~1", "~1"];
  writeFiles(world.workspace, Object.fromEntries(names.map((kept) => [kept, "k\n"])));
  expect((await world.write()).omitted.named).toEqual([]);
  const fresh = world.newPlace("fresh");
  world.apply(fresh);
  for (const kept of names) expect(existsSync(join(fresh, kept))).toBe(true);
});
