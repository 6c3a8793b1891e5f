import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { StorageArtifacts } from "../../../../functions/cloud/storage/artifacts.ts";
import { lazyStorage } from "../../../../functions/cloud/storage/client.ts";
import { StorageObjects } from "../../../../functions/cloud/storage/storage-objects.ts";
import { startStorage } from "../../../../infra/emulators/storage/start.ts";
import { injectFaults } from "../../../../infra/emulators/wire/faults.ts";
import type { GoogleStatus } from "../../../../infra/emulators/wire/status.ts";
import { systemClock } from "../../../../shared/clock.ts";
import { attemptPaths } from "../../../../shared/documents/attempt.ts";
import { setVariables } from "../../../support/environment.ts";

const PATHS = attemptPaths(`run_${"0".repeat(22)}`, 1, "nonce");

/** Adapters on an emulator whose first `count` answers of a method are a failure. */
async function startFailing(method: string, status: GoogleStatus, count: number) {
  const stack = new AsyncDisposableStack();
  const directory = mkdtempSync(join(tmpdir(), "storage-"));
  stack.defer(() => rmSync(directory, { recursive: true, force: true }));
  const faults = injectFaults([{ method, when: { count }, do: { type: "failBefore", status } }], {
    seed: 1,
  });
  const storage = stack.use(await startStorage({ directory, buckets: ["bucket"], faults }));
  stack.defer(setVariables({ STORAGE_EMULATOR_HOST: storage.url }));
  const client = lazyStorage({ projectId: "p" });
  return {
    faults,
    artifacts: new StorageArtifacts({ bucket: "bucket" }, client, systemClock),
    objects: new StorageObjects(client, systemClock),
    [Symbol.asyncDispose]: () => stack.disposeAsync(),
  };
}

test.each<[string, GoogleStatus, number]>([
  ["storage.objects.get", "UNAVAILABLE", 1],
  ["storage.objects.get", "UNAVAILABLE", 2],
  ["storage.objects.get", "RESOURCE_EXHAUSTED", 2],
  ["storage.objects.get", "INTERNAL", 1],
  ["storage.objects.insert", "UNAVAILABLE", 2],
])(
  "%s that fails with %s %i times is asked again, and ends no process",
  async (method, status, count) => {
    await using failing = await startFailing(method, status, count);
    const { artifacts, objects, faults } = failing;
    expect(await artifacts.sealClaim(PATHS, "why")).toEqual({ by: "seal", cause: "why" });
    const found = await objects.find("bucket", PATHS.claim);
    const end = (found?.sizeBytes ?? 0) - 1;
    const pieces = found ? await Array.fromAsync(objects.read(found, { start: 0, end })) : [];
    expect(JSON.parse(Buffer.concat(pieces).toString())).toEqual({ by: "seal", cause: "why" });
    faults.assertFired();
  },
);

test("what fails for longer is an error, and ends no process", async () => {
  await using failing = await startFailing("storage.objects.get", "UNAVAILABLE", 50);
  await expect(failing.artifacts.manifestOf(PATHS)).rejects.toMatchObject({ code: "unavailable" });
  const object = { bucket: "bucket", name: PATHS.claim, generation: "1", sizeBytes: 3 };
  const reading = Array.fromAsync(failing.objects.read(object, { start: 0, end: 2 }));
  await expect(reading).rejects.toMatchObject({ code: "unavailable" });
});
