import { SCENARIOS } from "./scenarios.ts";

test.each(Object.entries(SCENARIOS))(
  "%s",
  async (_name, play) => {
    expect(await play()).toEqual([]);
  },
  120_000,
);
