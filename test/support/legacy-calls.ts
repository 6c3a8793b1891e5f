import type { World } from "./world.ts";

/** Every operation of the service before this one, and what they refuse. */
export async function legacyIsDriven(call: World["call"]): Promise<void> {
  const legacy = async (method: string, ...[path, json, more]: [string, object?, object?]) => {
    const body = json && { body: JSON.stringify(json) };
    const headers = { "content-type": "application/json", ...more };
    return (await call(`/..${path}`, { method, headers, ...body })).json();
  };
  const statusOf = async (path: string) => {
    const response = await call(`/..${path}`);
    await response.arrayBuffer();
    return response.status;
  };
  const content = { name: "old", prompt: "Be brief.", maxTurns: 1 };
  const { id } = (await legacy("POST", "/agents", content)) as { id: string };
  const at = `/agents/${id}`;
  expect([await statusOf("/agents"), await statusOf(at)]).toEqual([200, 200]);
  const replaced = { ...content, name: "older" };
  expect(await legacy("PUT", at, replaced)).toMatchObject(replaced);
  expect(await legacy("PUT", "/agents/nobody", content)).toHaveProperty("error");
  expect(await legacy("POST", `${at}/run`, {})).toMatchObject({ result: "accepted" });
  const converse = (json: object, headers = {}) =>
    legacy("POST", "/api/conversation", json, headers);
  expect(await converse({ prompt: "echo" })).toMatchObject({ result: "성공" });
  expect(await converse({ prompt: "run: true", agentId: id })).toHaveProperty("error");
  expect(await converse({ prompt: "echo", conversationId: "none" })).toHaveProperty("error");
  const isAsync = { prefer: "respond-async" };
  expect(await converse({ prompt: "echo" }, isAsync)).toMatchObject({ result: "accepted" });
  const tooLong = { prompt: "run: sleep 30" };
  expect(await converse(tooLong, { prefer: "wait=1" })).toHaveProperty("runId");
  expect(await legacy("DELETE", at)).toEqual({ result: "성공" });
}
