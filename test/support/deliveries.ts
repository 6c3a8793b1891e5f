import { randomBytes } from "node:crypto";
import { gunzipSync } from "node:zlib";
import { Storage } from "@google-cloud/storage";
import { unpackTar } from "modern-tar";
import { pathsOf } from "../../functions/attempts/attempt-outcome.ts";
import { deliver } from "../../functions/attempts/deliver.ts";
import { applyEvent } from "../../functions/attempts/settle-attempt.ts";
import { submitBuild } from "../../functions/attempts/submit-build.ts";
import { GithubDeliveries } from "../../functions/github/github-deliveries.ts";
import type { Services } from "../../functions/services/services.ts";
import type { AgentSettings } from "../../shared/agent/settings.ts";
import type { Verdict } from "../../shared/attempt/verdict.ts";
import { COMMIT_FILE, type CommitEntry } from "../../shared/delivery/commit-file.ts";
import { type AttemptInput, INPUT_FILES } from "../../shared/documents/attempt.ts";
import type { Deliver } from "../../shared/documents/deliver.ts";
import type { Session } from "../../shared/documents/session.ts";
import { sha256 } from "../../shared/hash.ts";
import { newNonce, newUuid, runId } from "../../shared/ids.ts";
import { acceptRun, acceptTurn } from "../../shared/run/accept.ts";
import type { RunRecord } from "../../shared/run/record.ts";
import { manifestOf, pass, putObject } from "./attempts.ts";
import { type LoopbackGithub, startGithub } from "./loopback-github.ts";
import { BUILD, makeOrder, settled } from "./make-run.ts";
import { startPipeline } from "./pipeline.ts";

export const BASE = "b".repeat(40);
export const REPOSITORY = "https://git.example/more/site";
/** Longer than a delivery's lease. */
const LEASE_SECONDS = 130;

/** A run that is to be delivered. */
interface Wanted {
  deliver?: Deliver;
  prompt?: string;
  answer?: string;
  outcome?: Verdict["outcome"];
  entries?: CommitEntry[];
  /** All of `commit.jsonl`, instead of the entries. */
  content?: string;
  /** A run whose conversation it goes on with. */
  after?: RunRecord;
  owner?: string;
  ref?: string;
  /** What that one left. */
  session?: Session;
  /** With what its repository is read. */
  credential?: { githubApp: true } | { secret: string };
  /** Of its repository. */
  url?: string;
  base?: string;
  /** Instead of the one. */
  repositories?: AgentSettings["repositories"];
}

const lines = (entries: readonly CommitEntry[], base = BASE): string =>
  [{ schemaVersion: 1, base, unnamed: 0 }, ...entries]
    .map((line) => `${JSON.stringify(line)}\n`)
    .join("");

export const HELLO: CommitEntry[] = [{ path: "hello.txt", mode: "100644", text: "hello\n" }];

/** The handlers' services over a GitHub of the test's own, in whose repository the App is. */
export async function startDeliveries(env: Record<string, string> = {}) {
  const stack = new AsyncDisposableStack();
  const github = stack.use(await startGithub());
  github.begin(BASE, { "a.txt": "a\n", "old/b.txt": "b\n" });
  const pipeline = stack.use(
    await startPipeline({
      env: {
        RUNYARD_GITHUB_APP_ID: github.appId,
        RUNYARD_GITHUB_URL: "https://git.example",
        RUNYARD_GITHUB_API_URL: github.url,
        RUNYARD_GITHUB_REPOSITORIES: JSON.stringify({ owner: ["more/*"] }),
        RUNYARD_GITHUB_PRIVATE_KEY: github.privateKey,
        ...env,
      },
    }),
  );
  const { services } = pipeline;
  const repositoryOf = async ({ run }: RunRecord) => (await pipeline.record(run.id)).run.repository;
  return {
    ...pipeline,
    github,
    repositoryOf,
    /** A run that has only been accepted. */
    accept: (wanted: Wanted) => accept(services, wanted),
    /** A run that has ended and left what is to be committed. */
    finish: async (wanted: Wanted = {}) => end(services, await accept(services, wanted), wanted),
    /** Ends one that was accepted, and leaves that. */
    end: (run: RunRecord, wanted: Wanted) => end(services, run, wanted),
    deliver: ({ run }: RunRecord, by: Services = services) => deliver(by, { runId: run.id }),
    /** What the build of a run is told that is submitted now. */
    inputOf: (run: RunRecord) => inputOf(services, run),
    /** Time passes, until whoever died holds nothing any more. */
    pass: (seconds = LEASE_SECONDS) => pass(pipeline, seconds),
    /** Services whose process dies once GitHub has done the call of that number; it says so. */
    dyingAfter: (call: number) => dyingAfter(services, pipeline.config.github, call),
    [Symbol.asyncDispose]: () => stack.disposeAsync(),
  };
}

