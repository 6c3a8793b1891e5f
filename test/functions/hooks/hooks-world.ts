import { randomBytes } from "node:crypto";
import { connect } from "node:net";
import type { Message, PubSub } from "@google-cloud/pubsub";
import { triggerId } from "../../../shared/ids.ts";
import { TOPICS } from "../../../shared/names.ts";
import type { Fires } from "../../../shared/triggers/fires.ts";
import { type HookDraft, writeHook } from "../../support/hooks.ts";
import { startWorld, type World } from "../../support/world.ts";

/** Runyard as a user has it, with hooks that are written past the API. */
export interface HooksWorld extends AsyncDisposable {
  world: World;
  /** See `writeHook`. */
  hook(draft: HookDraft): Promise<string>;
  /** A request to a hook at the API's own address. */
  post(id: string, headers: Record<string, string>, body: string): Promise<Response>;
  /** What was published for a trigger until now, once each. */
  fired(id: string): Promise<Fires[]>;
}

export async function startHooksWorld(): Promise<HooksWorld> {
  const stack = new AsyncDisposableStack();
  const world = stack.use(await startWorld({ sandbox: "none" }));
  const fires = await subscribed(world.pubsub);
  stack.defer(() => fires.close());
  return {
    world,
    hook: (draft) => writeHook(world, draft),
    post: (id, headers, body) =>
      fetch(`${world.local.address.apiUrl}/hooks/${id}`, { method: "POST", headers, body }),
    fired: async (id) => (await fires.all()).filter((one) => firesOf(one).includes(id)),
    [Symbol.asyncDispose]: () => stack.disposeAsync(),
  };
}

const firesOf = (one: Fires): string[] => ("triggerIds" in one ? one.triggerIds : [one.triggerId]);

/** Collects what is published to `trigger-fires`; a marker shows that all before it was seen. */
async function subscribed(pubsub: PubSub) {
  const topic = pubsub.topic(TOPICS.triggerFires);
  const [subscription] = await topic.createSubscription(`looks-${randomBytes(4).toString("hex")}`);
  const seen = new Map<string, Fires>();
  const markers = new Map<string, () => void>();
  subscription.on("message", (message: Message) => {
    const fires = JSON.parse(message.data.toString()) as Fires;
    const marker = markers.get(firesOf(fires)[0] ?? "");
    if (marker === undefined) seen.set(message.id, fires);
    else marker();
    message.ack();
  });
  subscription.on("error", () => {});
  return {
    async all(): Promise<Fires[]> {
      // Of a trigger that is not there.
      const marker = triggerId(randomBytes(16));
      const { promise, resolve } = Promise.withResolvers<void>();
      markers.set(marker, resolve);
      const event = { id: "1", source: "/", type: "marker", extensions: {}, data: null };
      await topic.publishMessage({ json: { triggerIds: [marker], event } satisfies Fires });
      await promise;
      return [...seen.values()];
    },
    close: () => subscription.close(),
  };
}

/** The answer to a POST of which only the head is sent, with this header. */
export async function rawPost(url: URL, header: string): Promise<string> {
  const { hostname, port, host, pathname } = url;
  const socket = connect(Number(port), hostname);
  const head = [`POST ${pathname} HTTP/1.1`, `Host: ${host}`, "Connection: close", header];
  socket.write(`${head.join("\r\n")}\r\n\r\n`);
  const { promise, resolve } = Promise.withResolvers<string>();
  let text = "";
  socket.setEncoding("utf8").on("data", (piece: string) => {
    text += piece;
    if (text.trimEnd().endsWith("}")) resolve(text);
  });
  try {
    return await promise;
  } finally {
    socket.destroy();
  }
}

/** What the API answers of a trigger that it made, and of firings. */
export interface Made {
  id: string;
  hook: { path: string };
  secret: string;
}
export interface Firings {
  items: { outcome: string; duplicates: string[]; runId: string | null }[];
}
