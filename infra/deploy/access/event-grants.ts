import { TOPICS } from "../../../shared/names.ts";
import { EVENTS_PREFIX } from "../../../shared/triggers/event-object.ts";
import type { Grant } from "./grant.ts";
import { ATTEMPTS, BUILD_ENDER, DOCUMENTS, EVENT_READER, PUBLISHER } from "./roles.ts";

const publishes = (principal: "receiveEvent" | "sweep", topic: string, why: string): Grant => ({
  principal,
  role: PUBLISHER,
  on: { kind: "topic", topic },
  why,
});

/** What comes of a run that ends since an event replaces it. */
const OF_ENDED = "what a run had that an event replaced would be left until the sweep";

/** What starts runs by events is given. */
export const OF_EVENTS: readonly Grant[] = [
  {
    principal: "receiveEvent",
    role: DOCUMENTS,
    on: { kind: "project" },
    rarely: { "datastore.entities.delete": OF_ENDED },
    why: "asks triggers, and writes firings and runs",
  },
  publishes("receiveEvent", TOPICS.triggerFires, "hands events on to triggers, fifty at a time"),
  publishes("receiveEvent", TOPICS.runRequests, "tells of a run that an event started"),
  publishes("receiveEvent", TOPICS.deadLetters, "puts away what is no event"),
  {
    principal: "receiveEvent",
    role: ATTEMPTS,
    on: { kind: "dataBucket" },
    rarely: { "storage.objects.list": "an object that is not there yet would look forbidden" },
    why: "keeps and reads events, and stops the attempt of a run that an event replaces",
  },
  {
    principal: "receiveEvent",
    role: BUILD_ENDER,
    on: { kind: "project" },
    rarely: { "cloudbuild.builds.get": OF_ENDED, "cloudbuild.builds.update": OF_ENDED },
    why: "ends the build of a run that an event replaces before its agent began",
  },
  {
    ...publishes("sweep", TOPICS.triggerFires, "shares out ticks of schedules"),
    rarely: { "pubsub.topics.publish": "ticks of thousands of schedules would be late" },
  },
  {
    principal: "build",
    role: EVENT_READER,
    on: { kind: "dataBucket" },
    objectPrefix: EVENTS_PREFIX,
    rarely: { "storage.objects.get": "a run would begin without an event of more than 64 KiB" },
    why: "takes the event that started its run, by name alone",
  },
];
