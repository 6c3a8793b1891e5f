import { spawnSync } from "node:child_process";
import { cpSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

const ROOT = join(import.meta.dirname, "../..");

/**
 * Runs the launcher of a folder as a Node of another version would, printing the version that runs.
 */
function launch(folder: string, version: string) {
  const scratch = mkdtempSync(join(tmpdir(), "launch-"));
  const pretend = join(scratch, "pretend.cjs");
  const print = join(scratch, "print.mjs");
  writeFileSync(
    pretend,
    `Object.defineProperty(process, "versions", { value: { ...process.versions, node: "${version}" } });`,
  );
  writeFileSync(print, "console.log(process.version, ...process.argv.slice(2)); process.exit(3);");
  const args = ["--require", pretend, join(folder, "infra/launch.js"), print, "a b", "$c"];
  const result = spawnSync(process.execPath, args, { encoding: "utf8" });
  rmSync(scratch, { recursive: true });
  return result;
}

test("a Node that is too old hands over to the one that npm installed, arguments and status too", () => {
  const { status, stdout, stderr } = launch(ROOT, "20.0.0");
  expect([status, stdout, stderr]).toEqual([3, "v24.21.0 a b $c\n", ""]);
});

test("a Node that is new enough is used itself", () => {
  const { status, stdout } = launch(ROOT, process.versions.node);
  expect([status, stdout]).toEqual([3, `${process.version} a b $c\n`]);
});

test("without either, one line says what to install", () => {
  const folder = mkdtempSync(join(tmpdir(), "launcher-"));
  cpSync(join(ROOT, "infra/launch.js"), join(folder, "infra/launch.js"));
  writeFileSync(join(folder, "package.json"), '{"type":"module"}');
  const { status, stderr } = launch(folder, "24.11.9");
  rmSync(folder, { recursive: true });
  expect(status).toBe(1);
  expect(stderr).toMatch(
    /^Runyard needs Node 24\.12 or newer; this is 24\.11\.9: install it from \S+ .*\n$/,
  );
});
