import { gzipSync } from "node:zlib";
import { packTar, type TarEntry } from "modern-tar";
import type { SentTree } from "../../../shared/documents/files.ts";
import { sha256 } from "../../../shared/hash.ts";
import { startConversationWorld } from "./conversation-world.ts";

const TIMEOUT_MS = 180_000;

const file = (name: string, body: string, mode = 0o644): TarEntry => ({
  header: { name, size: Buffer.byteLength(body), mode },
  body,
});

test(
  "a run begins with the tree that was sent, byte for byte, and its patch is against that; so does the next turn",
  async () => {
    await using world = await startConversationWorld();
    const sent = async (name: string, entries: TarEntry[], lie = ""): Promise<SentTree> => {
      const archive = gzipSync(await packTar(entries));
      const object = `uploads/${name}`;
      await world.bucket.file(object).save(archive);
      const digest = sha256(archive) + lie;
      return { upload: `upl_${"0".repeat(22)}`, object, sizeBytes: archive.length, sha256: digest };
    };
    const tree = await sent("tree", [
      file(".gitattributes", "* text eol=crlf\n*.bin filter=lfs\n"),
      file("lines.txt", "one\r\ntwo\n"),
      file("raw.bin", "version https://git-lfs.github.com/spec/v1\n"),
      file("sub/tool.sh", "echo from the tool\n", 0o755),
      { header: { name: "link", size: 0, type: "symlink", linkname: "lines.txt" } },
      { header: { name: "dead", size: 0, type: "symlink", linkname: "/nowhere" } },
      { header: { name: "empty/below/", size: 0, type: "directory" } },
    ]);
    const look =
      "od -An -c lines.txt; readlink link dead; ls -d empty/below; ./sub/tool.sh; git status --short; git log --format=%an; cat raw.bin; echo three >> lines.txt; rm dead; echo new > new.txt";
    const first = await world.turn(`run: ${look}`, { tree, files: [{ path: "g", content: "g" }] });
    expect(first.answer).toMatch(
      /o {3}n {3}e {2}\\r {2}\\n {3}t {3}w {3}o {2}\\n\nlines\.txt\n\/nowhere\nempty\/below\nfrom the tool\n\?\? g\nrunyard\nversion/,
    );
    const paths = first.manifest.changedFiles.map(({ path, status }) => [path, status]);
    expect(paths).toEqual([
      ["dead", "deleted"],
      ["lines.txt", "modified"],
      ["new.txt", "added"],
    ]);
    expect(first.manifest.session?.commit).toMatch(/^[0-9a-f]{40}$/);
    const second = await world.turn("run: tail -1 lines.txt; ls; ls empty; git log --oneline", {
      tree,
      restore: first.session,
    });
    expect(second.answer).toContain(
      "three\nempty\ng\nlines.txt\nlink\nnew.txt\nraw.bin\nsub\nbelow",
    );
    expect(second.manifest.session).toMatchObject({
      origin: "restored",
      remark: "",
      commit: first.manifest.session?.commit,
    });
    const other = await world.turn("run: ls", {
      tree: await sent("other", [file("a", "a")]),
      restore: first.session,
    });
    expect(other.manifest.session?.remark).toContain("did not begin with the working tree");
    for (const [broken, why] of [
      [await sent("lie", [file("a", "a")], "0"), "its SHA-256 is another"],
      [{ ...tree, object: "uploads/gone" }, "more than 7 days ago, and is no longer kept"],
      [await sent("evil", [file("../a", "a")]), 'it has "../a", which leads out of it'],
    ] as const) {
      const failed = await world.turn("run: ls", { tree: broken });
      expect(failed.manifest.facts.failedStep).toBe("checkout");
      expect(failed.manifest.facts.error).toContain(why);
    }
  },
  TIMEOUT_MS,
);
