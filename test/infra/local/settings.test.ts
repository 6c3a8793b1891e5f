import { startWorld } from "../../support/world.ts";

test("what is set of the functions' variables holds, and what says where things are does not", async () => {
  await using world = await startWorld({
    settings: { RUNYARD_MAX_DAILY_RUNS: "1", RUNYARD_BUCKET: "elsewhere" },
  });
  const post = () =>
    world.call("/runs", { json: { prompt: "echo" }, headers: { prefer: "wait=60" } });
  const first = await post();
  expect([first.status, await first.json()]).toEqual([
    200,
    expect.objectContaining({ status: "succeeded" }),
  ]);
  expect(await (await post()).json()).toMatchObject({ status: 429, code: "limit_reached" });
}, 180_000);
