import { mkdtempSync } from "node:fs";
import { rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type Objects, objectsOf, openStorage } from "../../../../infra/agent/attempt/objects.ts";
import { patientObjects } from "../../../../infra/agent/attempt/patient-objects.ts";
import { startStorage } from "../../../../infra/emulators/storage/start.ts";
import type { FaultAction } from "../../../../infra/emulators/wire/fault.ts";
import { injectFaults } from "../../../../infra/emulators/wire/faults.ts";
import { systemClock } from "../../../../shared/clock.ts";
import { startFakeClock } from "../fake-clock.ts";

const status = (code: number, message = ""): Error => Object.assign(new Error(message), { code });
const MISSING = status(404, "no such object");
const BUSY = status(503, "try again");
const reset = (code: string) => Object.assign(new Error(`read ${code}`), { code });

/** Reading an object that fails with each of the errors in turn, the last one again and again. */
function startReading(errors: readonly Error[], isOver = async () => false) {
  const clock = startFakeClock();
  const lines: string[] = [];
  let tries = 0;
  const read = async (): Promise<Buffer> => {
    const error = errors[Math.min(tries++, errors.length - 1)];
    if (error === undefined || tries > 1000) return Buffer.from("content");
    throw error;
  };
  const objects = patientObjects({ read } as unknown as Objects, {
    clock,
    isOver,
    log: (line) => lines.push(line),
  });
  const reading = objects.read("a").then(String, (error: Error) => error.message);
  const advance = async (ms: number) => {
    await new Promise((resolve) => setImmediate(resolve));
    await clock.advance(ms);
  };
  return { advance, lines, reading, tries: () => tries };
}

test.each<[string, Error[]]>([
  ["503, 500 and 429", [BUSY, status(500), status(429)]],
  [
    "a connection that breaks",
    [reset("ECONNRESET"), reset("EPIPE"), reset("ERR_STREAM_PREMATURE_CLOSE")],
  ],
  ["a network that is away", [reset("ECONNREFUSED"), reset("ETIMEDOUT"), reset("EAI_AGAIN")]],
  ["a content that does not fit its hash", [reset("CONTENT_DOWNLOAD_MISMATCH")]],
])("a call goes on after %s", async (_name, errors) => {
  const world = startReading([...errors, undefined as unknown as Error]);
  await world.advance(20_000);
  expect(await world.reading).toBe("content");
  expect(world.tries()).toBe(errors.length + 1);
  expect(world.lines).toEqual([expect.stringMatching(/^the storage is asked again: /)]);
});

test("what is no other the next time is not tried again", async () => {
  const world = startReading([MISSING]);
  expect(await world.reading).toBe("no such object");
  expect(world.tries()).toBe(1);
  const full = startReading([reset("ENOSPC")]);
  expect(await full.reading).toBe("read ENOSPC");
});

test("a storage that stays away is given up after 40 s, with pauses that grow", async () => {
  const world = startReading([BUSY]);
  await world.advance(39_000);
  expect(world.tries()).toBeGreaterThan(5);
  await world.advance(10_000);
  expect(await world.reading).toBe("The storage did not answer for 40 s: try again");
  expect(world.tries()).toBeLessThan(60);
});

test("a call whose attempt is over is not made again", async () => {
  let isOver = false;
  const world = startReading([BUSY], async () => isOver);
  await world.advance(5_000);
  isOver = true;
  await world.advance(8_001);
  expect(await world.reading).toBe("try again");
});

test("a call that is never answered is made again, and given up like any other", async () => {
  const clock = startFakeClock();
  let calls = 0;
  const never = () => new Promise<never>(() => (calls += 1));
  const objects = patientObjects({ exists: never } as unknown as Objects, { clock, log: () => {} });
  const asking = objects.exists("a").catch((error: Error) => error.message);
  for (let second = 0; second < 120; second += 1) {
    await new Promise((resolve) => setImmediate(resolve));
    await clock.advance(1000);
  }
  expect(await asking).toBe("The storage did not answer for 40 s: no answer in 15 s");
  expect(calls).toBeGreaterThan(2);
});

const FAULTS: [string, string, FaultAction][] = [
  ["reads", "storage.objects.get", { type: "failBefore", status: "UNAVAILABLE" }],
  ["reads", "storage.objects.get", { type: "failBefore", status: "RESOURCE_EXHAUSTED" }],
  ["reads", "storage.objects.get", { type: "cut" }],
  ["writes", "storage.objects.insert", { type: "failBefore", status: "UNAVAILABLE" }],
  ["writes", "storage.objects.insert", { type: "failAfter", status: "UNAVAILABLE" }],
  ["writes", "storage.objects.insert", { type: "cut" }],
  ["writes", "storage.objects.insert", { type: "cut", at: "after" }],
];

test.each(FAULTS)("%s get through when %s goes wrong (%j)", async (_what, method, action) => {
  const folder = mkdtempSync(join(tmpdir(), "runyard-patient-"));
  const faults = injectFaults([{ method, when: { count: 2 }, do: action }]);
  await using storage = await startStorage({
    directory: join(folder, "s"),
    buckets: ["runs"],
    faults,
  });
  const bucket = openStorage({ apiEndpoint: storage.url, projectId: "p" }).bucket("runs");
  const objects = patientObjects(objectsOf(bucket), { clock: systemClock, log: () => {} });
  await writeFile(join(folder, "file"), "in a file");
  await objects.uploadContent("content", Buffer.from("in memory"), "text/plain");
  await objects.upload("file", join(folder, "file"), "text/plain");
  expect(["created", "exists"]).toContain(await objects.createOnce("once", "{}"));
  expect(String(await objects.read("content"))).toBe("in memory");
  expect(String(await objects.find("file"))).toBe("in a file");
  expect(await objects.find("nothing")).toBeUndefined();
  expect(await objects.exists("once")).toBe(true);
  faults.assertFired();
  await rm(folder, { recursive: true });
});
