import {
  type CallToolResult,
  createMcpHandler,
  fromJsonSchema,
  isLegacyRequest,
  type jsonSchemaValidator,
  McpServer,
  WebStandardStreamableHTTPServerTransport,
} from "@modelcontextprotocol/server";
import { describeFaults, validatorOf } from "../../../shared/schema/validate.ts";
import { describeError } from "../../log.ts";
import type { Services } from "../../services/services.ts";
import type { CallOf } from "../http/call.ts";
import { hangUp } from "../http/hang-up.ts";
import { type Ask, askerOf } from "./ask.ts";
import { Refused, TOOLS } from "./tools.ts";

const SERVER = { name: "runyard", title: "Runyard", version: "1" };
const INSTRUCTIONS =
  "Runs coding agents in the background. start_run begins one, wait_for_run waits for its end, get_patch has what it changed.";

/**
 * The library is told the schema; what does not fit is said in the words of the API, see {@link
 * perform}.
 */
const ANYTHING: jsonSchemaValidator = {
  getValidator: () => (data) => ({ valid: true, data: data as never, errorMessage: undefined }),
};

/** The tools with their inputs as JSON Schema, without the words that are ours. */
const OFFERED = Object.entries(TOOLS).map(([name, tool]) => {
  const plain = (key: string, value: unknown) => (key.startsWith("x-") ? undefined : value);
  const inputSchema = fromJsonSchema(JSON.parse(JSON.stringify(tool.input, plain)), ANYTHING);
  return { name, tool, inputSchema, fits: validatorOf(tool.input) };
});

/** Who calls tools, and who answers. */
interface Caller {
  services: Services;
  ask: Ask;
  /** Aborts when they have hung up. */
  signal: AbortSignal;
}

/**
 * `POST /mcp`: one message to the MCP server, of its revision 2026-07-28, or of 2025-11-25 and
 * before.
 */
export async function serveMcp(services: Services, call: CallOf<"callMcp">): Promise<void> {
  const { request, response, body } = call;
  const { host = "localhost", authorization = "" } = request.headers;
  const ask = askerOf(call.api, { host, authorization });
  const caller = { services, ask, signal: hangUp(response) };
  // Its body is read already, and goes beside it.
  const message = new Request(`http://${host}${request.path}`, {
    method: "POST",
    headers: {
      ...Object.fromEntries(
        Object.entries(request.headers).map(([name, value]) => [name, `${value}`]),
      ),
      // Which types of JSON are taken was decided, as for every request.
      "content-type": "application/json",
    },
  });
  const isOfBefore = await isLegacyRequest(message, body);
  const answer = await (isOfBefore ? answerOfBefore : answerNow)(caller, message, body);
  response.status(answer.status);
  const type = answer.headers.get("content-type");
  if (type !== null) response.set("Content-Type", type);
  response.end(Buffer.from(await answer.arrayBuffer()));
}

function answerNow(caller: Caller, message: Request, parsedBody: unknown): Promise<Response> {
  const handler = createMcpHandler(() => mcpServer(caller), {
    legacy: "reject",
    // Nothing here ever changes that could be listened to.
    maxSubscriptions: 0,
  });
  return handler.fetch(message, { parsedBody });
}

/** Each message stands by itself: there are no sessions. */
async function answerOfBefore(
  caller: Caller,
  message: Request,
  parsedBody: unknown,
): Promise<Response> {
  const server = mcpServer(caller);
  const transport = new WebStandardStreamableHTTPServerTransport({ enableJsonResponse: true });
  await server.connect(transport);
  try {
    return await transport.handleRequest(message, { parsedBody });
  } finally {
    await server.close();
  }
}

function mcpServer(caller: Caller): McpServer {
  const server = new McpServer(SERVER, { instructions: INSTRUCTIONS });
  for (const { name, inputSchema, ...offered } of OFFERED) {
    const { description, isReadOnly } = offered.tool;
    const annotations = { readOnlyHint: isReadOnly };
    server.registerTool(name, { description, annotations, inputSchema }, (input) =>
      perform(offered, input, caller),
    );
  }
  return server;
}

async function perform(
  { tool, fits }: Pick<(typeof OFFERED)[number], "tool" | "fits">,
  input: unknown,
  { services, ask, signal }: Caller,
): Promise<CallToolResult> {
  try {
    const fitting = fits(input ?? {});
    if (!fitting.ok) throw new Refused(describeFaults(fitting.faults));
    return said(JSON.stringify(await tool.call(ask, fitting.value, signal)));
  } catch (error) {
    if (error instanceof Refused) return { ...said(error.message), isError: true };
    if (signal.aborted) throw error;
    services.log("ERROR", describeError(error));
    return { ...said("Internal error; try again shortly."), isError: true };
  }
}

const said = (text: string): CallToolResult => ({ content: [{ type: "text", text }] });
