import type { RequestListener } from "node:http";
import { type CloudEvent, cloudEvent, http } from "@google-cloud/functions-framework";
import { RUN_LIMITS } from "../shared/limits.ts";
import { HOOK_BYTES, HOOKS_PATH } from "../shared/triggers/hook.ts";
import { apiListener } from "./api/http/listener.ts";
import { readConfig } from "./config.ts";
import { installGuard } from "./guard.ts";
import { triggerAdmission } from "./trigger-auth.ts";

/**
 * Every function that is deployed, by the name that it is deployed under. Each process serves one
 * of them and loads only what that one needs.
 */
const config = readConfig();
const target = config.functionTarget;

/** Pub/Sub's largest message, as base64 in JSON. */
const PUSH_BODY_BYTES = 16 * 1024 * 1024;

async function services() {
  const { openServices } = await import("./cloud/open-services.ts");
  return openServices(config);
}

/** Services with every client loaded; the api accepts runs without those of objects and builds. */
async function loadedServices() {
  const opened = await services();
  await Promise.all([opened.artifacts.load(), opened.builds.load()]);
  return opened;
}

/** Starts loading the function that this process serves at once; the others are never loaded. */
function served<T>(name: string, load: () => Promise<T>): () => Promise<T> {
  const loading = target === name ? load() : undefined;
  return () => loading ?? load();
}

const api = served("api", async () => {
  const { apiApp } = await import("./api/app.ts");
  return apiApp(await services(), config);
});
const answerApi = apiListener(api);
http("api", answerApi);

const hook = served("receiveHook", async () => {
  const { hookApp } = await import("./hooks/receive-hook.ts");
  return hookApp(await services(), config);
});
const answerHook = apiListener(hook);
http("receiveHook", answerHook);

function bodyBytes(path: string): number {
  if (target === "receiveHook") return HOOK_BYTES;
  if (target !== "api") return PUSH_BODY_BYTES;
  const isPassedOn = config.passHooksTo !== undefined && path.startsWith(HOOKS_PATH);
  return isPassedOn ? HOOK_BYTES : RUN_LIMITS.bodyBytes;
}

const receiveEvent = served("receiveEvent", async () => {
  const { eventListener } = await import("./events/receive-event.ts");
  return eventListener(await loadedServices());
});
const answerEvent = apiListener(receiveEvent);
http("receiveEvent", answerEvent);

/** What is answered past functions-framework, which would parse bodies first. */
const OWN: Readonly<Record<string, RequestListener>> = {
  api: answerApi,
  receiveHook: answerHook,
  receiveEvent: answerEvent,
};

installGuard({
  host: config.host,
  // The API looks for itself, and tells pages of known origins.
  allowedHosts: target === "api" ? undefined : config.triggerHosts,
  admit: config.triggerAuth && triggerAdmission(config.triggerAuth),
  bodyBytes,
  // The framework starts and registers them, but it does not stand in their requests' way.
  serve: OWN[target ?? ""],
});

const submitBuild = served("submitBuild", async () => {
  const [{ submitBuild }, { pubsubTrigger }] = await Promise.all([
    import("./attempts/submit-build.ts"),
    import("./trigger.ts"),
  ]);
  return pubsubTrigger(await loadedServices(), "submitBuild", submitBuild);
});
cloudEvent("submitBuild", async (event: CloudEvent<unknown>) => (await submitBuild())(event));

const recordBuildStatus = served("recordBuildStatus", async () => {
  const [{ recordBuildStatus }, { pubsubTrigger }] = await Promise.all([
    import("./attempts/record-build-status.ts"),
    import("./trigger.ts"),
  ]);
  return pubsubTrigger(await loadedServices(), "recordBuildStatus", recordBuildStatus);
});
cloudEvent("recordBuildStatus", async (event: CloudEvent<unknown>) =>
  (await recordBuildStatus())(event),
);

const deliver = served("deliver", async () => {
  const [{ deliver }, { pubsubTrigger }] = await Promise.all([
    import("./attempts/deliver.ts"),
    import("./trigger.ts"),
  ]);
  return pubsubTrigger(await loadedServices(), "deliver", deliver);
});
cloudEvent("deliver", async (event: CloudEvent<unknown>) => (await deliver())(event));
const deliverWebhook = served("deliverWebhook", async () => {
  const [{ deliverWebhook }, { pubsubTrigger }] = await Promise.all([
    import("./events/deliver-webhook.ts"),
    import("./trigger.ts"),
  ]);
  return pubsubTrigger(await services(), "deliverWebhook", (opened, data, { attributes }) =>
    deliverWebhook(opened, { data, attributes }),
  );
});
cloudEvent("deliverWebhook", async (event: CloudEvent<unknown>) => (await deliverWebhook())(event));

const keepDeadLetter = served("keepDeadLetter", async () => {
  const { deadLetterTrigger } = await import("./trigger.ts");
  return deadLetterTrigger(await services());
});
cloudEvent("keepDeadLetter", async (event: CloudEvent<unknown>) => (await keepDeadLetter())(event));

const sweep = served("sweep", async () => {
  const { sweep } = await import("./attempts/sweep.ts");
  const opened = await loadedServices();
  return () => sweep(opened).finally(() => opened.telemetry.flush());
});
http("sweep", async (_request, response) => {
  response.json(await (await sweep())());
});
