import { Firestore } from "@google-cloud/firestore";
import { startOfflineModel } from "../../infra/local/offline-model/start.ts";
import { chooseSandbox } from "../../infra/local/sandbox-choice.ts";
import { type Local, startLocal } from "../../infra/local/start.ts";
import { type Observer, observing } from "./observed.ts";
import { temporaryFolder } from "./temporary.ts";

/** Runyard as `npm start` runs it, with everything that reaches it observed. */
export interface World {
  local: Local;
  directory: string;
  modelUrl: string;
  firestore: Firestore;
  sandbox: "bubblewrap" | "none";
  /** Sends a run and returns its id when it was accepted. */
  send(prompt: string): Promise<string>;
}

/** Starts it; calls of the model are observed as `model`. Ends with `cleanup`. */
export async function startWorld(
  cleanup: AsyncDisposableStack,
  observer: Observer,
): Promise<World> {
  const directory = temporaryFolder(cleanup, "world");
  const model = await startOfflineModel({ onRequest: (request) => observer("model", request) });
  cleanup.use(model);
  const { mode: sandbox } = chooseSandbox({ asked: undefined, live: false, samplePrompt: "" });
  const local = await startLocal({
    directory,
    model: { url: model.url, key: "offline-benchmark-key" },
    sandbox,
    faults: observing(observer),
  });
  cleanup.use(local);
  const { projectId, clients, apiUrl } = local.address;
  const host = clients["FIRESTORE_EMULATOR_HOST"] ?? "";
  const firestore = new Firestore({ projectId, host, ssl: false });
  cleanup.defer(() => firestore.terminate());
  return {
    local,
    directory,
    modelUrl: model.url,
    firestore,
    sandbox,
    async send(prompt) {
      const response = await fetch(`${apiUrl}/runs`, {
        method: "POST",
        headers: { authorization: `Bearer ${local.key}`, "content-type": "application/json" },
        body: JSON.stringify({ prompt }),
      });
      const { id } = (await response.json()) as { id?: string };
      if (response.status !== 202 || !id) throw new Error(`POST /v1/runs: ${response.status}`);
      return id;
    },
  };
}
