import { CALLS } from "../crash-points/calls.ts";
import { fatesOf } from "../crash-points/points.ts";
import { explain } from "../crash-points/run.ts";
import { nameOf } from "../world/fate.ts";
import { EVENT_CALLS } from "./calls.ts";
import { enumerateEvents, reachedByEvents } from "./enumeration.ts";

const sitesOf = (calls: Readonly<Record<string, readonly string[]>>): string[] =>
  Object.entries(calls).flatMap(([handler, kinds]) => kinds.map((kind) => `${handler} ${kind}`));

test("one event and one trigger make one run, no delivery is lost, and there is one pull request, whatever crashes at any call", async () => {
  const reached = await reachedByEvents();
  const results = await enumerateEvents(reached);
  expect(results.map(explain).join("")).toBe("");
  const sum = (of: "fired" | "cases") => results.reduce((all, result) => all + result[of], 0);
  expect(sum("fired")).toBe(sum("cases"));

  const seen = new Set(results.flatMap((result) => [...result.seen.keys()]));
  const own = sitesOf(EVENT_CALLS);
  const known = new Set([...own, ...sitesOf(CALLS)]);
  const isSetUp = (site: string) => site.startsWith("setup ");
  expect([...seen].filter((site) => !known.has(site) && !isSetUp(site))).toEqual([]);
  expect(own.filter((site) => !seen.has(site))).toEqual([]);
  const covered = new Set(results.flatMap((result) => [...result.covered]));
  const open = [...reached.values()].flatMap(({ point: { site } }) =>
    fatesOf(site)
      .map((fate) => `${site}: ${nameOf(fate)}`)
      .filter((name) => !covered.has(name)),
  );
  expect(open).toEqual([]);
}, 1_200_000);
