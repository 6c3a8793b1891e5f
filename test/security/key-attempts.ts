import { answer, REQUEST } from "./model-world.ts";

const smuggled = (key: string): string =>
  `GET /v1/organizations/api_keys HTTP/1.1\r\nhost: x\r\nx-api-key: ${key}\r\n\r\n`;

/** Requests with another request in their body, or after it. `B` is a body that is in order. */
export const SMUGGLING: readonly [name: string, head: string, body: (key: string) => string][] = [
  [
    "GET with content-length named in Connection",
    "GET /v1/messages HTTP/1.1\r\nconnection: content-length, keep-alive\r\ncontent-length: {n}\r\n",
    smuggled,
  ],
  [
    "DELETE with content-length named in Connection",
    "DELETE /v1/messages HTTP/1.1\r\nconnection: content-length\r\ncontent-length: {n}\r\n",
    smuggled,
  ],
  [
    "OPTIONS in chunks",
    "OPTIONS /v1/messages HTTP/1.1\r\ntransfer-encoding: chunked\r\n",
    (key) => chunked(smuggled(key)),
  ],
  [
    "POST with content-length named in Connection",
    "POST /v1/messages HTTP/1.1\r\nconnection: content-length, keep-alive\r\ncontent-length: {n}\r\n",
    smuggled,
  ],
  [
    "POST in chunks",
    "POST /v1/messages HTTP/1.1\r\ntransfer-encoding: chunked\r\n",
    (key) => chunked(smuggled(key)),
  ],
  [
    "chunked and a length",
    "POST /v1/messages HTTP/1.1\r\ntransfer-encoding: chunked\r\ncontent-length: 5\r\n",
    (key) => `0\r\n\r\n${smuggled(key)}`,
  ],
  [
    "two lengths",
    "POST /v1/messages HTTP/1.1\r\ncontent-length: 0\r\ncontent-length: {n}\r\n",
    smuggled,
  ],
  [
    "a coding that is chunked for some",
    "POST /v1/messages HTTP/1.1\r\ntransfer-encoding: \x0bchunked\r\n",
    (key) => chunked(smuggled(key)),
  ],
  [
    "two codings",
    "POST /v1/messages HTTP/1.1\r\ntransfer-encoding: chunked, identity\r\n",
    (key) => chunked(smuggled(key)),
  ],
  ["a bare line feed as an end", "POST /v1/messages HTTP/1.1\ncontent-length: {n}\n", smuggled],
  ["a length with a sign", "POST /v1/messages HTTP/1.1\r\ncontent-length: +{n}\r\n", smuggled],
  [
    "a header on the next line",
    "POST /v1/messages HTTP/1.1\r\nx:\r\n content-length: 0\r\ncontent-length: {n}\r\n",
    smuggled,
  ],
  ["an upgrade", "GET /v1/messages HTTP/1.1\r\nconnection: upgrade\r\nupgrade: h2c\r\n", smuggled],
  ["CONNECT", "CONNECT api.anthropic.com:443 HTTP/1.1\r\n", smuggled],
  ["TRACE", "TRACE /v1/messages HTTP/1.1\r\n", smuggled],
  ["HTTP/2", "PRI * HTTP/2.0\r\n", smuggled],
  [
    "HTTP/1.0 kept alive",
    "POST /v1/messages HTTP/1.0\r\nconnection: keep-alive\r\ncontent-length: {n}\r\n",
    smuggled,
  ],
  [
    "another request behind a body that is in order",
    "POST /v1/messages HTTP/1.1\r\ncontent-length: {body}\r\n",
    (key) => JSON.stringify(REQUEST) + smuggled(key),
  ],
  [
    "a request in a header",
    "POST /v1/messages HTTP/1.1\r\nuser-agent: a\r\n\r\nGET /v1/files HTTP/1.1\r\n",
    smuggled,
  ],
  [
    "a beta with a line's end",
    "POST /v1/messages HTTP/1.1\r\nanthropic-beta: effort-2025-11-24\rX-Evil: 1\r\ncontent-length: {body}\r\n",
    () => JSON.stringify(REQUEST),
  ],
];

const chunked = (text: string): string => `${text.length.toString(16)}\r\n${text}\r\n0\r\n\r\n`;

/** Doors of the API that have nothing to do with conversing. */
export const DOORS = [
  "GET /v1/models",
  "GET /v1/files",
  "POST /v1/files",
  "GET /v1/files/file_1/content",
  "DELETE /v1/files/file_1",
  "POST /v1/messages/batches",
  "GET /v1/messages/batches",
  "GET /v1/messages/batches/b/results",
  "POST /v1/messages/batches/b/cancel",
  "GET /v1/skills",
  "POST /v1/skills",
  "GET /v1/organizations/api_keys",
  "POST /v1/organizations/api_keys/k",
  "GET /v1/organizations/users",
  "GET /v1/organizations/usage_report/messages",
  "GET /v1/messages",
  "PUT /v1/messages",
  "DELETE /v1/messages",
  "PATCH /v1/messages",
  "OPTIONS /v1/messages",
  "TRACE /v1/messages",
  "HEAD /v1/messages",
  "POST /v1/complete",
  "POST /v1/environments",
  "POST /v1/agents",
  "POST /v1/sessions",
  "GET /v1/oauth/token",
  "POST /v1/messages/",
  "POST //v1/messages",
  "POST /v1//messages",
  "POST /v1/messages/../files",
  "POST /v1/messages/%2e%2e/files",
  "POST /v1/messages%2fbatches",
  "POST /v1/Messages",
  "POST /v1/messages;x",
  "POST /v1/messages#x",
  "POST /v1/messages?",
  "POST /v1/messages?beta=true&x=1",
  "POST /v1/messages?beta=false",
  "POST /v1/messages?beta=true?",
  "POST /gateway/v1/messages",
  "POST /",
  "POST *",
  "POST http://model/v1/messages",
  "POST https://api.anthropic.com/v1/messages",
  "POST http://example.com/v1/messages",
  "POST /v1/messages\\batches",
  "POST /v1/messages/count_tokens/x",
  "GET /v1/messages/count_tokens",
];

