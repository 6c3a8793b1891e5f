import type { IncomingHttpHeaders } from "node:http";
import { fieldsIn, isFields } from "../json.ts";

/** A request to the model's API that may pass, of which nothing is left but what was checked. */
export interface Allowed {
  /** `/v1/messages` answers and costs; counting tokens costs nothing. */
  path: "/v1/messages" | "/v1/messages/count_tokens";
  query: "" | "?beta=true";
  headers: Record<string, string>;
  body: MessagesBody;
}

/**
 * The body of a request for a message, in which every field at the top is one of {@link FIELDS}.
 */
export interface MessagesBody {
  model: string;
  max_tokens?: number;
  stream?: boolean;
  thinking?: { type?: unknown; budget_tokens?: unknown };
  [field: string]: unknown;
}

/** Why a request does not pass; said to the agent in the API's own form. */
export class Refusal extends Error {
  readonly status: 400 | 401 | 404 | 413;
  constructor(status: Refusal["status"], message: string) {
    super(message);
    this.status = status;
  }
}

/** Of the run's budget too little is left for any answer. */
export class BudgetSpent extends Refusal {
  constructor({ isOwners }: { isOwners: boolean }) {
    super(400, isOwners ? "What its owner's day had left is spent." : "The run's budget is spent.");
  }
}

const PATHS = ["/v1/messages", "/v1/messages/count_tokens"] as const;

/**
 * Fields of a request's body; none of them makes the API's side act, keep anything or cost more.
 */
const FIELDS = new Set([
  "context_management",
  "max_tokens",
  "messages",
  "metadata",
  "model",
  "output_config",
  "output_format",
  "stop_sequences",
  "stream",
  "system",
  "temperature",
  "thinking",
  "tool_choice",
  "tools",
  "top_k",
  "top_p",
]);

/**
 * Betas that change how one converses: those that Claude Code 2.1.330 names, without its API's
 * other doors.
 */
const BETAS = new Set([
  "advanced-tool-use-2025-11-20",
  "auto-mode-classifier-2026-07-16",
  "claude-code-20250219",
  "claude-code-side-query-2026-09-29",
  "context-1m-2025-08-07",
  "context-hint-2026-04-09",
  "context-management-2025-06-27",
  "effort-2025-11-24",
  "extended-cache-ttl-2025-04-11",
  "fine-grained-tool-streaming-2025-05-14",
  "inline-tools-2026-09-15",
  "interleaved-thinking-2025-05-14",
  "mid-conversation-system-2026-04-07",
  "mid-conversation-system-clear-at-2026-08-21",
  "mid-conversation-tool-changes-2026-07-01",
  "per-turn-control-2026-07-01",
  "prompt-caching-scope-2026-01-05",
  "redact-thinking-2026-02-12",
  "structured-outputs-2025-11-13",
  "structured-outputs-2025-12-15",
  "thinking-binding-controls-2026-08-01",
  "thinking-display-updates-2026-08-18",
  "thinking-resumption-2026-07-17",
  "thinking-token-count-2026-05-13",
  "token-counting-2024-11-01",
  "tool-search-tool-2025-10-19",
]);

/**
 * Tools that the agent's side executes. Whatever the API executes costs, or reaches out of the
 * sandbox.
 */
const CLIENT_TOOL = /^(custom|(bash|text_editor|memory)_\d{8})$/;

/** Where an image or a document may come from: the request itself. */
const SOURCES = new Set(["base64", "content", "text"]);

/** Blocks that stand for something that the API keeps or does. */
const BLOCKS = new Set(["container_upload", "mcp_tool_use", "server_tool_use"]);

/**
 * The method and path of a request that may pass, before anything of its body was read.
 *
 * @throws {Refusal}
 */
export function allowedTarget(
  method: string | undefined,
  url: string | undefined,
): Pick<Allowed, "path" | "query"> {
  const [path, query, ...more] = (url ?? "").split("?");
  const known = PATHS.find((one) => one === path);
  const isPlain = more.length === 0 && (query === undefined || query === "beta=true");
  if (method !== "POST" || known === undefined || !isPlain) {
    throw new Refusal(
      404,
      `${method} ${path} is not for agents: they may converse (POST /v1/messages).`,
    );
  }
  return { path: known, query: query === undefined ? "" : "?beta=true" };
}

