import { CreateRun, Overrides, Run, RunRequest } from "../documents/run.ts";
import { RunAnswer } from "../documents/run-answer.ts";
import { Type } from "../schema/type.ts";
import { AcceptQuery, RUN_ACCEPTED, RUN_ACCEPTED_OR_TRIED } from "./accepted.ts";
import { IDEMPOTENCY_KEY, LAST_EVENT_ID, PREFER, TRACEPARENT } from "./headers.ts";
import type { Operation } from "./operation.ts";
import { pageOf } from "./page.ts";
import { GetArtifactsTar, GetLogs, ListRuns } from "./run-queries.ts";

const ETAG = { ETag: "The content's SHA-256." } as const;
const ARTIFACT_HEADERS = {
  ...ETAG,
  "Accept-Ranges": "bytes",
  "Content-Disposition": "attachment, with the artifact's name.",
  "Content-Security-Policy": "Nothing: a browser shall only keep it.",
} as const;

/** The content of an artifact, whole or in part. */
const CONTENT = {
  200: { description: "The content.", contentType: "*/*", headers: ARTIFACT_HEADERS },
  206: {
    description: "The part that `Range` asks for.",
    contentType: "*/*",
    headers: { ...ARTIFACT_HEADERS, "Content-Range": "bytes FROM-TO/SIZE" },
  },
  304: { description: "`If-None-Match` names what is there.", headers: ETAG },
} as const;
const CONTENT_REQUEST = {
  Range: "bytes=FROM-TO, one range.",
  "If-Range": "An ETag; all of the content if it is another.",
  "If-None-Match": "An ETag; 304 if the content is the same.",
} as const;

