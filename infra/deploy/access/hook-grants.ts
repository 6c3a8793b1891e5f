import { TOPICS } from "../../../shared/names.ts";
import { EVENTS_PREFIX } from "../../../shared/triggers/event-object.ts";
import type { Grant } from "./grant.ts";
import { EVENT_KEEPER, INVOKER, PUBLISHER, TRIGGER_READER } from "./roles.ts";

/** What the function that takes what is posted to hooks is given: it can change nothing. */
export const OF_HOOKS: readonly Grant[] = [
  {
    principal: "receiveHook",
    role: TRIGGER_READER,
    on: { kind: "project" },
    why: "reads how a hook's sender shows that it is the sender",
  },
  {
    principal: "receiveHook",
    role: EVENT_KEEPER,
    on: { kind: "dataBucket" },
    objectPrefix: EVENTS_PREFIX,
    why: "keeps an event that is too large for a message",
  },
  {
    principal: "receiveHook",
    role: PUBLISHER,
    on: { kind: "topic", topic: TOPICS.triggerFires },
    why: "hands a verified event on to its trigger",
  },
  {
    principal: "receiveHook",
    role: PUBLISHER,
    on: { kind: "topic", topic: TOPICS.runDeliveries },
    why: "tells of a pull request that GitHub says is another than it was",
  },
  {
    principal: "anybody",
    role: INVOKER,
    on: { kind: "service", service: "receiveHook" },
    why: "senders sign what they post, which the function itself looks at",
    googles: "https://cloud.google.com/run/docs/authenticating/public",
  },
];
