import { RUN_STATUSES } from "../documents/run.ts";
import { Type } from "../schema/type.ts";
import { formed } from "../schema/words.ts";
import { instant, paging } from "./page.ts";

/** `GET /v1/runs`: the query's parameters. */
export const ListRuns = Type.Object(
  {
    status: Type.Optional(Type.Enum([...RUN_STATUSES], { description: "Runs in this status." })),
    agent: Type.Optional(
      Type.String({ description: "Runs of this stored agent, by its id or its name." }),
    ),
    conversation: Type.Optional(Type.String({ description: "Runs of this conversation." })),
    label: Type.Optional(
      Type.String({
        ...formed({ pattern: "^[^:]+:", form: "a label as key:value", example: "team:docs" }),
        description: "Runs with this label, as key:value.",
      }),
    ),
    from: Type.Optional(instant("Runs that were accepted then or later.")),
    to: Type.Optional(instant("Runs that were accepted before.")),
    archived: Type.Optional(
      Type.Enum(["true", "false"], {
        description: "Whether archived runs are listed too. Default: false.",
      }),
    ),
    follow: Type.Optional(
      Type.Enum(["", "true", "false"], {
        description:
          "Whether to send the list's changes as server-sent events instead. `?follow` alone is as true.",
      }),
    ),
    ...paging,
  },
  { additionalProperties: false },
);

/** `GET /v1/runs/{id}/logs`: the query's parameters. */
export const GetLogs = Type.Object(
  {
    follow: Type.Optional(
      Type.Enum(["", "true", "false"], {
        description: "Whether to stay until the run is done. `?follow` alone is as true.",
      }),
    ),
  },
  { additionalProperties: false },
);

/** `GET /v1/runs/{id}/artifacts.tar`: the query's parameters. */
export const GetArtifactsTar = Type.Object(
  {
    prefix: Type.Optional(
      Type.String({
        maxLength: 1024,
        description:
          "Only artifacts whose names begin so, as files/ for all that come from the workspace, or files/dist/.",
      }),
    ),
  },
  { additionalProperties: false },
);
