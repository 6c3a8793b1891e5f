/** What clients of the Model Context Protocol send, as the two kinds of revisions have it. */

export const REVISION_NOW = "2026-07-28";

/** How a client of 2025-11-25 begins. */
export const WELCOME = {
  protocolVersion: "2025-11-25",
  capabilities: {},
  clientInfo: { name: "test", version: "1" },
};

/** What a client of 2026-07-28 says with each message. */
export const META_NOW = {
  "io.modelcontextprotocol/protocolVersion": REVISION_NOW,
  "io.modelcontextprotocol/clientInfo": WELCOME.clientInfo,
  "io.modelcontextprotocol/clientCapabilities": {},
};

export interface McpRequest {
  json: object;
  headers: Record<string, string>;
}

const ACCEPT = { accept: "application/json, text/event-stream" };

export const requestOfBefore = (method: string, params?: object): McpRequest => ({
  json: { jsonrpc: "2.0", id: 7, method, params },
  headers: ACCEPT,
});

export const notification = (method: string): McpRequest => ({
  json: { jsonrpc: "2.0", method },
  headers: ACCEPT,
});

export function requestOfNow(
  method: string,
  params: { name?: string; [key: string]: unknown } = {},
): McpRequest {
  const named = params.name === undefined ? undefined : { "mcp-name": params.name };
  return {
    json: { jsonrpc: "2.0", id: 7, method, params: { ...params, _meta: META_NOW } },
    headers: { ...ACCEPT, "mcp-protocol-version": REVISION_NOW, "mcp-method": method, ...named },
  };
}