export const RUN_OPERATIONS = [
  {
    id: "createRun",
    method: "post",
    path: "/v1/runs",
    tag: "Runs",
    summary: "Accept a run",
    access: "run",
    query: AcceptQuery,
    headers: { ...IDEMPOTENCY_KEY, ...PREFER, ...TRACEPARENT },
    body: CreateRun,
    answers: RUN_ACCEPTED_OR_TRIED,
    problems: [
      "not_found",
      "upload_expired",
      "conflict",
      "idempotency_key_reused",
      "agent_archived",
      "limit_reached",
      "budget_spent",
      "no_sandbox",
    ],
  },
  {
    id: "listRuns",
    method: "get",
    path: "/v1/runs",
    tag: "Runs",
    summary: "List runs, newest first",
    access: "read",
    query: ListRuns,
    headers: LAST_EVENT_ID,
    answers: {
      200: {
        description:
          "A page of runs. With `follow`: `ready`, `run` with a run that is new or has changed, without its progress, and `gone` with the `id` of one that has left the list.",
        schema: pageOf(RunAnswer),
        orContentType: "text/event-stream",
        headers: { "X-Accel-Buffering": "With `follow`, no: proxies shall pass on what there is." },
      },
    },
    problems: ["invalid", "conflict", "events_expired"],
  },
  {
    id: "getRun",
    method: "get",
    path: "/v1/runs/{id}",
    tag: "Runs",
    summary: "Get a run",
    access: "read",
    headers: {
      Prefer: "wait=N: hold the answer for at most N seconds (up to 300) until the run is done.",
    },
    answers: {
      200: {
        description: "The run.",
        schema: RunAnswer,
        headers: { "Preference-Applied": "wait=N" },
      },
    },
    problems: ["not_found"],
  },
  {
    id: "deleteRun",
    method: "delete",
    path: "/v1/runs/{id}",
    tag: "Runs",
    summary: "Erase a finished run: document, events, request, session and objects",
    access: "run",
    answers: { 204: { description: "Nothing of it is left." } },
    problems: ["not_found", "conflict"],
  },
  {
    id: "archiveRun",
    method: "post",
    path: "/v1/runs/{id}/archive",
    tag: "Runs",
    summary: "Archive a finished run: lists leave it out; repeating it is no error",
    access: "run",
    answers: { 200: { description: "The run.", schema: RunAnswer } },
    problems: ["not_found", "conflict"],
  },
  {
    id: "unarchiveRun",
    method: "post",
    path: "/v1/runs/{id}/unarchive",
    tag: "Runs",
    summary: "Take a run out of the archive; repeating it is no error",
    access: "run",
    answers: { 200: { description: "The run.", schema: RunAnswer } },
    problems: ["not_found", "conflict"],
  },
  {
    id: "getRunRequest",
    method: "get",
    path: "/v1/runs/{id}/request",
    tag: "Runs",
    summary: "Get what a run was asked to do, with each default filled in",
    access: "read",
    answers: { 200: { description: "The request.", schema: RunRequest } },
    problems: ["not_found", "prompt_expired"],
  },
  {
    id: "cancelRun",
    method: "post",
    path: "/v1/runs/{id}/cancel",
    tag: "Runs",
    summary: "Cancel a run; repeating it is no error",
    access: "run",
    answers: { 202: { description: "The run, which is cancelled or will be.", schema: RunAnswer } },
    problems: ["not_found", "conflict"],
  },
  {
    id: "rerunRun",
    method: "post",
    path: "/v1/runs/{id}/rerun",
    tag: "Runs",
    summary: "Run the same resolved request again, in a conversation of its own",
    access: "run",
    headers: { ...IDEMPOTENCY_KEY, ...PREFER, ...TRACEPARENT },
    body: Overrides,
    isBodyOptional: true,
    answers: RUN_ACCEPTED,
    problems: [
      "not_found",
      "upload_expired",
      "conflict",
      "prompt_expired",
      "idempotency_key_reused",
      "limit_reached",
      "budget_spent",
      "no_sandbox",
    ],
  },
  {
    id: "continueRun",
    method: "post",
    path: "/v1/runs/{id}/continue",
    tag: "Runs",
    summary: "Continue a run that a limit, a timeout or a cancel ended, with its session and files",
    access: "run",
    headers: { ...IDEMPOTENCY_KEY, ...PREFER, ...TRACEPARENT },
    body: Overrides,
    isBodyOptional: true,
    answers: RUN_ACCEPTED,
    problems: [
      "not_found",
      "upload_expired",
      "prompt_expired",
      "conflict",
      "conversation_busy",
      "idempotency_key_reused",
      "limit_reached",
      "budget_spent",
      "no_sandbox",
    ],
  },
  {
    id: "followRunEvents",
    method: "get",
    path: "/v1/runs/{id}/events",
    tag: "Runs",
    summary: "Follow a run's events as server-sent events",
    access: "read",
    headers: LAST_EVENT_ID,
    answers: {
      200: {
        description:
          "Events with their ids, `heartbeat` comments while nothing happens, `queue` without an id (a `QueuePlace`, each 15 seconds while the run waits for a build slot), and `done` at the end. A stream that ends without `done`, as each does within the hour, goes on when its client connects again with `Last-Event-ID`.",
        contentType: "text/event-stream",
        headers: { "X-Accel-Buffering": "no: proxies shall pass on what there is." },
      },
    },
    problems: ["not_found", "events_expired", "invalid"],
  },
  {
    id: "listArtifacts",
    method: "get",
    path: "/v1/runs/{id}/artifacts",
    tag: "Runs",
    summary: "List all artifacts of a finished run",
    access: "read",
    answers: {
      200: {
        description: "The artifacts.",
        schema: Type.Object({ items: Run.properties.artifacts }),
      },
    },
    problems: ["not_found", "outputs_expired"],
  },
  {
    id: "getArtifact",
    method: "get",
    path: "/v1/runs/{id}/artifacts/{name+}",
    tag: "Runs",
    summary: "Get an artifact's content",
    access: "read",
    headers: CONTENT_REQUEST,
    answers: CONTENT,
    problems: ["not_found", "outputs_expired", "range_not_satisfiable"],
  },
  {
    id: "getArtifactsTar",
    method: "get",
    path: "/v1/runs/{id}/artifacts.tar",
    tag: "Runs",
    summary: "Get all artifacts of a run, or those below a prefix, as a tar",
    access: "read",
    query: GetArtifactsTar,
    answers: {
      200: {
        description: "The archive; one whose connection breaks is not whole.",
        contentType: "application/x-tar",
        headers: {
          "Content-Disposition": ARTIFACT_HEADERS["Content-Disposition"],
          "Content-Security-Policy": ARTIFACT_HEADERS["Content-Security-Policy"],
        },
      },
    },
    problems: ["not_found"],
  },
  {
    id: "getPatch",
    method: "get",
    path: "/v1/runs/{id}/patch",
    tag: "Runs",
    summary: "Get what a run changed, as a diff for git apply",
    access: "read",
    headers: CONTENT_REQUEST,
    answers: CONTENT,
    problems: ["not_found", "outputs_expired", "range_not_satisfiable"],
  },
  {
    id: "getLogs",
    method: "get",
    path: "/v1/runs/{id}/logs",
    tag: "Runs",
    summary: "Get the log of a run's build",
    access: "read",
    query: GetLogs,
    answers: {
      200: {
        description:
          "The log so far; of several attempts one after the other. One that is followed to the end of the run ends as HTTP wants it, any other breaks off.",
        contentType: "text/plain",
      },
    },
    problems: ["not_found"],
  },
] as const satisfies readonly Operation[];
