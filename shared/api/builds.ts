import { ReportProgress } from "../documents/event.ts";
import type { Operation } from "./operation.ts";

/** What builds call, each with its attempt's token. */
export const BUILD_OPERATIONS = [
  {
    id: "reportProgress",
    method: "post",
    path: "/v1/runs/{id}/progress",
    tag: "Builds",
    summary: "A run's own build says what its agent does",
    access: "build",
    body: ReportProgress,
    answers: {
      204: {
        description: "Noted.",
        headers: {
          "Report-After": "Seconds until the next is wanted; the last one may be sooner.",
        },
      },
    },
    problems: ["not_found", "conflict"],
  },
] as const satisfies readonly Operation[];
