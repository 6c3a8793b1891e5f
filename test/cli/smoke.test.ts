import { type SmokeClient, smoke } from "../../cli/smoke.ts";
import type { Run } from "../../client/types.ts";

const ID = "run_2MApo7WXve5lCHoJCSaJKN";

/** A server whose run is each of these in turn, the last for ever. */
function server(...states: Partial<Run>[]): SmokeClient {
  const runs = states.map(
    (state) => ({ id: ID, done: false, why: "", error: null, ...state }) as Run,
  );
  const next = async () => (runs.length > 1 ? runs.shift() : runs[0]) as Run;
  return { runs: { create: next, get: next } };
}

/** What it says, and whether it is content. */
async function smoked(client: SmokeClient, seconds = 5): Promise<[boolean, string]> {
  let said = "";
  const write = process.stdout.write;
  process.stdout.write = (text: unknown) => {
    said += String(text);
    return true;
  };
  try {
    return [await smoke(client, { seconds, pauseMs: 1 }), said];
  } finally {
    process.stdout.write = write;
  }
}

test("a run that succeeds is told state by state", async () => {
  const [isFine, said] = await smoked(
    server(
      { status: "pending" },
      { status: "queued", why: "in Cloud Build" },
      { status: "running", why: "at work" },
      { status: "succeeded", done: true },
    ),
  );
  expect(isFine).toBe(true);
  const told = [
    "pending .*accepted as run_",
    "queued .*in Cloud Build",
    "running .*at work",
    "succeeded",
  ];
  expect(said).toMatch(new RegExp(told.join("[^]*")));
});

test.each([
  ["pending", "Waiting for a build slot.", "the log of submit-build"],
  ["queued", "Cloud Build has it.", "the log of record-build-status"],
  ["running", "The agent is working.", "runyard logs"],
] as const)("one that stays %s is told with what to look at", async (status, why, look) => {
  const [isFine, said] = await smoked(server({ status: "pending" }, { status, why }), 0.05);
  expect(isFine).toBe(false);
  expect(said).toContain("It stopped here");
  expect(said).toContain(why);
  expect(said).toContain(look);
});

test("one that fails is told with its reason and remedy", async () => {
  const error = { code: "build_refused", message: "No quota.", remedy: "Ask for more." };
  const [isFine, said] = await smoked(
    server({ status: "pending" }, { status: "failed", done: true, error: error as Run["error"] }),
  );
  expect(isFine).toBe(false);
  expect(said).toMatch(/failed +No quota\.[\s\S]*look +Ask for more\./);
});
