import { ATTEMPTS_PREFIX } from "../../../shared/documents/attempt.ts";
import { MIRRORS_PREFIX } from "../../../shared/documents/mirror.ts";
import { UPLOADS_PREFIX } from "../../../shared/documents/upload.ts";
import { TOPICS } from "../../../shared/names.ts";
import { SEALING } from "../names.ts";
import { OF_DELIVER } from "./deliver-grants.ts";
import { OF_EVENTS } from "./event-grants.ts";
import { OF_GOOGLE } from "./google-grants.ts";
import type { Grant, Target } from "./grant.ts";
import { OF_HOOKS } from "./hook-grants.ts";
import {
  ACT_AS,
  ATTEMPTS,
  BUILD_ENDER,
  BUILD_WATCHER,
  BUILDS,
  DEAD_LETTERS,
  DOCUMENTS,
  ERASER,
  LOG_READER,
  MIRROR_KEEPER,
  PUBLISHER,
  SECRET_ACCESSOR,
  SIGNER,
  UPLOAD_READER,
  WORKER,
} from "./roles.ts";
import { OF_WEBHOOKS } from "./webhook-grants.ts";

const PROJECT: Target = { kind: "project" };
const DATA: Target = { kind: "dataBucket" };
const LOGS: Target = { kind: "logsBucket" };
const topic = (name: string): Target => ({ kind: "topic", topic: name });

/** Whose decisions change runs. */
const DECIDING = ["api", "submitBuild", "recordBuildStatus", "receiveEvent", "sweep"] as const;

/** What ends an attempt frees its slot. */
const FREES_SLOTS = {
  "datastore.entities.delete": "the slot of a run, retired while it was held, would never go",
};

/** An event may end a turn that a person has asked for, in the conversation of its trigger. */
const REPLACES_DELIVERED = {
  "pubsub.topics.publish": "what a turn changed that an event replaced would wait for the sweep",
};

/** A mirror is asked for with a repository, and left of a large one. */
const MIRRORED = {
  "storage.objects.get": "a repository would be fetched without its mirror",
  "storage.objects.create": "no mirror of a large repository would be left",
  "storage.objects.delete": "a mirror that has grown old would stay as it is",
};

