import type { Run } from "../../shared/documents/run.ts";
import { eventually } from "../support/eventually.ts";
import { snapshotsUntil } from "../support/follow.ts";
import { startWorld, type World } from "../support/world.ts";

const TIMEOUT_MS = 180_000;

async function send(world: World, path: string, prompt: string): Promise<Run> {
  const response = await world.call(path, { json: { prompt } });
  expect(response.status).toBe(202);
  return (await response.json()) as Run;
}

test(
  "a later turn that the model had no time for is asked again in its next attempt",
  async () => {
    await using world = await startWorld();
    const first = await send(world, "/runs", "echo");
    await snapshotsUntil(world.firestore, first.id);
    const path = `/conversations/${first.conversation.id}/runs`;
    const { id } = await send(world, path, "fail with 529");
    const isTriedAgain = ({ attempt, status }: Run) => attempt === 2 && status === "running";
    await snapshotsUntil(world.firestore, id, isTriedAgain);
    const before = world.modelRequests.length;
    const asked = await eventually(() => {
      const requests = world.modelRequests.slice(before);
      const request = requests.find((one) => one.path.startsWith("/v1/messages"));
      expect(request === undefined).toBe(false);
      return JSON.stringify(request?.body);
    }, 60);
    const texts = ["fail with 529", "Your machine was lost"];
    expect(texts.map((text) => asked.includes(text))).toEqual([true, false]);
    await world.call(`/runs/${id}/cancel`, { method: "POST" });
    await snapshotsUntil(world.firestore, id);
  },
  TIMEOUT_MS,
);
