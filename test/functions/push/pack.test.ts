import { execFileSync } from "node:child_process";
import { createHash } from "node:crypto";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { objectsIn, packOf } from "../../../functions/push/pack.ts";

const ROOM = 10 * 1024 ** 2;

/** A pack of git's own that has differences, some of them of others. */
function packOfGit(): { pack: Buffer; ids: string[] } {
  const folder = mkdtempSync(join(tmpdir(), "runyard-pack-"));
  const git = (args: string[], input = "") =>
    execFileSync("git", ["-C", folder, ...args], { input, maxBuffer: ROOM });
  try {
    git(["init", "-q"]);
    const text = Array.from({ length: 2000 }, (_, at) => `line ${at}\n`);
    const ids = Array.from({ length: 20 }, (_, at) => {
      const content = text.with(at * 7, `${"x".repeat(at)}\n`).slice(at * 20);
      return git(["hash-object", "-w", "--stdin"], content.join("")).toString().trim();
    });
    return { pack: git(["pack-objects", "--stdout", "-q"], ids.join("\n")), ids: ids.sort() };
  } finally {
    rmSync(folder, { recursive: true });
  }
}

const signed = (pack: Buffer): Buffer => {
  const content = pack.subarray(0, -20);
  return Buffer.concat([content, createHash("sha1").update(content).digest()]);
};

test("a pack of git's is read, differences and all, and one of ours is the same", () => {
  const { pack, ids } = packOfGit();
  expect(pack.length).toBeLessThan(20_000);
  const objects = objectsIn(pack, ROOM);
  expect([...objects.keys()].sort()).toEqual(ids);
  expect(objectsIn(packOf([...objects.values()]), ROOM)).toEqual(objects);
  expect(() => objectsIn(pack, 50_000)).toThrow(RangeError);
});

test("a pack that lies is refused, whatever it lies about", () => {
  const { pack } = packOfGit();
  const refusals = new Set<string>();
  for (let at = 4; at < pack.length - 20; at += 13) {
    const other = Buffer.from(pack);
    other[at] = (other[at] ?? 0) ^ (1 + (at % 255));
    try {
      objectsIn(signed(other), ROOM);
    } catch (error) {
      refusals.add((error as Error).constructor.name);
    }
  }
  expect([...refusals].filter((name) => !["SyntaxError", "RangeError"].includes(name))).toEqual([]);
  expect(refusals.size).toBeGreaterThan(0);
  expect(() => objectsIn(pack.subarray(0, 1000), ROOM)).toThrow(SyntaxError);
  const endless = Buffer.from(pack);
  endless.writeUInt32BE(2 ** 32 - 1, 8);
  expect(() => objectsIn(signed(endless), ROOM)).toThrow(RangeError);
});
