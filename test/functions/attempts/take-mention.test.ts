import { deliver } from "../../../functions/attempts/deliver.ts";
import { pullRequestMessageOf } from "../../../shared/delivery/github-hook.ts";
import { AppError } from "../../../shared/errors.ts";
import type { RunRecord } from "../../../shared/run/record.ts";
import { startDeliveries } from "../../support/deliveries.ts";

const PULL = "https://github.com/more/site/pull/1";
const WANTED = { pullRequest: { mentions: true } };
type World = Awaited<ReturnType<typeof startDeliveries>>;

/** What a delivery of GitHub's comes to, of a comment as it documents it. */
function mention(id: number, login: string, more: object = {}) {
  const comment = {
    ...{ id, html_url: `${PULL}#issuecomment-${id}`, author_association: "MEMBER", ...more },
    ...{ body: "@agent say it louder {{ event }} $(id)", user: { login, type: "User" } },
  };
  const payload = { action: "created", issue: { pull_request: { html_url: PULL } }, comment };
  return pullRequestMessageOf("issue_comment", payload, "@agent");
}
const turnsOf = async ({ services }: World, { run }: RunRecord) => {
  const conversation = await services.conversations.get(run.conversation.id);
  return conversation ? services.conversations.listTurns(conversation) : [];
};

test("a comment of somebody who may write is the conversation's next turn, once", async () => {
  await using world = await startDeliveries();
  const { github, services } = world;
  const first = await world.finish({ deliver: WANTED });
  await world.deliver(first);
  github.state.permissions.set("ann", "write").set("bob", "read");
  await deliver(services, mention(1, "bob"));
  await deliver(services, mention(2, "stranger"));
  expect(await turnsOf(world, first)).toHaveLength(1);
  const at = { path: "hello.txt", diff_hunk: "@@ -0,0 +1 @@\n+hello" };
  const messages = [mention(3, "ann", at), mention(3, "ann", at), mention(4, "ann")];
  await Promise.all(messages.map((message) => deliver(services, message)));
  await deliver(services, messages[0]);
  expect(github.state.tokens.at(-1)).toMatchObject({ permissions: { metadata: "read" } });
  const [, ...turns] = await turnsOf(world, first);
  expect(turns).toHaveLength(2);
  const requests = await Promise.all(turns.map(({ id }) => services.runs.getRequest(id)));
  const told = requests.find((request) => request?.prompt.includes("issuecomment-3"));
  expect(told).toMatchObject({
    deliver: WANTED,
    prompt: `ann commented on the pull request of this conversation, ${PULL}#issuecomment-3:\n\n@agent say it louder {{ event }} $(id)\n\nIt is about "hello.txt", which has there:\n\n@@ -0,0 +1 @@\n+hello`,
  });
  for (const turn of turns) {
    expect(turn).toMatchObject({
      owner: first.run.owner,
      conversation: { id: first.run.conversation.id },
      repository: { branch: `runyard/${first.run.id}`, delivery: "waiting" },
    });
  }
  expect(world.log.join("\n")).toContain("bob has no write access");
});

test("a comment starts nothing unless the run says so, and one that cannot be judged now comes again", async () => {
  await using world = await startDeliveries();
  const { github, services } = world;
  const closed = await world.finish();
  await world.deliver(closed);
  github.state.permissions.set("ann", "admin");
  await deliver(services, mention(1, "ann"));
  expect(await turnsOf(world, closed)).toHaveLength(1);
  expect(world.log.join("\n")).toContain("deliver.pullRequest.mentions is not said");
  const open = await world.finish({ deliver: WANTED });
  await world.deliver(open);
  const path = "GET /repos/more/site/collaborators/ann/permission";
  github.instead.set(path, [{ status: 503, body: {} }]);
  const asked = { ...mention(2, "ann"), pullRequest: "https://github.com/more/site/pull/2" };
  await expect(deliver(services, asked)).rejects.toThrow(AppError);
  await deliver(services, asked);
  expect(await turnsOf(world, open)).toHaveLength(2);
  // So does one for which there is no room now.
  const another = { ...asked, mention: mention(3, "ann")?.mention };
  await expect(deliver({ ...services, mostWaiting: 0 }, another)).rejects.toThrow(/wait for some/);
  expect(await turnsOf(world, open)).toHaveLength(2);
});
