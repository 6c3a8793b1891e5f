import { once } from "node:events";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { startWorld } from "./runner-world.ts";

type World = Awaited<ReturnType<typeof startWorld>>;

/** What a run leaves for the next turn: types of the conversation's lines, and its remark. */
async function leftBy(world: World) {
  const manifest = await world.manifest();
  const session = manifest.outputs.find(
    ({ name }) => name.endsWith(".jsonl") && name.startsWith("session/"),
  );
  const text = session === undefined ? "" : await world.read(session.object);
  const lines = text.split("\n").flatMap((line) => (line ? [JSON.parse(line)] : []));
  return {
    remark: manifest.session?.remark,
    conversation: lines
      .filter(({ type }) => type === "user" || type === "assistant")
      .map(({ type, message }) => `${type} ${message.content[0].type ?? "prompt"}`),
  };
}

test("the result of a last call, which its model was not told yet, stays", async () => {
  await using world = await startWorld();
  await (await world.start("run: echo the-answer-$((6 * 7))", { maxTurns: 1 })).ended;
  expect(await leftBy(world)).toEqual({
    remark: "",
    conversation: ["user prompt", "assistant text", "assistant tool_use", "user tool_result"],
  });
});

/** A model that begins to answer, and says no more. */
async function startSilentModel() {
  const asked = Promise.withResolvers<void>();
  const server = createServer((request, response) => {
    request.resume();
    response.writeHead(200, { "content-type": "text/event-stream" });
    const message = { id: "msg_1", type: "message", role: "assistant", content: [], usage: {} };
    response.write(`data: ${JSON.stringify({ type: "message_start", message })}\n\n`);
    asked.resolve();
  }).listen(0, "127.0.0.1");
  await once(server, "listening");
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    asked: asked.promise,
    async [Symbol.asyncDispose]() {
      server.close().closeAllConnections();
    },
  };
}

test("a prompt stays whose first answer was cut off", async () => {
  await using world = await startWorld();
  await using model = await startSilentModel();
  const { child, ended } = await world.start("Do it", {}, { ANTHROPIC_BASE_URL: model.url });
  await model.asked;
  child.kill("SIGTERM");
  await ended;
  expect(await leftBy(world)).toEqual({ remark: "", conversation: ["user prompt", "user text"] });
});
