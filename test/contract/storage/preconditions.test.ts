import { BUCKET, send, startWorld, type World } from "./world.ts";

async function generationOf(world: World, name: string): Promise<number> {
  return Number((await world.bucket.file(name).getMetadata())[0].generation);
}

test("with ifGenerationMatch 0 exactly one of many writers wins", async () => {
  await using world = await startWorld();
  const writes = Array.from({ length: 12 }, (_, index) =>
    world.bucket.file("claim").save(`writer ${index}`, {
      resumable: index % 2 === 0,
      preconditionOpts: { ifGenerationMatch: 0 },
    }),
  );
  const outcomes = await Promise.allSettled(writes);
  const winners = outcomes.flatMap(({ status }, index) => (status === "fulfilled" ? [index] : []));
  expect(winners).toHaveLength(1);
  for (const outcome of outcomes) {
    if (outcome.status === "rejected") expect(codeOf(outcome.reason)).toBe(412);
  }
  expect((await world.bucket.file("claim").download())[0].toString()).toBe(`writer ${winners[0]}`);
  await world.expectContentFiles(1);
});

/** The client's resumable upload reports a status where its other calls report a code. */
function codeOf(error: { code?: unknown; status?: unknown }): unknown {
  return error.status ?? error.code;
}

test("a write whose answer was lost gets 412 when it is repeated", async () => {
  await using world = await startWorld();
  const file = world.bucket.file("claim");
  const lost = await send(
    `${world.url}/upload/storage/v1/b/${BUCKET}/o?uploadType=media&name=claim&ifGenerationMatch=0`,
    { method: "POST", body: "first" },
  );
  await lost.body?.cancel();
  const repeated = file.save("first", {
    resumable: false,
    preconditionOpts: { ifGenerationMatch: 0 },
  });
  await expect(repeated).rejects.toMatchObject({
    code: 412,
    message: "At least one of the pre-conditions you specified did not hold.",
    errors: [{ reason: "conditionNotMet", location: "If-Match", locationType: "header" }],
  });
  expect((await file.download())[0].toString()).toBe("first");
});

test("a write replaces the generation it names and no other", async () => {
  await using world = await startWorld();
  const file = world.bucket.file("f");
  await file.save("one");
  const first = await generationOf(world, "f");
  await file.save("two", { preconditionOpts: { ifGenerationMatch: first } });
  await expect(
    file.save("three", { preconditionOpts: { ifGenerationMatch: first } }),
  ).rejects.toMatchObject({ status: 412 });
  await expect(
    file.save("three", { resumable: false, preconditionOpts: { ifGenerationMatch: first } }),
  ).rejects.toMatchObject({ code: 412 });
  expect((await file.download())[0].toString()).toBe("two");
});

test("a delete removes the generation it names and no other", async () => {
  await using world = await startWorld();
  const file = world.bucket.file("f");
  await file.save("one");
  await expect(file.delete({ ifGenerationMatch: 1 })).rejects.toMatchObject({ code: 412 });
  await file.delete({ ifGenerationMatch: await generationOf(world, "f") });
  expect(await file.exists()).toEqual([false]);
});

test("a resumable upload's precondition is checked when it ends, too", async () => {
  await using world = await startWorld();
  const file = world.bucket.file("claim");
  const [uri] = await file.createResumableUpload({ preconditionOpts: { ifGenerationMatch: 0 } });
  await file.save("meanwhile", { resumable: false });
  for (const attempt of ["first", "repeated"]) {
    const response = await fetch(uri, { method: "PUT", body: attempt });
    expect(response.status).toBe(412);
  }
  expect((await file.download())[0].toString()).toBe("meanwhile");
  await world.expectContentFiles(1);
});

const READS: [string, number][] = [
  ["ifGenerationMatch=G", 200],
  ["ifGenerationMatch=1", 412],
  ["ifGenerationNotMatch=1", 200],
  ["ifGenerationNotMatch=G", 304],
  ["ifMetagenerationMatch=1", 200],
  ["ifMetagenerationMatch=2", 412],
  ["ifMetagenerationNotMatch=2", 200],
  ["ifMetagenerationNotMatch=1", 304],
  ["ifGenerationMatch=abc", 400],
  ["ifGenerationMatch=-1", 400],
  ["generation=G", 200],
  ["generation=1", 404],
];

test.each(READS)("a read with %s answers %d", async (query, status) => {
  await using world = await startWorld();
  await world.bucket.file("f").save("content");
  const generation = String(await generationOf(world, "f"));
  for (const alt of ["&alt=media"]) {
    const filled = query.replace("=G", `=${generation}`);
    const response = await send(`${world.url}/storage/v1/b/${BUCKET}/o/f?${filled}${alt}`);
    expect(response.status).toBe(status);
    expect(status === 304 ? await response.text() : "").toBe("");
  }
});

const WRITES: [string, boolean, number][] = [
  ["ifGenerationMatch=0", false, 200],
  ["ifGenerationMatch=0", true, 412],
  ["ifGenerationNotMatch=0", false, 412],
  ["ifGenerationNotMatch=0", true, 200],
  ["ifMetagenerationMatch=1", true, 200],
  ["ifMetagenerationMatch=1", false, 412],
  ["ifMetagenerationNotMatch=1", true, 412],
  ["ifMetagenerationNotMatch=2", true, 200],
];

test.each(WRITES)(
  "a write with %s (object exists: %p) answers %d",
  async (query, exists, status) => {
    await using world = await startWorld();
    if (exists) await world.bucket.file("f").save("before");
    const response = await send(
      `${world.url}/upload/storage/v1/b/${BUCKET}/o?uploadType=media&name=f&${query}`,
      { method: "POST", body: "after" },
    );
    expect(response.status).toBe(status);
    const stored = status === 200 ? "after" : exists ? "before" : undefined;
    const file = world.bucket.file("f");
    expect(await file.exists()).toEqual([stored !== undefined]);
    if (stored) expect((await file.download())[0].toString()).toBe(stored);
  },
);
