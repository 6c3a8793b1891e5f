import type { FaultAction } from "../../../infra/emulators/wire/fault.ts";
import { eventually } from "../../support/eventually.ts";
import { fakeClock } from "../cloud-build/fake-clock.ts";
import { codeOf, onceAt, startHost, storageAt, storageWith, temporaryDirectory } from "./world.ts";

const INSERT = "storage.objects.insert";
const UNAVAILABLE = "UNAVAILABLE";
const IF_NEW = { resumable: false, preconditionOpts: { ifGenerationMatch: 0 } };
const READ = { validation: false } as const;

describe("an upload", () => {
  test("whose acknowledgement is lost is repeated, and finds that its condition no longer holds", async () => {
    await using world = await storageWith(
      onceAt(INSERT, { type: "failAfter", status: UNAVAILABLE }),
    );
    expect(await codeOf(world.retrying.file("f").save("text", IF_NEW))).toBe(412);
    expect(String(await world.bucket.file("f").download(READ))).toBe("text");
    expect(world.fired()).toEqual([1]);
  });

  test.each([
    [{ type: "failBefore", status: UNAVAILABLE }, 503, false],
    [{ type: "failAfter", status: UNAVAILABLE }, 503, true],
    [{ type: "failBefore", status: "RESOURCE_EXHAUSTED" }, 429, false],
    [{ type: "cut", at: "before" }, "ECONNRESET", false],
    [{ type: "cut", at: "after" }, "ECONNRESET", true],
  ] as [FaultAction, unknown, boolean][])(
    "%j reaches a caller that does not repeat as %p; it is there: %p",
    async (action, code, isThere) => {
      await using world = await storageWith(onceAt(INSERT, action));
      expect(await codeOf(world.bucket.file("f").save("text", IF_NEW))).toBe(code);
      expect((await world.bucket.file("f").exists())[0]).toBe(isThere);
      expect(world.fired()).toEqual([1]);
    },
  );

  test("that fails before anything happened is repeated by the client", async () => {
    await using world = await storageWith(
      onceAt(INSERT, { type: "failBefore", status: UNAVAILABLE }),
    );
    await world.retrying.file("f").save("text", IF_NEW);
    expect(String(await world.bucket.file("f").download(READ))).toBe("text");
  });

  test("of several requests can lose the last answer alone", async () => {
    const matches = ({ method }: { method: string }) => method === "PUT";
    const action = { type: "failAfter", status: UNAVAILABLE } as const;
    await using world = await storageWith([
      { method: INSERT, when: { count: 1, matches }, do: action },
    ]);
    await world.retrying.file("f").save("text", { ...IF_NEW, resumable: true });
    expect(String(await world.bucket.file("f").download(READ))).toBe("text");
    expect(world.fired()).toEqual([1]);
  });

  test("is delayed on the clock", async () => {
    const clock = fakeClock();
    await using world = await storageWith(onceAt(INSERT, { type: "delay", ms: 5000 }), clock);
    const upload = world.bucket.file("f").save("text", IF_NEW);
    await eventually(() => expect(world.fired()).toEqual([1]));
    expect((await world.bucket.file("f").exists())[0]).toBe(false);
    clock.advance(5000);
    await upload;
  });

  test.each([
    ["before", false],
    ["after", true],
  ] as const)(
    "that kills the service %s it is stored: the next start knows",
    async (at, isThere) => {
      using directory = temporaryDirectory();
      const faults = onceAt(INSERT, { type: "kill", at });
      await using host = await startHost("storage", directory.path, { faults });
      const file = storageAt(host.address, false).bucket("bucket").file("f");
      expect(await codeOf(file.save("text", IF_NEW))).toBe("ECONNRESET");
      expect(await host.ended).toBe("SIGKILL");
      await using again = await startHost("storage", directory.path, {});
      const bucket = storageAt(again.address, false).bucket("bucket");
      expect((await bucket.file("f").exists())[0]).toBe(isThere);
    },
  );
});

describe("a download", () => {
  const GET = "storage.objects.get";

  test.each([
    { type: "failAfter", status: UNAVAILABLE },
    { type: "cut", at: "after" },
  ] as const)("after $type is asked again by the client", async (action) => {
    const matches = ({ query }: { query: { alt?: string } }) => query.alt === "media";
    await using world = await storageWith([
      { method: GET, when: { count: 1, matches }, do: action },
    ]);
    await world.bucket.file("f").save("text", { resumable: false });
    expect(await codeOf(world.bucket.file("f").download())).not.toBe("no error");
    expect(String(await world.bucket.file("f").download())).toBe("text");
    expect(world.fired()).toEqual([1]);
  });
});

test("a request that is dropped is never answered, and holds up no close", async () => {
  let request: Promise<unknown>;
  {
    await using world = await storageWith(onceAt("storage.objects.list", { type: "drop" }));
    request = codeOf(world.bucket.getFiles());
    await eventually(() => expect(world.fired()).toEqual([1]));
  }
  expect(await request).toBe("ECONNRESET");
});
