import { randomBytes } from "node:crypto";
import { once } from "node:events";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { Firestore } from "@google-cloud/firestore";
import { apiApp } from "../../functions/api/app.ts";
import { apiListener } from "../../functions/api/http/listener.ts";
import { openServices } from "../../functions/cloud/open-services.ts";
import type { Services } from "../../functions/services/services.ts";
import type { CloudBuildOptions } from "../../infra/emulators/cloud-build/start.ts";
import { type KeyRecord, keyHash, newKey, newKeyRecord } from "../../shared/documents/key.ts";
import { type Pipeline, startPipeline } from "./pipeline.ts";

/**
 * The API in this process, on a stand-in of its own, so that a test may have its clock and its
 * settings.
 */
export interface ApiServer extends AsyncDisposable {
  pipeline: Pipeline;
  firestore: Firestore;
  /** Its address, without `/v1`. */
  url: string;
  /** What it logged. */
  logged: { severity: string; message: string; fields: Record<string, unknown> }[];
  /** Moves its clock. */
  advance(seconds: number): void;
  /** Stores a key; default: of the owner `owner`, for everything, never expiring. */
  newKey(of?: Partial<KeyRecord>): Promise<string>;
  call(path: string, init?: RequestInit & { bearer?: string; json?: unknown }): Promise<Response>;
}

/**
 * @param options.env variables of `functions/config.ts`
 * @param options.images what its builds run
 * @param options.services in the place of the real ones
 * @param options.on another one, on whose stand-in it is one more instance
 */
export async function startApiServer({
  env = {},
  images,
  services: replaced = {},
  on,
}: {
  env?: Record<string, string>;
  images?: CloudBuildOptions["images"];
  services?: Partial<Services>;
  on?: ApiServer;
} = {}): Promise<ApiServer> {
  const stack = new AsyncDisposableStack();
  const pipeline =
    on?.pipeline ?? stack.use(await startPipeline({ env, ...(images && { images }) }));
  const firestore = new Firestore({ projectId: pipeline.config.projectId });
  stack.defer(() => firestore.terminate());
  let aheadMs = 0;
  const now = () => new Date(Date.now() + aheadMs);
  const logged: ApiServer["logged"] = [];
  const services: Services = {
    ...(on === undefined ? pipeline.services : openServices(pipeline.config)),
    now,
    log: (severity, message, fields = {}) => void logged.push({ severity, message, fields }),
    ...replaced,
  };
  const app = apiApp(services, pipeline.config);
  const server = createServer(apiListener(async () => app)).listen(0, "127.0.0.1");
  await once(server, "listening");
  stack.defer(() => void server.close().closeAllConnections());
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  return {
    pipeline,
    firestore,
    url,
    logged,
    advance: (seconds) => {
      aheadMs += seconds * 1000;
    },
    async newKey(of = {}) {
      const key = newKey(randomBytes);
      const blank = { owner: "owner", name: "test", scopes: ["admin" as const], expiresAt: null };
      const record = newKeyRecord(key, { ...blank, now: now(), id: randomBytes(16) });
      await services.keys.create(keyHash(key), { ...record, ...of });
      return key;
    },
    call: (path, { bearer, json, ...init } = {}) =>
      fetch(`${url}${path}`, {
        ...(json !== undefined && { method: "POST", body: JSON.stringify(json) }),
        ...init,
        headers: {
          ...(bearer !== undefined && { authorization: `Bearer ${bearer}` }),
          ...(json !== undefined && { "content-type": "application/json" }),
          ...(init.headers as Record<string, string>),
        },
      }),
    [Symbol.asyncDispose]: () => stack.disposeAsync(),
  };
}
