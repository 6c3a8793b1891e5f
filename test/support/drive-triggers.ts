import { storedFiring } from "./stored-firing.ts";
import type { World } from "./world.ts";

/** How the test of the contract asks. */
interface Driving {
  world: Pick<World, "firestore" | "storage">;
  post<T>(path: string, json: object): Promise<T>;
  answer(path: string, init?: RequestInit): Promise<Response>;
}

/** Has each operation of triggers answer as its document says that it does when all is well. */
export async function driveTriggers({ post, answer, world }: Driving): Promise<void> {
  const source = { kind: "webhook", verify: { scheme: "bearer" } };
  const { id } = await post<{ id: string }>("/triggers", { name: "a", source, prompt: "a" });
  const at = `/triggers/${id}`;
  const headers = { "content-type": "application/merge-patch+json", "if-match": "*" };
  await answer(at, { method: "PATCH", body: '{"name":"b"}', headers });
  for (const path of ["/triggers", at, `${at}/firings`]) await answer(path);
  await post(`${at}/secret`, {});
  const trigger = { name: "a", source, prompt: "a" };
  await post("/triggers/test", { trigger, event: {} });
  await post(`${at}/test`, { event: {} });
  const firing = await storedFiring(world, id);
  await answer(`${at}/firings/${firing}/redeliver`, { method: "POST" });
  await answer(at, { method: "DELETE" });
}
