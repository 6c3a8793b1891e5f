import { differsTest, googlesText, googleTest } from "../declared.ts";
import { publish } from "./publish-refusals.ts";
import { create, EMULATOR_DIFFERS, oursAbout, REFUSALS } from "./refusals.ts";
import { pullNow, startWorld } from "./world.ts";

const isOurs = ([, , , , ours]: (typeof REFUSALS)[0]) => ours !== undefined;

for (const [declare, isGoogles] of [
  [test, false],
  [googleTest, true],
] as const) {
  const rows = REFUSALS.filter(([what]) => EMULATOR_DIFFERS.has(what) === isGoogles);
  const [ours, googles] = [rows.filter(isOurs), rows.filter((refusal) => !isOurs(refusal))];

  declare.each(googles)("%s is refused as Google refuses it", async (...[, call, code, text]) => {
    await using world = await startWorld();
    await expect(call(world)).rejects.toMatchObject({ code, details: googlesText(text) });
  });

  declare.each(ours)("%s is refused with Google's code", async (...[, call, code]) => {
    await using world = await startWorld();
    await expect(call(world)).rejects.toMatchObject({ code });
  });
}

async function isRefusedInOurWords(...[, call, code, details]: (typeof REFUSALS)[0]) {
  await using world = await startWorld();
  await expect(call(world)).rejects.toMatchObject({ code, details });
}

differsTest.each(oursAbout("too many attributes"))(
  "Differs: the wording for too many attributes is ours: %s",
  isRefusedInOurWords,
);

differsTest.each(oursAbout("too long an ordering key"))(
  "Differs: the wording for too long an ordering key is ours: %s",
  isRefusedInOurWords,
);

differsTest.each(oursAbout("an attribute key"))(
  "Differs: the wording for an attribute key that is empty or reserved is ours: %s",
  isRefusedInOurWords,
);

differsTest.each(oursAbout("delivery attempts"))(
  "Differs: the wording for a number of delivery attempts is ours: %s",
  isRefusedInOurWords,
);

differsTest.each(oursAbout("a backoff"))(
  "Differs: the wording for a backoff is ours: %s",
  isRefusedInOurWords,
);

differsTest.each(oursAbout("an account or audience"))(
  "Differs: the wording for an account or audience that cannot be is ours: %s",
  isRefusedInOurWords,
);

differsTest.each(oursAbout("a filter that cannot be read"))(
  "Differs: the wording for a filter that cannot be read is ours: %s",
  isRefusedInOurWords,
);

differsTest.each(oursAbout("too long a filter"))(
  "Differs: the wording for too long a filter is ours: %s",
  isRefusedInOurWords,
);

differsTest.each(oursAbout("a detached subscription"))(
  "Differs: the wording for a detached subscription is ours: %s",
  isRefusedInOurWords,
);

test("a refused publish publishes none of its messages", async () => {
  await using world = await startWorld();
  await create(world, {});
  await expect(publish(world, [{ data: Buffer.from("x") }, {}])).rejects.toMatchObject({ code: 3 });
  expect(await pullNow(world, "new-one")).toEqual([]);
});