async function end(services: Services, { run }: RunRecord, wanted: Wanted): Promise<RunRecord> {
  const { outcome = "succeeded", answer = "I said hello." } = wanted;
  const running = await applyEvent(services, run.id, { type: "claimed", attempt: 1, build: BUILD });
  if (!running) throw new Error("there is no run");
  await leave(
    services,
    running.record,
    wanted.content ?? lines(wanted.entries ?? HELLO, wanted.base),
  );
  const settlement = {
    verdict: { outcome, message: "It is over.", deniedTools: [] },
    result: {
      output: {
        ...{ text: answer, structured: null, truncated: false },
        ...{ changedFiles: [], moreChangedFiles: 0 },
      },
      changes: { files: 1, added: 1, removed: 0 },
      usage: { costUsd: 0.5, inputTokens: 1, outputTokens: 1, turns: 1, incomplete: false },
      artifacts: [],
      isolation: "none" as const,
      conversation: { session: "new" as const, remark: "" },
    },
  };
  const ended = await applyEvent(services, run.id, {
    ...(settled(outcome) as Extract<ReturnType<typeof settled>, { type: "settled" }>),
    settlement,
  });
  return ended?.record as RunRecord;
}

async function accept(
  services: Services,
  {
    deliver: asked = { pullRequest: {} },
    prompt = "Say hello",
    after,
    session,
    owner = "owner",
    ref,
    credential,
    url = REPOSITORY,
    repositories,
  }: Wanted,
): Promise<RunRecord> {
  const more = { ...(ref !== undefined && { ref }), ...(credential && { credential }) };
  const repository = { url, ...more };
  const order = makeOrder({
    prompt,
    settings: repositories ? { repositories } : { repository },
    deliver: asked,
  });
  const acceptance = {
    id: runId(randomBytes(16)),
    owner,
    nonce: newNonce(randomBytes),
    sessionId: newUuid(randomBytes),
    requestHash: "hash",
    writer: newNonce(randomBytes),
    now: new Date(),
  };
  if (after === undefined) {
    const accepted = acceptRun(order, acceptance);
    await services.runs.create(accepted);
    return accepted;
  }
  const turn = await services.conversations.createTurn(after.run.conversation.id, {
    ...{ id: acceptance.id, owner },
    accept: (before) => acceptTurn(order, acceptance, { ...before, ...(session && { session }) }),
  });
  return turn as RunRecord;
}

async function inputOf(services: Services, { run: { id: runId } }: RunRecord) {
  await submitBuild(services, { runId, attempt: 1 });
  const bucket = new Storage({ projectId: "pipeline" }).bucket(services.artifacts.bucketName);
  const [files] = await bucket.getFiles({ prefix: `attempts/${runId}/` });
  const [archive] = (await files.find(({ name }) => name.endsWith(".tar.gz"))?.download()) ?? [];
  const entries = await unpackTar(gunzipSync(archive ?? ""));
  const found = entries.find(({ header }) => header.name === INPUT_FILES.attempt);
  return JSON.parse(Buffer.from(found?.data ?? []).toString()) as AttemptInput;
}

/** What a runner leaves of it. */
async function leave(services: Services, record: RunRecord, content: string): Promise<void> {
  const { outputs, manifest } = pathsOf(record);
  const object = `${outputs}${COMMIT_FILE}`;
  const bucket = new Storage({ projectId: "pipeline" }).bucket(services.artifacts.bucketName);
  await bucket.file(object).save(content, { resumable: false });
  const output = {
    ...{ name: COMMIT_FILE, object, contentType: "application/jsonl" },
    ...{ sizeBytes: Buffer.byteLength(content), sha256: sha256(content) },
  };
  const left = manifestOf(record, BUILD.id);
  await putObject(services, manifest, { ...left, outputs: [output] });
}

/** The call's answer never comes: whoever waits for it does nothing any more. */
function dyingAfter(
  services: Services,
  settings: ConstructorParameters<typeof GithubDeliveries>[0],
  last: number,
) {
  const died = Promise.withResolvers<"died">();
  let calls = 0;
  const repositoryHost = new GithubDeliveries(settings, {
    keyOf: async () => undefined,
    async fetch(input, init) {
      calls += 1;
      const answer = await fetch(input, init);
      if (calls < last) return answer;
      died.resolve("died");
      return new Promise<never>(() => {});
    },
  });
  return { services: { ...services, repositoryHost }, died: died.promise };
}

/** How many of everything a GitHub has. */
export const countsOf = ({ state }: Pick<LoopbackGithub, "state">) => ({
  branches: [...state.refs.keys()].filter((ref) => ref !== "heads/trunk").length,
  pulls: state.pulls.length,
  checks: state.checks.length,
  comments: state.comments.length,
});
