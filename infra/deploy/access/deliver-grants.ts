import { ATTEMPTS_PREFIX } from "../../../shared/documents/attempt.ts";
import { TOPICS } from "../../../shared/names.ts";
import type { Grant } from "./grant.ts";
import { DELIVERER, LEFT_READER, PUBLISHER, TOKEN_KEEPER } from "./roles.ts";

/** What handing back what runs changed needs, and opening what they begin with. */
export const OF_DELIVER: readonly Grant[] = [
  {
    principal: "deliver",
    role: DELIVERER,
    on: { kind: "project" },
    why: "notes what became of a delivery in its run, and finds the runs of a pull request",
  },
  {
    principal: "deliver",
    role: LEFT_READER,
    on: { kind: "dataBucket" },
    why: "reads what a run left to be committed, and looks whether a build has its tokens",
  },
  {
    principal: "deliver",
    role: TOKEN_KEEPER,
    on: { kind: "dataBucket" },
    objectPrefix: ATTEMPTS_PREFIX,
    why: "leaves a build the tokens that open its repositories, sealed for it",
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