const OF_FUNCTIONS: readonly Grant[] = [
  {
    principal: "api",
    role: DOCUMENTS,
    on: PROJECT,
    why: "accepts, shows, changes and erases runs",
  },
  { principal: "api", role: PUBLISHER, on: topic(TOPICS.runRequests), why: "tells of a new run" },
  {
    principal: "api",
    role: ERASER,
    on: DATA,
    why: "shows what runs left, stops attempts, erases runs",
  },
  {
    principal: "api",
    role: LOG_READER,
    on: LOGS,
    why: "shows builds' logs, and erases them with runs",
  },
  {
    principal: "api",
    role: BUILD_WATCHER,
    on: PROJECT,
    why: "ends the builds of a run that is erased",
  },
  {
    principal: "api",
    role: SIGNER,
    on: { kind: "account", account: "api" },
    why: "signs addresses to upload to, as itself and without a key",
    googles: "https://cloud.google.com/storage/docs/access-control/signing-urls-with-helpers",
  },
  {
    principal: "submitBuild",
    rarely: FREES_SLOTS,
    role: DOCUMENTS,
    on: PROJECT,
    why: "takes the attempt's lease and slot",
  },
  {
    principal: "submitBuild",
    role: PUBLISHER,
    on: topic(TOPICS.runRequests),
    why: "tells of the turn or the run that goes on after one that it ended",
  },
  {
    principal: "submitBuild",
    role: PUBLISHER,
    on: topic(TOPICS.deadLetters),
    why: "puts away what is no message",
  },
  {
    principal: "submitBuild",
    rarely: { "storage.objects.list": "an object that is not there yet would look forbidden" },
    role: ATTEMPTS,
    on: DATA,
    why: "uploads inputs, seals claims",
  },
  {
    principal: "submitBuild",
    role: BUILDS,
    on: PROJECT,
    why: "creates builds, and cancels what nobody wants",
  },
  {
    principal: "submitBuild",
    role: ACT_AS,
    on: { kind: "account", account: "build" },
    why: "has builds run as their account",
  },
  {
    principal: "recordBuildStatus",
    rarely: FREES_SLOTS,
    role: DOCUMENTS,
    on: PROJECT,
    why: "writes what became of a run",
  },
  {
    principal: "recordBuildStatus",
    role: PUBLISHER,
    on: topic(TOPICS.runRequests),
    why: "tells of the next attempt or turn",
  },
  {
    principal: "recordBuildStatus",
    role: PUBLISHER,
    on: topic(TOPICS.deadLetters),
    why: "puts away what is no message",
  },
  {
    principal: "recordBuildStatus",
    role: ATTEMPTS,
    on: DATA,
    why: "reads manifests, or seals them",
  },
  {
    principal: "recordBuildStatus",
    role: BUILD_ENDER,
    on: PROJECT,
    why: "looks at builds, cancels strays",
  },
  {
    principal: "sweep",
    rarely: FREES_SLOTS,
    role: DOCUMENTS,
    on: PROJECT,
    why: "moves what is due",
  },
  {
    principal: "sweep",
    role: PUBLISHER,
    on: topic(TOPICS.runRequests),
    why: "tells again of what nobody took",
  },
  { principal: "sweep", role: ATTEMPTS, on: DATA, why: "reads and seals claims and manifests" },
  {
    principal: "sweep",
    role: BUILD_WATCHER,
    on: PROJECT,
    why: "looks at builds, cancels what is overdue",
  },
  ...DECIDING.map(
    (principal): Grant => ({
      principal,
      role: PUBLISHER,
      on: topic(TOPICS.runEvents),
      why: "tells of a run's change of status that it made",
    }),
  ),
  ...DECIDING.map(
    (principal): Grant => ({
      principal,
      role: PUBLISHER,
      on: topic(TOPICS.runDeliveries),
      why:
        principal === "api"
          ? "tells that a run which it ended owes what it changed, and that a build has repositories opened"
          : "tells that a run which it ended, or found due, owes what it changed",
      ...(principal === "receiveEvent" && { rarely: REPLACES_DELIVERED }),
    }),
  ),
  ...OF_DELIVER,
  ...OF_WEBHOOKS,
  {
    principal: "keepDeadLetter",
    role: DEAD_LETTERS,
    on: PROJECT,
    why: "keeps what no function could handle, and makes its run due",
  },
  {
    principal: "build",
    role: WORKER,
    on: DATA,
    objectPrefix: ATTEMPTS_PREFIX,
    why: "claims, uploads outputs and manifest, by name alone",
  },
  {
    principal: "build",
    role: UPLOAD_READER,
    on: DATA,
    objectPrefix: UPLOADS_PREFIX,
    why: "takes what was uploaded for its run, by name alone",
  },
  {
    principal: "build",
    rarely: MIRRORED,
    role: MIRROR_KEEPER,
    on: DATA,
    objectPrefix: MIRRORS_PREFIX,
    why: "reads the mirrors of repositories and leaves them, by name alone; to replace one is to delete it",
  },
];

/** What Cloud Run mounts in a service it reads as the service's account. */
export const SEAL_GRANTS: readonly Grant[] = SEALING.map((principal) => ({
  principal,
  role: SECRET_ACCESSOR,
  on: { kind: "sealSecret" },
  why: "seals and opens what must be kept secret",
  googles: "https://cloud.google.com/run/docs/configuring/services/secrets",
}));

/** What anybody is given in each deployment; `given.ts` adds what a setting needs. */
export const GRANTS: readonly Grant[] = [
  ...OF_FUNCTIONS,
  ...OF_HOOKS,
  ...OF_EVENTS,
  ...OF_GOOGLE,
  ...SEAL_GRANTS,
];
