import type { Publish } from "../emulators/cloud-build/outbox.ts";
import { GoogleError } from "../emulators/wire/status.ts";

/**
 * Has builds' messages published to a topic, as Google does: who has made none hears of no build.
 */
export function publishingTo(
  pubsub: { publish(topic: string, message: Parameters<Publish>[1]): unknown },
  topic: string,
): Publish {
  return (projectId, message) => {
    try {
      pubsub.publish(`projects/${projectId}/topics/${topic}`, message);
    } catch (error) {
      if (!(error instanceof GoogleError && error.status === "NOT_FOUND")) throw error;
    }
  };
}
