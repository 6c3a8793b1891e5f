import { AGENT_OPERATIONS } from "./agents.ts";
import { BUILD_OPERATIONS } from "./builds.ts";
import { CONVERSATION_OPERATIONS } from "./conversations.ts";
import { LEGACY_OPERATIONS } from "./legacy.ts";
import { MCP_OPERATIONS } from "./mcp.ts";
import type { Operation } from "./operation.ts";
import { RUN_OPERATIONS } from "./runs.ts";
import { SERVICE_OPERATIONS } from "./service.ts";
import { TOKEN_OPERATIONS } from "./tokens.ts";
import { TRIGGER_OPERATIONS } from "./triggers.ts";
import { UPLOAD_OPERATIONS } from "./uploads.ts";
import { USAGE_OPERATIONS } from "./usage.ts";
import { WEBHOOK_OPERATIONS } from "./webhooks.ts";

/** Every operation of the HTTP API. */
export const OPERATIONS = [
  ...RUN_OPERATIONS,
  ...BUILD_OPERATIONS,
  ...CONVERSATION_OPERATIONS,
  ...AGENT_OPERATIONS,
  ...TRIGGER_OPERATIONS,
  ...LEGACY_OPERATIONS,
  ...UPLOAD_OPERATIONS,
  ...USAGE_OPERATIONS,
  ...WEBHOOK_OPERATIONS,
  ...MCP_OPERATIONS,
  ...TOKEN_OPERATIONS,
  ...SERVICE_OPERATIONS,
] as const satisfies readonly Operation[];

type ById = { [Row in (typeof OPERATIONS)[number] as Row["id"]]: Row };

export type OperationId = keyof ById;

/** The row of the table that has this id. */
export type OperationOf<Id extends OperationId> = ById[Id];
