import { eventually } from "./eventually.ts";
import type { World } from "./world.ts";

/** Every operation on webhooks, and what they refuse. */
export async function webhookIsDriven(call: World["call"]): Promise<void> {
  const read = async (path: string, init: Parameters<World["call"]>[1] = {}) => {
    const response = await call(path, init);
    const text = await response.text();
    const { status, headers } = response;
    return { status, etag: headers.get("etag") ?? "", body: text === "" ? {} : JSON.parse(text) };
  };
  const post = (path: string, json: object = {}) => read(path, { json });
  // Nothing listens there.
  const { id } = (await post("/webhooks", { url: "http://127.0.0.1:9/hook" })).body;
  const at = `/webhooks/${id}`;
  const { etag } = await read(at);
  const patch = (headers: Record<string, string>) =>
    read(at, {
      method: "PATCH",
      body: '{"labels":{"team":"a"}}',
      headers: { "content-type": "application/merge-patch+json", ...headers },
    });
  expect((await patch({})).status).toBe(428);
  expect((await patch({ "if-match": etag })).status).toBe(200);
  expect((await patch({ "if-match": etag })).status).toBe(412);
  expect((await post(`${at}/rotate`)).body.secret).toMatch(/^whsec_/);
  const ping = (await post(`${at}/ping`)).body;
  const again = `${at}/deliveries/${ping.id}/redeliver`;
  await eventually(async () => expect((await post(again)).status).toBe(202));
  const run = (await post("/runs", { prompt: "echo" })).body;
  for (const path of ["/webhooks", `${at}/deliveries`, `/runs/${run.id}/deliveries`]) {
    expect((await read(path)).status).toBe(200);
  }
  expect((await read(at, { method: "DELETE" })).status).toBe(204);
}
