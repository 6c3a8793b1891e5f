import { TOPICS } from "../../../shared/names.ts";
import type { Grant } from "./grant.ts";
import { DELIVERER, LEFT_READER, PUBLISHER } from "./roles.ts";

/** What handing back what runs changed needs. */
export const OF_DELIVER: readonly Grant[] = [
  {
    principal: "deliver",
    role: DELIVERER,
    on: { kind: "project" },
    why: "notes what became of a delivery in its run, and finds the runs of a pull request",
  },
  {
    principal: "deliver",
    rarely: { "storage.objects.list": "an object that is gone would look forbidden" },
    role: LEFT_READER,
    on: { kind: "dataBucket" },
    why: "reads what a run left to be committed",
  },
  {
    principal: "deliver",
    rarely: { "pubsub.topics.publish": "what a comment asks for would wait for the sweep" },
    role: PUBLISHER,
    on: { kind: "topic", topic: TOPICS.runRequests },
    why: "tells of a run that a comment on a pull request asks for",
  },
  {
    principal: "deliver",
    role: PUBLISHER,
    on: { kind: "topic", topic: TOPICS.deadLetters },
    why: "puts away what is no message",
  },
];
