import type { AddressInfo } from "node:net";
import { cloudEvent } from "@google-cloud/functions-framework";
import { getTestServer } from "@google-cloud/functions-framework/testing";
import { publishText, startWorld, topicName } from "./world.ts";

interface MessagePublished {
  source: string;
  id: string;
  type: string;
  data: { message: { data: string; attributes: Record<string, string> } };
}

test("a function of functions-framework receives a push as a CloudEvent, and a throw is a nack", async () => {
  await using world = await startWorld();
  const events: MessagePublished[] = [];
  const { promise: handledTwice, resolve } = Promise.withResolvers<void>();
  cloudEvent("on-message", (event) => {
    events.push(event as unknown as MessagePublished);
    if (events.length === 1) throw new Error("not this time");
    resolve();
  });
  const server = getTestServer("on-message").listen(0, "127.0.0.1");
  const { port } = server.address() as AddressInfo;
  const pushEndpoint = `http://127.0.0.1:${port}/${topicName("events")}`;
  await world.topic().createSubscription("push", { pushEndpoint });
  const id = await publishText(world.topic(), "to a function");
  await handledTwice;
  expect(events).toHaveLength(2);
  expect(events[1]).toMatchObject({
    id,
    source: `//pubsub.googleapis.com/${topicName("events")}`,
    type: "google.cloud.pubsub.topic.v1.messagePublished",
    data: { message: { data: Buffer.from("to a function").toString("base64") } },
  });
  server.closeAllConnections();
  await new Promise((closed) => server.close(closed));
});
