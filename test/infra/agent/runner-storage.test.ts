import type { StorageRequest } from "../../../infra/emulators/storage/request.ts";
import type { Fault } from "../../../infra/emulators/wire/fault.ts";
import { injectFaults } from "../../../infra/emulators/wire/faults.ts";
import { outcomeEntry } from "../../../shared/attempt/outcomes.ts";
import { verdict } from "../../../shared/attempt/verdict.ts";
import { type Clock, systemClock } from "../../../shared/clock.ts";
import { pathsUnder } from "../../../shared/documents/attempt.ts";
import { eventually } from "../../support/eventually.ts";
import { startConversationWorld } from "./conversation-world.ts";

/** Of requests about an object whose name ends so. */
const about = (end: string) => (request: StorageRequest) =>
  decodeURIComponent(`${request.path}?${request.query["name"] ?? ""}`).includes(end);

const failing = (method: string, end: string, count: number): Fault[] => [
  {
    method,
    when: { count, matches: about(end) },
    do: { type: "failBefore", status: "UNAVAILABLE" },
  },
];

test("a turn survives a storage that is away for a moment, wherever it asks it", async () => {
  const faults = injectFaults([
    ...failing("storage.objects.insert", "claim", 2),
    ...failing("storage.objects.get", "cancel", 1),
    ...failing("storage.objects.get", ".jsonl", 2),
    ...failing("storage.objects.get", "patch.diff", 2),
    ...failing("storage.objects.insert", "patch.diff", 2),
    ...failing("storage.objects.insert", "manifest.json", 3),
  ]);
  await using world = await startConversationWorld({ faults });
  const first = await world.turn("run: echo one > notes.txt");
  expect(verdict(first.manifest.facts).outcome).toBe("succeeded");
  const second = await world.turn("run: cat notes.txt", { restore: first.session });
  expect(second.manifest.session?.origin).toBe("restored");
  expect(second.answer).toContain("one");
  faults.assertFired();
}, 180_000);

const BEGUN_MS = Date.now();
/** Ten seconds a second. */
const HURRIED: Clock = {
  now: () => BEGUN_MS + (Date.now() - BEGUN_MS) * 10,
  after: (ms, act) => systemClock.after(ms / 10, act),
  every: (ms, act) => systemClock.every(ms / 10, act),
};

test("a turn whose storage stays away before its agent starts is tried again, and says why", async () => {
  const faults = injectFaults(failing("storage.objects.get", ".jsonl", 1_000));
  await using world = await startConversationWorld({ faults });
  const first = await world.turn("echo");
  const { manifest } = await world.turn("echo", { restore: first.session, clock: HURRIED });
  const { outcome, message } = verdict(manifest.facts);
  expect([outcome, outcomeEntry(outcome).retry]).toEqual(["storage_unavailable", true]);
  expect(message).toMatch(/^The storage did not answer for 40 s: \S/);
}, 120_000);

test("a turn that waits for its storage is ended by a cancel", async () => {
  const faults = injectFaults(failing("storage.objects.get", ".jsonl", 1_000));
  await using world = await startConversationWorld({ faults });
  const first = await world.turn("echo");
  const second = world.turn("echo", { restore: first.session });
  await eventually(() => expect(faults.counts()[0]?.fired).toBeGreaterThan(0));
  const { cancel } = pathsUnder(`attempts/run_2/1-${"0".repeat(21)}2/`);
  await world.bucket.file(cancel).save("");
  const { facts } = (await second).manifest;
  expect(facts).toMatchObject({ started: false, stoppedBy: "cancel" });
  expect(faults.counts()[0]?.fired).toBeLessThan(10);
}, 120_000);
