import { gzipSync } from "node:zlib";
import { packTar, type TarEntry } from "modern-tar";
import { commandsOfArchive } from "../../../../infra/agent/workspace/tree-archive.ts";

const file = (name: string, text = "", more = {}): TarEntry => ({
  header: { name, size: text.length, ...more },
  body: text,
});
const bare = (name: string, type: "directory" | "symlink" | "link" | "fifo", linkname = "") => ({
  header: { name, size: 0, type, linkname },
});
const zipped = async (entries: readonly TarEntry[]) => gzipSync(await packTar([...entries]));

async function commandsOf(archive: Buffer, limits = { treeEntries: 5, treeBytes: 10_000 }) {
  const folders: string[] = [];
  const pieces: string[] = [];
  for await (const piece of commandsOfArchive(archive, { name: "sent", folders, limits })) {
    pieces.push(typeof piece === "string" ? piece : Buffer.from(piece).toString());
  }
  return { commands: pieces.join(""), folders };
}

test("files, links and folders of an archive are commands of git, and nothing else of it", async () => {
  const archive = await zipped([
    bare("./", "directory"),
    file("./a b.txt", "1\r\n"),
    file("dir/é.sh", "x", { mode: 0o755 }),
    bare("empty/below/", "directory"),
    bare("up", "symlink", "../../etc/passwd"),
  ]);
  const { commands, folders } = await commandsOf(archive);
  expect(commands.split("\n").slice(3)).toEqual([
    ...['M 100644 inline "a b.txt"', "data 3", "1\r", ""],
    ...['M 100755 inline "dir/\\303\\251.sh"', "data 1", "x"],
    ...['M 120000 inline "up"', "data 16", "../../etc/passwd", "done", ""],
  ]);
  expect(folders).toEqual(["empty/below"]);
});

test.each<[string, TarEntry, string]>([
  ["a path that leads out", file("a/../../b"), "leads out of it"],
  ["a path from the root", file("/etc/passwd"), "leads out of it"],
  ["a folder that leads out", bare("../x/", "directory"), "leads out of it"],
  ["a repository's own", file("a/.git/config"), "git takes into no tree"],
  ["a link to git's settings", bare(".gitmodules", "symlink", "x"), "git takes into no tree"],
  ["a hard link", bare("a", "link", "/etc/passwd"), "has a link at"],
  ["a pipe", bare("a", "fifo"), "has a fifo at"],
  ["a name that is not UTF-8", file("a\ufffd"), "is not UTF-8"],
])("an archive with %s is refused", async (_, entry, why) => {
  await expect(commandsOf(await zipped([entry]))).rejects.toThrow(why);
});

test("an archive has its bounds, and is whole", async () => {
  const six = await zipped(["a", "b", "c", "d", "e", "f"].map((name) => file(name)));
  await expect(commandsOf(six)).rejects.toThrow("has more than 5 files, folders and links");
  const large = await zipped([file("a", "0".repeat(20_000))]);
  await expect(commandsOf(large)).rejects.toThrow("has more than 10000 bytes when it is unpacked");
  await expect(commandsOf(large.subarray(0, 40))).rejects.toThrow(
    "is no tar with gzip, or damaged",
  );
  await expect(commandsOf(Buffer.from("not zipped"))).rejects.toThrow("is no tar with gzip");
  await expect(commandsOf(gzipSync("x".repeat(600)))).rejects.toThrow("or damaged");
});
