import { once } from "node:events";
import type { AddressInfo } from "node:net";
import { type CloudEvent, cloudEvent } from "@google-cloud/functions-framework";
import { getTestServer } from "@google-cloud/functions-framework/testing";
import { emulatorTest } from "../declared.ts";
import { settled } from "./endpoint.ts";
import { publishText, pullNow, startWorld, topicName } from "./world.ts";

interface MessagePublished {
  source: string;
  id: string;
  type: string;
  data: { message: { data: string; attributes: Record<string, string> } };
}

emulatorTest(
  "a function of functions-framework receives a push as a CloudEvent and acknowledges it",
  async () => {
    await using world = await startWorld();
    const { promise: handled, resolve } = Promise.withResolvers<MessagePublished>();
    cloudEvent("on-message", (event: CloudEvent<unknown>) => {
      resolve(event as unknown as MessagePublished);
    });
    const server = getTestServer("on-message").listen(0, "127.0.0.1");
    await using _closing = {
      async [Symbol.asyncDispose]() {
        server.closeAllConnections();
        await new Promise((closed) => server.close(closed));
      },
    };
    await once(server, "listening");
    const { port } = server.address() as AddressInfo;
    const pushEndpoint = `http://127.0.0.1:${port}/${topicName("events")}`;
    await world.topic().createSubscription("push", { pushEndpoint });
    const id = await publishText(world.topic(), "to a function");
    expect(await handled).toMatchObject({
      id,
      source: `//pubsub.googleapis.com/${topicName("events")}`,
      type: "google.cloud.pubsub.topic.v1.messagePublished",
      data: { message: { data: Buffer.from("to a function").toString("base64") } },
    });
    await settled();
    await world.pubsub.subscription("push").modifyPushConfig({});
    await world.pass(600_000, 12_000);
    expect(await pullNow(world, "push")).toEqual([]);
  },
);
