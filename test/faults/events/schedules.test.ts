import { playStretch, STRETCHES } from "./schedules.ts";

test.each(Object.entries(STRETCHES))(
  "each tick fires once, or is said to be missed: %s",
  async (_name, stretch) => {
    expect(await playStretch(stretch)).toEqual([]);
  },
  120_000,
);
