import { execFileSync } from "node:child_process";
import { mkdtempSync, readFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { removeTree } from "../../../../infra/agent/sandbox/remove-tree.ts";
import {
  ARTIFACT_LIMITS,
  type ArtifactLimits,
  collectArtifacts,
} from "../../../../infra/agent/workspace/artifacts.ts";

/** Collects what matches of what a script leaves. */
async function collect(script: string, patterns: string[], limits: Partial<ArtifactLimits> = {}) {
  const root = mkdtempSync(join(tmpdir(), "runyard-artifacts-"));
  await using _root = { [Symbol.asyncDispose]: async () => void (await removeTree(root)) };
  execFileSync("/bin/bash", ["-ec", `mkdir w; cd w\n${script}`], { cwd: root });
  const { files, gaps } = await collectArtifacts({
    workspace: join(root, "w"),
    patterns,
    copies: join(root, "copies"),
    limits: { ...ARTIFACT_LIMITS, ...limits },
  });
  const kept = files.map(({ name, contentType, path }) => [
    name,
    contentType,
    readFileSync(path, "utf8"),
  ]);
  return { kept, names: files.map(({ name }) => name), gaps };
}

test("files that match are copied, ignored ones too, with types by their names", async () => {
  const { kept, gaps } = await collect(
    `mkdir -p dist/js dist/.git dist/.cache; echo 'dist' > .gitignore; echo '<p>' > report.html
     echo a > dist/js/a.js; echo b > dist/b.bin; echo no > dist/.git/x; echo no > dist/.cache/x
     echo no > other.html; echo c > 'dist/ä b.css'`,
    ["dist/**", "report.html"],
  );
  expect(kept).toEqual([
    ["files/dist/b.bin", "application/octet-stream", "b\n"],
    ["files/dist/js/a.js", "text/javascript; charset=utf-8", "a\n"],
    ["files/dist/ä b.css", "text/css; charset=utf-8", "c\n"],
    ["files/report.html", "text/html; charset=utf-8", "<p>\n"],
  ]);
  expect(gaps).toBeUndefined();
});

test("what cannot be kept is told: links, pipes, names and closed files lead nowhere else", async () => {
  const { kept, gaps } = await collect(
    `mkdir d; echo secret > ../outside; ln -s ../../outside d/link; ln -s /etc d/etc; mkfifo d/pipe
     printf x > $'d/new\\nline'; printf x > $'d/\\xff'; printf x > 'd/back\\slash'
     echo closed > d/closed; chmod 0 d/closed; echo ok > d/ok`,
    ["d/**", "missing/*.txt"],
  );
  expect(kept.map(([name, , content]) => [name, content])).toEqual([
    ["files/d/closed", "closed\n"],
    ["files/d/ok", "ok\n"],
  ]);
  expect(gaps?.unmatched).toEqual(["missing/*.txt"]);
  expect(gaps?.leftOut.map(({ path, why }) => `${path} ${why}`).toSorted()).toEqual([
    "d/back\\slash name_refused",
    "d/etc link",
    "d/link link",
    "d/new line name_refused",
    "d/\ufffd name_refused",
  ]);
});

test("beyond its bounds nothing is kept, and what is left out is named and counted", async () => {
  const script = "for i in $(seq 10 39); do echo $i > f$i; done; printf 123456789 > large";
  const { names, gaps } = await collect(script, ["f*", "large"], { files: 3, fileBytes: 8 });
  expect(names).toEqual(["files/f10", "files/f11", "files/f12"]);
  expect(gaps).toMatchObject({ unmatched: [], more: 18 });
  expect(gaps?.leftOut).toHaveLength(10);
  const few = await collect(script, ["f1*", "large"], { bytes: 12 });
  expect(few.names).toEqual(["files/f10", "files/f11", "files/f12", "files/f13"]);
  expect(few.gaps?.leftOut.at(-1)).toEqual({ path: "large", why: "too_many" });
});
