import { PUSHED_FUNCTIONS, PUSHES, TOPICS } from "../../../shared/names.ts";
import type { Grant } from "./grant.ts";
import {
  ID_TOKEN_CREATOR,
  IMAGE_READER,
  INVOKER,
  LOG_WRITER,
  PUBLISHER,
  SECRET_ACCESSOR,
  SUBSCRIBER,
} from "./roles.ts";

const PUBSUB_PAGE = "https://cloud.google.com/pubsub/docs/authenticate-push-subscriptions";
const DEAD_LETTER_PAGE = "https://cloud.google.com/pubsub/docs/dead-letter-topics";
const BUILD_PAGE =
  "https://cloud.google.com/build/docs/securing-builds/configure-user-specified-service-accounts";

/** What Google's own services need to call ours, and to do what we ask of them. */
export const OF_GOOGLE: readonly Grant[] = [
  {
    principal: "anybody",
    role: INVOKER,
    on: { kind: "service", service: "api" },
    why: "callers have keys, which the api itself looks at",
    googles: "https://cloud.google.com/run/docs/authenticating/public",
  },
  ...PUSHED_FUNCTIONS.map(
    (service): Grant => ({
      principal: "push",
      role: INVOKER,
      on: { kind: "service", service },
      why: "pushes messages to it",
      googles: PUBSUB_PAGE,
    }),
  ),
  {
    principal: "scheduler",
    role: INVOKER,
    on: { kind: "service", service: "sweep" },
    why: "calls it every minute",
    googles: "https://cloud.google.com/scheduler/docs/http-target-auth",
  },
  {
    principal: "pubsubAgent",
    role: ID_TOKEN_CREATOR,
    on: { kind: "account", account: "push" },
    why: "makes the tokens of pushes",
    googles: PUBSUB_PAGE,
  },
  {
    principal: "pubsubAgent",
    role: PUBLISHER,
    on: { kind: "topic", topic: TOPICS.deadLetters },
    why: "moves what was delivered too often",
    googles: DEAD_LETTER_PAGE,
  },
  ...PUSHES.filter(({ topic: of }) => of !== TOPICS.deadLetters).map(
    ({ subscription }): Grant => ({
      principal: "pubsubAgent",
      role: SUBSCRIBER,
      on: { kind: "subscription", topic: subscription },
      why: "takes it from there when it moves it",
      googles: DEAD_LETTER_PAGE,
    }),
  ),
  {
    principal: "cloudBuildAgent",
    role: PUBLISHER,
    on: { kind: "topic", topic: TOPICS.cloudBuilds },
    why: "tells how builds are",
    googles: "https://cloud.google.com/build/docs/subscribe-build-notifications",
  },
  {
    principal: "build",
    role: LOG_WRITER,
    on: { kind: "logsBucket" },
    why: "Cloud Build writes a build's log as its account",
    googles: BUILD_PAGE,
  },
  {
    principal: "build",
    role: SECRET_ACCESSOR,
    on: { kind: "secret" },
    why: "Cloud Build gives the model's key to the step",
    googles: "https://cloud.google.com/build/docs/securing-builds/use-secrets",
  },
  {
    principal: "build",
    role: IMAGE_READER,
    on: { kind: "repository" },
    why: "Cloud Build pulls the runner's image as the build's account",
    googles: "https://cloud.google.com/artifact-registry/docs/access-control",
  },
];
