import { COLLECTIONS, TOPICS } from "../../shared/names.ts";
import { GoogleError } from "../emulators/wire/status.ts";
import type { TellEvent } from "../emulators/wire/told-event.ts";
import { LOCAL } from "./names.ts";

type Publish = (
  topic: string,
  message: { data: Buffer; attributes: Record<string, string> },
) => unknown;

/**
 * Tells the functions what happened in a service of this machine, as Eventarc does; of the project,
 * but not of what is our own: runs write a lot. It goes by way of the topic `trigger-events`, whose
 * pushes are repeated until they are taken.
 *
 * @see https://github.com/googleapis/google-cloudevents/blob/main/docs/spec/pubsub.md
 */
export function tellingEvents(publish: Publish): TellEvent {
  return ({ attributes, contentType, data }) => {
    if (isOurs(attributes)) return;
    const named = Object.entries(attributes).map(([name, value]) => [`ce-${name}`, value]);
    const message = {
      data,
      attributes: { ...Object.fromEntries(named), "content-type": contentType },
    };
    try {
      publish(`projects/${LOCAL.project}/topics/${TOPICS.triggerEvents}`, message);
    } catch (error) {
      // There is no topic yet, or a name is too long for a message's attribute.
      if (!(error instanceof GoogleError)) throw error;
    }
  };
}

const OUR_BUCKETS: readonly (string | undefined)[] = [LOCAL.bucket, LOCAL.logsBucket];
const OUR_COLLECTIONS: readonly (string | undefined)[] = Object.values(COLLECTIONS);

function isOurs({ bucket, project, document = "" }: Record<string, string>): boolean {
  if (bucket !== undefined) return OUR_BUCKETS.includes(bucket);
  return project !== LOCAL.project || OUR_COLLECTIONS.includes(document.split("/")[0]);
}
