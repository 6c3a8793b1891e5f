import { type ChildProcess, spawn } from "node:child_process";
import { randomUUID } from "node:crypto";
import { mkdtempSync } from "node:fs";
import { mkdir, readdir, rm, writeFile } from "node:fs/promises";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import { Storage } from "@google-cloud/storage";
import { keepPrograms } from "../../../infra/bundle/kept-programs.ts";
import { type StorageOptions, startStorage } from "../../../infra/emulators/storage/start.ts";
import {
  type ReceivedRequest,
  startOfflineModel,
} from "../../../infra/local/offline-model/start.ts";
import { FROM_SOURCES } from "../../../infra/local/programs.ts";
import { type AgentSettings, resolveAgent } from "../../../shared/agent/settings.ts";
import { type AttemptInput, pathsUnder } from "../../../shared/documents/attempt.ts";
import type { BuildManifest } from "../../../shared/documents/manifest.ts";

const { runner, compiled } = (await keepPrograms())?.programs ?? FROM_SOURCES;
/** The runner. */
export const MAIN = String(runner);
const BUCKET = "runs";
const PREFIX = "attempts/run_1/1-0123456789abcdef/";
export const KEY = "sk-real-key-that-nobody-may-see";
export const TOKEN = "progress-token-that-nobody-may-see";

export interface RunnerEnd {
  exitCode: number | null;
  stdout: string;
  stderr: string;
}

/** A storage, an offline model and a receiver of progress, for one runner at a time. */
export async function startWorld({ faults }: Pick<StorageOptions, "faults"> = {}) {
  const root = mkdtempSync(join(tmpdir(), "runyard-test-"));
  const requests: ReceivedRequest[] = [];
  const progress: {
    authorization: string | undefined;
    trace: string | string[] | undefined;
    body: Record<string, unknown>;
  }[] = [];
  const storage = await startStorage({
    directory: join(root, "storage"),
    buckets: [BUCKET],
    ...(faults && { faults }),
  });
  const model = await startOfflineModel({ onRequest: (request) => void requests.push(request) });
  let progressStatus = 204;
  const receiver = createServer(async (request, response) => {
    const body = JSON.parse(await text(request));
    const { authorization, traceparent } = request.headers;
    progress.push({ authorization, trace: traceparent, body });
    response.writeHead(progressStatus).end();
  });
  await new Promise<void>((resolve) => receiver.listen(0, "127.0.0.1", resolve));
  const client = new Storage({ apiEndpoint: storage.url, projectId: "test" });
  const bucket = client.bucket(BUCKET);
  const paths = pathsUnder(PREFIX);
  const sessionId = randomUUID();
  const temporary = join(root, "tmp");
  await mkdir(temporary);

  const read = async (name: string): Promise<string> => {
    const [content] = await bucket.file(name).download();
    return content.toString();
  };

  /** The folder that a build would start in. */
  const writeInput = async (
    prompt: string,
    settings: AgentSettings,
    more: Partial<AttemptInput> = {},
  ): Promise<string> => {
    const folder = mkdtempSync(join(root, "input-"));
    const attempt: AttemptInput = {
      schemaVersion: 1,
      runId: "run_1",
      attempt: 1,
      bucket: BUCKET,
      prefix: PREFIX,
      sessionId,
      restore: null,
      agent: resolveAgent(settings),
      progress: {
        url: `http://127.0.0.1:${(receiver.address() as AddressInfo).port}/progress`,
        token: TOKEN,
      },
      ...more,
    };
    await writeFile(join(folder, "attempt.json"), JSON.stringify(attempt));
    await writeFile(join(folder, "prompt.txt"), prompt);
    return folder;
  };

  const environmentOfBuild = {
    PATH: process.env["PATH"],
    HOME: root,
    TMPDIR: temporary,
    BUILD_ID: "build-1",
    ANTHROPIC_API_KEY: KEY,
    ANTHROPIC_BASE_URL: model.url,
    STORAGE_EMULATOR_HOST: storage.url,
    METADATA_SERVER_DETECTION: "none",
    NODE_COMPILE_CACHE: compiled,
  };

  return {
    root,
    environmentOfBuild,
    storageUrl: storage.url,
    bucket,
    paths,
    model,
    requests,
    progress,
    sessionId,
    read,
    temporary,
    writeInput,
    answerProgressWith(status: number): void {
      progressStatus = status;
    },
    /** Starts the runner on a prompt. */
    async start(
      prompt: string,
      settings: AgentSettings = {},
      {
        attempt = 1,
        ownerBudgetUsd,
        spentBefore,
        ...environment
      }: Partial<Pick<AttemptInput, "attempt" | "ownerBudgetUsd" | "spentBefore">> & {
        [variable in Uppercase<string>]?: string;
      } = {},
    ) {
      const folder = await writeInput(prompt, settings, {
        attempt,
        ...(ownerBudgetUsd !== undefined && { ownerBudgetUsd }),
        ...(spentBefore && { spentBefore }),
      });
      const child = spawn(process.execPath, [MAIN], {
        cwd: folder,
        stdio: ["ignore", "pipe", "pipe"],
        env: { ...environmentOfBuild, ...environment },
      });
      return { child, folder, ended: endOf(child) };
    },
    manifest: async (): Promise<BuildManifest> => JSON.parse(await read(paths.manifest)),
    output: (name: string) => read(`${paths.outputs}${name}`),
    async objects(): Promise<string[]> {
      const [files] = await bucket.getFiles();
      return files.map(({ name }) => name);
    },
    /** What runners left behind in the folder for temporary files. */
    leftovers: () => readdir(temporary),
    /** The prompts as the model got them: the texts of user messages. */
    prompts(): string[] {
      return requests.flatMap(({ body }) => {
        const { messages = [] } = body as {
          messages?: { role: string; content: string | { type: string; text: string }[] }[];
        };
        const user = messages.filter(({ role }) => role === "user");
        return user.flatMap(({ content }) =>
          typeof content === "string" ? content : content.map(({ text: said }) => said),
        );
      });
    },
    async [Symbol.asyncDispose]() {
      await model.close();
      await storage.close();
      await new Promise<void>((resolve) => {
        receiver.close(() => resolve());
        receiver.closeAllConnections();
      });
      await rm(root, { recursive: true, force: true });
    },
  };
}

async function endOf(child: ChildProcess): Promise<RunnerEnd> {
  const [stdout, stderr, exitCode] = await Promise.all([
    text(child.stdout as NodeJS.ReadableStream),
    text(child.stderr as NodeJS.ReadableStream),
    new Promise<number | null>((resolve) => child.once("exit", resolve)),
  ]);
  return { exitCode, stdout, stderr };
}
