import { differsTest } from "../declared.ts";
import { create, hasOurWording, publish, REFUSALS } from "./refusals.ts";
import { pullNow, startWorld } from "./world.ts";

test.each(REFUSALS.filter((refusal) => !hasOurWording(refusal)))(
  "%s is refused as Google refuses it",
  async (...[, call, code, details]) => {
    await using world = await startWorld();
    await expect(call(world)).rejects.toMatchObject({ code, details });
  },
);

const OURS = REFUSALS.filter(hasOurWording);

test.each(OURS)("%s is refused with Google's code", async (...[, call, code]) => {
  await using world = await startWorld();
  await expect(call(world)).rejects.toMatchObject({ code });
});

differsTest.each(OURS)(
  "Differs: Google's wording of this refusal is not known: %s",
  async (...[, call, code, details]) => {
    await using world = await startWorld();
    await expect(call(world)).rejects.toMatchObject({ code, details });
  },
);

test("a refused publish publishes none of its messages", async () => {
  await using world = await startWorld();
  await create(world, {});
  await expect(publish(world, [{ data: Buffer.from("x") }, {}])).rejects.toMatchObject({ code: 3 });
  expect(await pullNow(world, "new-one")).toEqual([]);
});