/**
 * The headers that go to the API: what converses needs, each made anew.
 *
 * @throws {Refusal}
 */
export function allowedHeaders(headers: IncomingHttpHeaders): Record<string, string> {
  const version = String(headers["anthropic-version"] ?? "2023-06-01");
  if (!/^\d{4}-\d\d-\d\d$/.test(version)) throw new Refusal(400, "anthropic-version is no date.");
  const betas = String(headers["anthropic-beta"] ?? "")
    .split(",")
    .map((beta) => beta.trim())
    .filter(Boolean);
  const refused = betas.find((beta) => !BETAS.has(beta));
  if (refused !== undefined) {
    // In the API's own words: Claude Code goes on without a beta that is refused in them.
    const said = `Unexpected value(s) \`${refused}\` for the \`anthropic-beta\` header`;
    throw new Refusal(400, `${said}: it is not for agents.`);
  }
  const agent = String(headers["user-agent"] ?? "");
  return {
    "anthropic-version": version,
    ...(betas.length > 0 && { "anthropic-beta": betas.join(",") }),
    ...(/^[\x20-\x7e]{1,200}$/.test(agent) && { "user-agent": agent }),
  };
}

/**
 * The body as it goes on. A name that it has twice counts as the API would count it: here, the
 * last.
 *
 * @throws {Refusal}
 */
export function allowedBody(text: string): MessagesBody {
  const body = fieldsIn(text);
  if (body === undefined) throw new Refusal(400, "The body is not a JSON object.");
  for (const field of Object.keys(body)) {
    if (!FIELDS.has(field)) throw new Refusal(400, `The field ${field} is not for agents.`);
  }
  const { model, max_tokens, messages, stream = false, tools = [] } = body;
  if (typeof model !== "string") throw new Refusal(400, "model must be a text.");
  if (!Array.isArray(messages)) throw new Refusal(400, "messages must be a list.");
  if (typeof stream !== "boolean") throw new Refusal(400, "stream must be true or false.");
  if (max_tokens !== undefined && !(Number.isSafeInteger(max_tokens) && Number(max_tokens) > 0)) {
    throw new Refusal(400, "max_tokens must be a whole number above 0.");
  }
  if (!Array.isArray(tools)) throw new Refusal(400, "tools must be a list.");
  for (const tool of tools) refuseServerTool(tool);
  refuseBlocks([messages, body["system"]]);
  if (!isWritable(body)) throw new Refusal(400, "The body is nested too deeply.");
  return body as MessagesBody;
}

/** What was read without end cannot always be written again. */
function isWritable(body: unknown): boolean {
  try {
    return JSON.stringify(body) !== undefined;
  } catch {
    return false;
  }
}

function refuseServerTool(tool: unknown): void {
  const { type = "custom", name } = isFields(tool) ? tool : { type: typeof tool };
  if (typeof type === "string" && CLIENT_TOOL.test(type)) return;
  throw new Refusal(400, `The tool ${String(name ?? type)} of the API is not for agents.`);
}

/** Walks all blocks, without recursion: their depth is the agent's choice. */
function refuseBlocks(roots: readonly unknown[]): void {
  const waiting = [...roots];
  for (
    let value = waiting.pop();
    value !== undefined || waiting.length > 0;
    value = waiting.pop()
  ) {
    if (typeof value !== "object" || value === null) continue;
    if (isFields(value)) refuseBlock(value);
    for (const [name, part] of Object.entries(value)) {
      // What a tool is called with means nothing to the API.
      if (name !== "input") waiting.push(part);
    }
  }
}

function refuseBlock({ type, source }: Record<string, unknown>): void {
  if (typeof type === "string" && BLOCKS.has(type)) {
    throw new Refusal(400, `A block of type ${type} is not for agents.`);
  }
  if (isFields(source) && !SOURCES.has(String(source["type"]))) {
    throw new Refusal(400, `A source of type ${String(source["type"])} is not for agents.`);
  }
}
