import { chmodSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { openKnownSecrets, secretsOf } from "../../../functions/cloud/known-secrets.ts";

const SECRET = "projects/p/secrets/runyard-token/versions/latest";

test("a file that stands for Secret Manager is looked at as a build will, each time", async () => {
  const folder = mkdtempSync(join(tmpdir(), "runyard-secrets-"));
  const file = join(folder, "secrets.json");
  const { faultOf } = openKnownSecrets(file, "p");
  expect(await faultOf(SECRET)).toBe(
    `is not there: add {"runyard-token": "its value"} to ${file} (chmod 600)`,
  );
  expect(await secretsOf(file, "p")(SECRET)).toBeUndefined();
  writeFileSync(file, JSON.stringify({ "runyard-token": "value" }), { mode: 0o600 });
  expect(await faultOf(SECRET)).toBeUndefined();
  expect(await secretsOf(file, "p")(SECRET)).toBe("value");
  chmodSync(file, 0o644);
  expect(await faultOf(SECRET)).toBe(`${file} may be read by others: chmod 600 ${file}`);
  rmSync(folder, { recursive: true });
});
