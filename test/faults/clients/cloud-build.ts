import type { CloudBuildClient } from "@google-cloud/cloudbuild";
import type { BuildPlan } from "../../../shared/attempt/build-plan.ts";
import type { Caller } from "./caller.ts";
import { asClientError } from "./client-error.ts";

/** A build as a client of Cloud Build sees it. */
export interface ShownBuild {
  id: string;
  name: string;
  status: string;
  statusDetail?: string | undefined;
  failureInfo?: { detail: string } | undefined;
  tags: string[];
  source?: BuildPlan["source"];
}

/** What the client asks of the service, all of it at once. */
export interface BuildService {
  create(parent: string, plan: BuildPlan): ShownBuild;
  get(name: string): ShownBuild;
  /** @param filter in the language of Cloud Build's own list */
  list(parent: string, filter: string): ShownBuild[];
  cancel(name: string): ShownBuild;
  /** What an operator's console does. */
  retry(name: string): ShownBuild;
}

interface CreateRequest {
  parent: string;
  build: BuildPlan;
}

/** A client of Cloud Build, with the calls that our adapter makes. */
export function memoryBuilds(service: BuildService, caller: Caller): CloudBuildClient {
  const ask = <T>(kind: string, effect: () => T): Promise<T> =>
    caller.call(`builds.${kind}`, effect).catch((error: unknown) => {
      throw asClientError(error);
    });
  const list = (request: { parent?: string; filter?: string }) =>
    ask("list", () => service.list(request.parent ?? "", request.filter ?? ""));
  const client = {
    createBuild: async ({ parent, build }: CreateRequest) => [
      { metadata: { build: await ask("create", () => service.create(parent, build)) } },
    ],
    getBuild: async ({ name }: { name: string }) => [await ask("get", () => service.get(name))],
    cancelBuild: async ({ name }: { name: string }) => [
      await ask("cancel", () => service.cancel(name)),
    ],
    listBuilds: async (request: object) => [await list(request)],
    async *listBuildsAsync(request: object) {
      yield* await list(request);
    },
    retryBuild: async ({ name }: { name: string }) => [
      { metadata: { build: await ask("retry", () => service.retry(name)) } },
    ],
  };
  return client as unknown as CloudBuildClient;
}
