import { Storage } from "@google-cloud/storage";
import { pathsOf } from "../../../functions/attempts/attempt-outcome.ts";
import { deliver } from "../../../functions/attempts/deliver.ts";
import { newTokensKey } from "../../../shared/delivery/repository-tokens.ts";
import type { RunRecord } from "../../../shared/run/record.ts";
import { startDeliveries } from "../../support/deliveries.ts";

const CREDENTIAL = { credential: { githubApp: true } } as const;
const CALL = "GET /repos/more/site/installation";

async function startOpening() {
  const world = await startDeliveries();
  const { services } = world;
  const bucket = new Storage({ projectId: "pipeline" }).bucket(services.artifacts.bucketName);
  return {
    ...world,
    key: newTokensKey(),
    /** Has a build's wish handled. */
    ask: ({ run }: RunRecord, publicKey: string, attempt = 1) =>
      deliver(services, { runId: run.id, attempt, publicKey }),
    /** What was left for the build; undefined: nothing. */
    async left(record: RunRecord) {
      const [content] = await bucket
        .file(pathsOf(record).tokens)
        .download()
        .catch(() => []);
      return content?.toString();
    },
  };
}

test("a build gets a token that reads its repository alone, once, sealed for it and nobody else", async () => {
  await using world = await startOpening();
  const { github, key, ask, left, log } = world;
  const record = await world.accept(CREDENTIAL);
  await ask(record, key.publicKey);
  const sealed = (await left(record)) ?? "";
  const { tokens: place } = pathsOf(record);
  expect(key.open(sealed, place)).toEqual({ tokens: [github.state.token] });
  expect(github.state.tokens).toEqual([
    { repositories: ["site"], permissions: { contents: "read" } },
  ]);
  expect(() => newTokensKey().open(sealed, place)).toThrow("unable to authenticate");
  expect(() => key.open(sealed, "attempts/run_x/1-y/tokens.json")).toThrow(
    "unable to authenticate",
  );
  const written = JSON.stringify([await world.record(record.run.id), log, sealed]);
  expect(written).not.toContain(github.state.token);
  expect(written).not.toContain("PRIVATE KEY");
  // The message comes again, or somebody else's does.
  await ask(record, newTokensKey().publicKey);
  expect(await left(record)).toBe(sealed);
  expect(github.state.tokens).toHaveLength(1);
});

test("nobody gets a token for another's repository, another attempt, or a run that is over", async () => {
  await using world = await startOpening();
  const { github, key, ask, left } = world;
  // Accepted when the operator's table was another.
  const stranger = await world.accept({ ...CREDENTIAL, owner: "stranger" });
  await ask(stranger, key.publicKey);
  expect(key.open((await left(stranger)) ?? "", pathsOf(stranger).tokens)).toEqual({
    refused:
      "The GitHub App does not open more/site for stranger: the operator says who uses the App where in RUNYARD_GITHUB_REPOSITORIES.",
  });
  const own = await world.accept(CREDENTIAL);
  await ask(own, key.publicKey, 2);
  expect(await left(own)).toBeUndefined();
  const over = await world.finish(CREDENTIAL);
  await ask(over, key.publicKey);
  expect(await left(over)).toBeUndefined();
  // A run that does not name the App has nothing of it.
  const without = await world.accept({});
  await ask(without, key.publicKey);
  expect(key.open((await left(without)) ?? "", pathsOf(without).tokens)).toEqual({ tokens: [""] });
  expect(github.asked).toEqual([]);
  await expect(ask(own, "no key")).rejects.toThrow("not a message of run-deliveries");
});

test("what GitHub refuses for good is told the build; what passes is asked again", async () => {
  await using world = await startOpening();
  const { github, key, ask, left } = world;
  const record = await world.accept(CREDENTIAL);
  github.instead.set(CALL, [{ status: 502, body: { message: "Bad Gateway" } }]);
  await expect(ask(record, key.publicKey)).rejects.toThrow("502 Bad Gateway");
  expect(await left(record)).toBeUndefined();
  github.instead.set(CALL, [{ status: 404, body: { message: "Not Found" } }]);
  await ask(record, key.publicKey);
  expect(key.open((await left(record)) ?? "", pathsOf(record).tokens)).toEqual({
    refused: expect.stringContaining("The GitHub App is not installed in more/site"),
  });
});
