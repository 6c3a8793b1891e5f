import type { Topic } from "@google-cloud/pubsub";
import type { Caller } from "./caller.ts";

interface Published {
  json?: object;
  data?: Uint8Array;
  attributes?: Record<string, string>;
}

/**
 * The publisher's side of a topic.
 *
 * @param publish takes a message, as the service does
 */
export function memoryTopic(
  name: string,
  caller: Caller,
  publish: (data: Buffer, attributes: Record<string, string>) => string,
): Pick<Topic, "publishMessage"> {
  return {
    async publishMessage({ json, data, attributes = {} }: Published) {
      const bytes = Buffer.from(data ?? JSON.stringify(json));
      return caller.call(`pubsub.publish ${name}`, () => publish(bytes, attributes));
    },
  } as Pick<Topic, "publishMessage">;
}
