import { createHash, randomUUID } from "node:crypto";
import type { Run } from "../../shared/documents/run.ts";
import { snapshotsUntil } from "./follow.ts";
import type { World } from "./world.ts";

/** An answer of the API with its JSON. */
interface Answer {
  status: number;
  // biome-ignore lint/suspicious/noExplicitAny: each test looks at the fields that it is about
  body: any;
  headers: Headers;
}

export async function post(
  world: World,
  path: string,
  { body, headers = {} }: { body: object; headers?: Record<string, string> },
): Promise<Answer> {
  return ask(world, `POST ${path}`, { body, headers });
}

/** Any request; `line` is its method and path. */
export async function ask(
  world: World,
  line: string,
  { body, headers = {} }: { body?: unknown; headers?: Record<string, string> } = {},
): Promise<Answer> {
  const [method = "", path = ""] = line.split(" ");
  const isJson = body !== undefined && headers["content-type"] === undefined;
  const response = await world.call(path, {
    method,
    headers: { ...(isJson && { "content-type": "application/json" }), ...headers },
    ...(body !== undefined && { body: typeof body === "string" ? body : JSON.stringify(body) }),
  });
  const text = await response.text();
  const answer = text === "" ? undefined : JSON.parse(text);
  return { status: response.status, body: answer, headers: response.headers };
}

/** {@link ask} for a path of the service before this one, which had no `/v1`. */
export function askOld(
  world: World,
  line: string,
  { body, headers = {} }: { body?: unknown; headers?: Record<string, string> } = {},
): Promise<Answer> {
  return ask(world, line.replace(" ", " /.."), { body, headers });
}

/** Headers with a key of somebody else. */
export async function otherOwner(world: World): Promise<{ authorization: string }> {
  const key = randomUUID();
  const hash = createHash("sha256").update(key).digest("hex");
  await world.firestore.doc(`keys/${hash}`).set({ owner: `owner-${key}` });
  return { authorization: `Bearer ${key}` };
}

/** Posts what the API must accept as a run. */
export async function accepted(world: World, path: string, body: object): Promise<Run> {
  const answer = await post(world, path, { body });
  if (answer.status === 202) return answer.body;
  throw new Error(`POST ${path} answered ${answer.status}: ${JSON.stringify(answer.body)}`);
}

/** The run when it is over. */
export async function ended(world: World, { id }: Pick<Run, "id">): Promise<Run> {
  return (await snapshotsUntil(world.firestore, id)).at(-1) as Run;
}

/** Path of the turns of a run's conversation. */
export const turnsOf = ({ conversation }: Run) => `/conversations/${conversation.id}/runs`;
