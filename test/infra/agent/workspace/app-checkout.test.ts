import { sealTokens } from "../../../../shared/delivery/repository-tokens.ts";
import { pathsUnder } from "../../../../shared/documents/attempt.ts";
import { eventually } from "../../../support/eventually.ts";
import { startConversationWorld } from "../conversation-world.ts";
import { TOKEN } from "../runner-world.ts";
import { GIT_TOKEN, startGitServer } from "./git-server.ts";

const credential = { githubApp: true } as const;
const PLACE = pathsUnder(`attempts/run_1/1-${"0".repeat(21)}1/`).tokens;

type World = Awaited<ReturnType<typeof startConversationWorld>>;

/** What the runner's key is, once it has asked. */
async function asked({ progress }: World): Promise<string> {
  let key: unknown;
  await eventually(() => {
    const report = progress.find(({ body }) => "opens" in body);
    expect(report?.authorization).toBe(`Bearer ${TOKEN}`);
    key = report?.body["opens"];
  });
  return String(key);
}

test("a repository is opened with a token of the App, asked for by the runner and hidden like other secrets", async () => {
  await using world = await startConversationWorld();
  await using server = await startGitServer();
  const open = server.add("open");
  open.commit({ "b.txt": "b\n" });
  const made = server.commit({ "a.txt": "a\n" });
  const repositories = [
    { folder: "open", url: "https://git.example/more/open" },
    { folder: "shop", url: "https://git.example/private", credential },
  ];
  const turn = world.turn(`run: cat shop/a.txt; env; cat shop/.git/config; echo ${GIT_TOKEN}`, {
    settings: { repositories },
    repositories: server.access,
  });
  const sealed = sealTokens({ tokens: ["", GIT_TOKEN] }, await asked(world), PLACE);
  await world.bucket.file(PLACE).save(sealed);
  const { manifest, log, output } = await turn;
  expect(manifest.session?.commits).toMatchObject({ shop: made });
  const events = await output("events.jsonl");
  expect(events).toContain("a\\n");
  expect(events).toContain("***");
  const left = JSON.stringify([manifest, log, world.progress, events]);
  expect(left).not.toContain(GIT_TOKEN);
  expect(left).not.toContain(btoa(`x-access-token:${GIT_TOKEN}`));
  const authorized = (place: string) =>
    server.asked.filter(({ url }) => url?.startsWith(place)).map((one) => one.authorization);
  expect(new Set(authorized("/more/open"))).toEqual(new Set([undefined]));
  expect(authorized("/private").every((value) => value?.startsWith("Basic "))).toBe(true);
}, 60_000);

test("a checkout that the App does not open fails with what is to be mended", async () => {
  await using world = await startConversationWorld();
  const settings = { repository: { url: "https://git.example/private", credential } };
  const turn = world.turn("say hello", { settings });
  const refused = "The GitHub App is not installed in acme/private: install it there.";
  await world.bucket.file(PLACE).save(sealTokens({ refused }, await asked(world), PLACE));
  const { facts } = (await turn).manifest;
  expect(facts).toMatchObject({
    ...{ started: false, failedStep: "checkout", stoppedBy: null },
    error: `The repository https://git.example/private cannot be checked out: ${refused}`,
  });
}, 60_000);
