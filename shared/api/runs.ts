import {
  CreateRun,
  Overrides,
  ReportProgress,
  RUN_STATUSES,
  Run,
  RunAnswer,
  RunRequest,
} from "../documents/run.ts";
import { Type } from "../schema/type.ts";
import { IDEMPOTENCY_KEY, LAST_EVENT_ID, PREFER } from "./headers.ts";
import type { Operation } from "./operation.ts";
import { pageOf, paging } from "./page.ts";

/** `GET /v1/runs`: the query's parameters. */
export const ListRuns = Type.Object(
  {
    status: Type.Optional(Type.Enum([...RUN_STATUSES], { description: "Runs in this status." })),
    agent: Type.Optional(Type.String({ description: "Runs of this stored agent." })),
    conversation: Type.Optional(Type.String({ description: "Runs of this conversation." })),
    label: Type.Optional(
      Type.String({ pattern: "^[^:]+:", description: "Runs with this label, as key:value." }),
    ),
    ...paging,
  },
  { additionalProperties: false },
);

/** `GET /v1/runs/{id}/logs`: the query's parameters. */
const GetLogs = Type.Object(
  {
    follow: Type.Optional(
      Type.Enum(["", "true", "false"], {
        description: "Whether to stay until the run is done. `?follow` alone is as true.",
      }),
    ),
  },
  { additionalProperties: false },
);

/** What accepting a run answers. */
export const RUN_ACCEPTED = {
  202: {
    description: "Accepted, and durable.",
    schema: RunAnswer,
    headers: {
      Location: "The run's path.",
      "Idempotency-Replayed": "true: the run was there already.",
    },
  },
  200: {
    description: "The finished run, which `Prefer: wait` waited for.",
    schema: RunAnswer,
    headers: { "Preference-Applied": "wait=N", Location: "The run's path." },
  },
} as const;

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
    headers: { ...IDEMPOTENCY_KEY, ...PREFER },
    body: CreateRun,
    answers: RUN_ACCEPTED,
    problems: ["idempotency_key_reused", "agent_archived", "limit_reached"],
  },
  {
    id: "listRuns",
    method: "get",
    path: "/v1/runs",
    tag: "Runs",
    summary: "List runs, newest first",
    access: "read",
    query: ListRuns,
    answers: { 200: { description: "A page of runs.", schema: pageOf(RunAnswer) } },
    problems: ["invalid"],
  },
  {
    id: "getRun",
    method: "get",
    path: "/v1/runs/{id}",
    tag: "Runs",
    summary: "Get a run",
    access: "read",
    answers: { 200: { description: "The run.", schema: RunAnswer } },
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
    id: "getRunRequest",
    method: "get",
    path: "/v1/runs/{id}/request",
    tag: "Runs",
    summary: "Get what a run was asked to do, with each default filled in",
    access: "read",
    answers: { 200: { description: "The request.", schema: RunRequest } },
    problems: ["not_found"],
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
    headers: { ...IDEMPOTENCY_KEY, ...PREFER },
    body: Overrides,
    isBodyOptional: true,
    answers: RUN_ACCEPTED,
    problems: ["not_found", "idempotency_key_reused", "limit_reached"],
  },
  {
    id: "continueRun",
    method: "post",
    path: "/v1/runs/{id}/continue",
    tag: "Runs",
    summary: "Continue a run that a limit, a timeout or a cancel ended, with its session and files",
    access: "run",
    headers: { ...IDEMPOTENCY_KEY, ...PREFER },
    body: Overrides,
    isBodyOptional: true,
    answers: RUN_ACCEPTED,
    problems: [
      "not_found",
      "conflict",
      "conversation_busy",
      "idempotency_key_reused",
      "limit_reached",
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
          "Events with their ids, `heartbeat` comments while nothing happens, and `done` at the end. A stream that ends without `done`, as each does within the hour, goes on when its client connects again with `Last-Event-ID`.",
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
    problems: ["not_found"],
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
    problems: ["not_found", "range_not_satisfiable"],
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
    problems: ["not_found", "range_not_satisfiable"],
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
  {
    id: "reportProgress",
    method: "post",
    path: "/v1/runs/{id}/progress",
    tag: "Builds",
    summary: "A run's own build says what its agent does",
    access: "build",
    body: ReportProgress,
    answers: { 204: { description: "Noted." } },
    problems: ["not_found", "conflict"],
  },
] as const satisfies readonly Operation[];
