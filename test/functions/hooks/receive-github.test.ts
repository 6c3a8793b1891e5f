import { rmSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { join } from "node:path";
import { TOPICS } from "../../../shared/names.ts";
import { github } from "../../support/hooks.ts";
import { startHooksWorld } from "./hooks-world.ts";

const require = createRequire(import.meta.url);
/** Bodies as GitHub documents them. */
const examples: { name: string; examples: { action?: string }[] }[] =
  require("@octokit/webhooks-examples");
const documented = (action: string): string => {
  const found = examples.find((one) => one.name === "pull_request")?.examples;
  return JSON.stringify(found?.find((example) => example.action === action));
};

const SECRET = "It's a Secret to Everybody";

test("what GitHub posts to the App's own hook is told to the function that delivers", async () => {
  await using hooks = await startHooksWorld();
  const { world, post } = hooks;
  const body = documented("closed");
  const signed = (secret: string) => github(secret, body, { event: "pull_request" });
  const statusOf = async (...request: Parameters<typeof post>) => (await post(...request)).status;
  // Nobody has said what it is signed with.
  expect(await statusOf("github", signed(SECRET), body)).toBe(401);
  const secrets = join(world.directory, "secrets.json");
  writeFileSync(secrets, JSON.stringify({ "github-hook-key": SECRET }), { mode: 0o600 });
  const [subscription] = await world.pubsub.topic(TOPICS.runDeliveries).createSubscription("looks");
  const told = Promise.withResolvers<string>();
  subscription.on("message", (message) => {
    message.ack();
    told.resolve(message.data.toString());
  });
  const response = await post("github", signed(SECRET), body);
  const { html_url: pullRequest } = JSON.parse(body).pull_request;
  expect([response.status, await response.json()]).toEqual([202, { pullRequest }]);
  expect(JSON.parse(await told.promise)).toEqual({ pullRequest });
  await subscription.close();
  expect(await statusOf("github", signed("another"), body)).toBe(401);
  expect(await statusOf("github", signed(SECRET), `${body} `)).toBe(401);
  const other = documented("labeled");
  const ignored = await post("github", github(SECRET, other, { event: "pull_request" }), other);
  expect(await ignored.json()).toEqual({ dropped: "there is nothing to be done for it" });
  const form = { ...signed(SECRET), "content-type": "application/x-www-form-urlencoded" };
  expect(await statusOf("github", form, body)).toBe(415);
  rmSync(secrets);
}, 120_000);