const tools = (tool: object) => ({ ...REQUEST, tools: [tool] });
const blocks = (block: object) => ({ ...REQUEST, messages: [{ role: "user", content: [block] }] });

/** Bodies that ask for more than a conversation. */
export const BODIES: readonly [name: string, body: unknown][] = [
  ["web search", tools({ type: "web_search_20250305", name: "web_search" })],
  ["web fetch", tools({ type: "web_fetch_20250910", name: "web_fetch" })],
  ["code execution", tools({ type: "code_execution_20250825", name: "code_execution" })],
  ["an advisor", tools({ type: "advisor_20260301", name: "advisor" })],
  ["a tool set of an MCP server", tools({ type: "mcp_toolset", mcp_server_name: "x" })],
  ["a tool of no type", tools({ type: null, name: "x" })],
  ["a tool that is a list", tools(["web_search_20250305"])],
  [
    "MCP servers",
    { ...REQUEST, mcp_servers: [{ type: "url", url: "https://example.com", name: "x" }] },
  ],
  ["a container", { ...REQUEST, container: "container_1" }],
  ["fast mode", { ...REQUEST, speed: "fast" }],
  ["another tier", { ...REQUEST, service_tier: "auto" }],
  ["a place", { ...REQUEST, inference_geo: "us" }],
  ["fallbacks", { ...REQUEST, fallbacks: [{ model: "claude-opus-4-1" }] }],
  ["a field of tomorrow", { ...REQUEST, spend_more: true }],
  [
    "a prototype",
    '{"model":"claude-opus-5-5","max_tokens":9,"messages":[],"__proto__":{"speed":"fast"}}',
  ],
  [
    "an image by address",
    blocks({ type: "image", source: { type: "url", url: "https://example.com" } }),
  ],
  [
    "a document by address",
    blocks({ type: "document", source: { type: "url", url: "https://example.com" } }),
  ],
  [
    "a file of the organisation",
    blocks({ type: "document", source: { type: "file", file_id: "file_1" } }),
  ],
  ["a file for a container", blocks({ type: "container_upload", file_id: "file_1" })],
  [
    "a file within a result",
    blocks({
      type: "tool_result",
      tool_use_id: "t",
      content: [{ type: "image", source: { type: "file", file_id: "f" } }],
    }),
  ],
  [
    "a file in the system prompt",
    { ...REQUEST, system: [{ type: "document", source: { type: "file", file_id: "f" } }] },
  ],
  ["a model without a price", { ...REQUEST, model: "claude-next" }],
  ["a model that is a prototype", { ...REQUEST, model: "__proto__" }],
  ["no model", { max_tokens: 1, messages: [] }],
  ["a negative answer", { ...REQUEST, max_tokens: -1 }],
  ["half a token", { ...REQUEST, max_tokens: 0.5 }],
  ["a stream that is a text", { ...REQUEST, stream: "true" }],
  ["no JSON", "{"],
  ["a list", "[]"],
  ["nothing", ""],
  [
    "a depth without end",
    `{"model":"claude-opus-5-5","messages":${"[".repeat(200_000)}${"]".repeat(200_000)}}`,
  ],
];

/** Answers that are none, or that say more than an answer may. */
export const ANSWERS: readonly [name: string, reply: string | undefined, status: number][] = [
  ["a status of 099", answer("{}", "099 Odd"), 502],
  ["a status of 1000", answer("{}", "1000 Odd"), 502],
  [
    "switching protocols",
    "HTTP/1.1 101 Switching Protocols\r\nupgrade: x\r\nconnection: upgrade\r\n\r\nabc",
    502,
  ],
  ["204 with a body", answer("{}", "204 No Content"), 502],
  ["304", answer("", "304 Not Modified"), 502],
  [
    "a redirect",
    "HTTP/1.1 302 Found\r\nlocation: http://169.254.169.254/\r\ncontent-length: 0\r\n\r\n",
    502,
  ],
  ["no HTTP", "hello\r\n\r\n", 502],
  ["a length that is none", "HTTP/1.1 200 OK\r\ncontent-length: x\r\n\r\n", 502],
  ["a hang-up", undefined, 502],
  ["an error of the API", answer('{"type":"error"}', "529 Overloaded"), 529],
];
