import { Type } from "../schema/type.ts";
import type { Operation } from "./operation.ts";

/** A message of JSON-RPC 2.0; what else is in it is the protocol's. */
const Message = Type.Object({
  jsonrpc: Type.Literal("2.0"),
  id: Type.Optional(Type.Unknown({ description: "Of a request; its answer has the same." })),
  method: Type.Optional(Type.String({ description: "Such as `tools/call`." })),
  params: Type.Optional(Type.Unknown()),
});

const Reply = Type.Object({
  jsonrpc: Type.Literal("2.0"),
  id: Type.Optional(Type.Unknown()),
  result: Type.Optional(Type.Unknown()),
  error: Type.Optional(
    Type.Object({
      code: Type.Integer(),
      message: Type.String(),
      data: Type.Optional(Type.Unknown()),
    }),
  ),
});

const refused = (description: string) => ({ description, schema: Reply });

/**
 * The Model Context Protocol over streamable HTTP:
 * https://modelcontextprotocol.io/specification/2026-07-28
 */
export const MCP_OPERATIONS = [
  {
    id: "callMcp",
    method: "post",
    path: "/mcp",
    tag: "MCP",
    summary:
      "Send a message to the MCP server, of the revision 2026-07-28, or 2025-11-25 and before",
    access: "read",
    headers: {
      Accept: "application/json, text/event-stream: clients name both; the answer is JSON.",
      "MCP-Protocol-Version": "The protocol's revision.",
      "Mcp-Method": "The message's method, from 2026-07-28 on.",
      "Mcp-Name": "The tool that is called, from 2026-07-28 on.",
    },
    body: Message,
    answers: {
      200: {
        description: "The answer to a request; a refusal of a tool is one too.",
        schema: Reply,
      },
      202: { description: "A notification is taken." },
      400: refused("The message is none of the protocol, or contradicts its headers."),
      404: refused("There is no such method."),
      406: refused("The client does not take both kinds of answers."),
    },
  },
] as const satisfies readonly Operation[];
