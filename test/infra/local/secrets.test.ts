import { chmodSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { readSecrets } from "../../../infra/local/secrets.ts";
import { readFormat } from "../../../infra/local/state/format.ts";

/** A directory with such a file of secrets. */
function withSecrets(content: unknown, mode = 0o600) {
  const directory = mkdtempSync(join(tmpdir(), "runyard-secrets-"));
  const path = join(directory, "secrets.json");
  writeFileSync(path, typeof content === "string" ? content : JSON.stringify(content));
  chmodSync(path, mode);
  return {
    directory,
    path,
    read: () => readSecrets(directory, "p"),
    [Symbol.dispose]: () => rmSync(directory, { recursive: true }),
  };
}

test("without a file there are no secrets", () => {
  using world = withSecrets({});
  rmSync(world.path);
  expect(world.read()).toEqual({});
});

test("an id stands for the first and the latest version, a full name for itself", () => {
  using world = withSecrets({
    "runyard-token": "a\n",
    "projects/other/secrets/runyard-x/versions/7": "b",
  });
  expect(world.read()).toEqual({
    "projects/p/secrets/runyard-token/versions/1": "a\n",
    "projects/p/secrets/runyard-token/versions/latest": "a\n",
    "projects/other/secrets/runyard-x/versions/7": "b",
  });
});

test.each([0o644, 0o640, 0o602])("a file that others may use (%o) is refused", (mode) => {
  using world = withSecrets({ a: "b" }, mode);
  expect(world.read).toThrow(`${world.path} may be read by others: chmod 600 ${world.path}`);
});

test.each<[string, unknown, RegExp]>([
  ["no JSON", "{'very-secret'", /is not JSON; it must be like \{"runyard-token"/],
  ["a list", ["very-secret"], /must be an object like/],
  ["a value that is no string", { a: ["very-secret"] }, /the value of a must be a string/],
  ["a NUL", { a: "very-secret\0" }, /it has a NUL in it/],
  ["too large", { a: "very-secret".repeat(10_000) }, /a has more than 65536 bytes/],
  ["an odd name", { "projects/p/secrets/s": "very-secret" }, /neither the id of a secret nor/],
])("%s is refused, and the error does not quote the value", (_name, content, message) => {
  using world = withSecrets(content);
  expect(world.read).toThrow(message);
  expect(world.read).not.toThrow("very-secret");
});

test("a directory with nothing but secrets is one for a first start", () => {
  using world = withSecrets({ a: "b" });
  expect(readFormat(world.directory)).toEqual({ kind: "blank" });
});
