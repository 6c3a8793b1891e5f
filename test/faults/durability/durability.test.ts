import { describe as describeFigures, runDurability } from "./run.ts";

const SECONDS = 45;

test(
  "nothing acknowledged is lost, halved or done twice when the stand-in is killed over and over",
  async () => {
    const figures = await runDurability({ seconds: SECONDS, seed: 20_260_102 });
    expect(figures.violations).toEqual([]);
    // Without these it would prove nothing.
    expect(figures.kills).toBeGreaterThanOrEqual(20);
    for (const [service, { acknowledged, ambiguous }] of Object.entries(figures.tallies)) {
      expect([service, acknowledged > 50]).toEqual([service, true]);
      if (ambiguous > 0) continue;
      throw new Error(`no kill met any of the ${service}:\n${describeFigures(figures)}`);
    }
  },
  (SECONDS + 120) * 1000,
);
