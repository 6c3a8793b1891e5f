import { setTimeout as sleep } from "node:timers/promises";
import type { Run } from "../../shared/documents/run.ts";
import { eventually } from "./eventually.ts";
import { snapshotsUntil } from "./follow.ts";
import { github } from "./hooks.ts";
import type { World } from "./world.ts";

/** What lets the local owner have runs of a repository delivered that nobody reaches here. */
export const DELIVERING = {
  RUNYARD_GITHUB_APP_ID: "1",
  RUNYARD_GITHUB_URL: "https://git.invalid",
  RUNYARD_GITHUB_API_URL: "http://127.0.0.1:9",
  RUNYARD_GITHUB_HOOK_KEY: "what GitHub signs with",
  RUNYARD_GITHUB_REPOSITORIES: JSON.stringify({ local: ["more/*"] }),
};

const REQUEST = {
  agent: { settings: { repository: { url: "https://git.invalid/more/site" } } },
  deliver: { when: "always" },
};

/** The same, read with the App; whose key is missing here, as the function says that has it. */
const OPENED = {
  ...REQUEST,
  agent: {
    settings: {
      repository: { url: "https://git.invalid/more/site", credential: { githubApp: true } },
    },
  },
};

const PAST = new Date(0);

/** Runs that have nothing to be delivered: each is ended by another function, which asks for it. */
export async function delivered(
  { world }: { world: World },
  {
    wrong,
    send,
  }: {
    wrong: { publish: boolean; create: boolean };
    send(prompt: string, more: object): Promise<Run>;
  },
): Promise<void> {
  const { firestore, local } = world;
  const state = ({ id }: Run) => firestore.doc(`runState/${id}`);
  const isOver = async (run: Run) => {
    await snapshotsUntil(firestore, run.id);
    await eventually(async () => {
      expect((await state(run).get()).get("delivery")).toBeNull();
    });
  };
  const byRecord = await send("its checkout fails", OPENED);
  const owed = (await state(byRecord).get()).get("delivery");
  await isOver(byRecord);
  const ended = (await firestore.doc(`runs/${byRecord.id}`).get()).data();
  expect(ended).toMatchObject({
    verdict: { outcome: "checkout_failed" },
    why: expect.stringContaining("The operator has set up no GitHub App, or its key is missing."),
  });
  const delivery = { ...owed, since: PAST, dueAt: PAST };
  await state(byRecord).update({ delivery, dueAt: PAST });
  await local.tick();
  await isOver(byRecord);
  await pullRequestIsClosed(world, byRecord);
  wrong.create = true;
  await isOver(await send("its build is refused", REQUEST));
  Object.assign(wrong, { create: false, publish: true });
  const byApi = await send("it is cancelled before it began", REQUEST);
  await sleep(200);
  wrong.publish = false;
  await world.call(`/runs/${byApi.id}/cancel`, { method: "POST" });
  await isOver(byApi);
}

/** GitHub posts that a run's pull request is closed, at which somebody shall look. */
async function pullRequestIsClosed({ firestore, local, log }: World, { id }: Run): Promise<void> {
  const pullRequest = { number: 1, url: "https://git.invalid/more/site/pull/1", state: "open" };
  await firestore.doc(`runs/${id}`).update({ "repository.pullRequest": pullRequest });
  const body = JSON.stringify({ action: "closed", pull_request: { html_url: pullRequest.url } });
  const headers = github(DELIVERING.RUNYARD_GITHUB_HOOK_KEY, body, { event: "pull_request" });
  const url = `${local.address.apiUrl}/hooks/github`;
  expect((await fetch(url, { method: "POST", headers, body })).status).toBe(202);
  await eventually(async () => expect(log.join("\n")).toContain("not looked at"));
}
