import { once } from "node:events";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import express, { type Request, type Response } from "express";
import type { Run, RunEvent, RunRequest } from "../../client/types.ts";
import type { CallOf } from "../../functions/api/http/call.ts";
import { getPage, getPageAsset } from "../../functions/api/page/page.ts";
import type { Services } from "../../functions/services/services.ts";
import { buildPage } from "../../infra/page/build-page.ts";

/** What a request is answered with: JSON, a text, or as it likes. */
type Answer = object | string | ((request: Request, response: Response) => void);

/** What there is of a run beside its document. */
interface Staged {
  events?: RunEvent[];
  patch?: string;
  log?: string;
  request?: Partial<RunRequest>;
  /** Contents of artifacts by their names. */
  artifacts?: Record<string, string | Buffer>;
}

/** The page as the function `api` serves it, with its policy, and answers that a test makes up. */
export interface PageStage extends AsyncDisposable {
  /** The page's address with a key. */
  address(rest?: string): string;
  /** Has a run there. */
  stage(run: Run, staged?: Staged): void;
  /** By path without `/v1`; they come before what is staged. */
  answers: Map<string, Answer>;
  /** Ends every connection, streams among them. */
  breakOff(): void;
  /** Paths with queries, as they were asked for. */
  asked: string[];
}

const NO_SERVICES = {} as Services;
const USAGE = { items: [], total: { phases: [] } };

export async function startPageStage(): Promise<PageStage> {
  buildPage();
  const answers = new Map<string, Answer>();
  const runs = new Map<string, Run>();
  const asked: string[] = [];
  const fixed = new Map<string, Answer>([
    ["/agents", { items: [] }],
    ["/conversations", { items: [] }],
    ["/usage", USAGE],
    ["/runs", (request, response) => listRuns(runs, request, response)],
  ]);
  const app = express();
  app.get("/", (request, response, next) => {
    getPage(NO_SERVICES, { request, response } as unknown as CallOf<"getPage">).catch(next);
  });
  app.get("/assets/:name", (request, response, next) => {
    const { params } = request;
    getPageAsset(NO_SERVICES, {
      request,
      response,
      params,
    } as unknown as CallOf<"getPageAsset">).catch(next);
  });
  app.use("/v1", (request, response) => {
    asked.push(request.url);
    const answer = answers.get(request.path) ?? fixed.get(request.path);
    if (typeof answer === "function") answer(request, response);
    else if (typeof answer === "string") response.type("text/plain").send(answer);
    else if (answer !== undefined) response.json(answer);
    else answerProblem(response, 404, "not_found");
  });
  const server = createServer(app).listen(0, "127.0.0.1");
  await once(server, "listening");
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  return {
    answers,
    asked,
    breakOff: () => server.closeAllConnections(),
    address: (rest = "") => `${url}/${rest}#key=staged`,
    stage(run, staged = {}) {
      runs.set(run.id, run);
      for (const [path, answer] of answersOf(run, staged)) fixed.set(path, answer);
    },
    async [Symbol.asyncDispose]() {
      server.close();
      server.closeAllConnections();
      await once(server, "close");
    },
  };
}

/** A refusal in the API's form. */
export function answerProblem(response: Response, status: number, code: string): void {
  const body = { type: "about:blank", title: code, status, code, detail: `it is ${code}` };
  response.status(status).type("application/problem+json").send(JSON.stringify(body));
}

function listRuns(runs: ReadonlyMap<string, Run>, { query }: Request, response: Response): void {
  if (query["follow"] === undefined) {
    response.json({ items: [...runs.values()] });
    return;
  }
  response.type("text/event-stream").write("id: 1\nevent: ready\ndata: {}\n\n");
}

function answersOf(run: Run, staged: Staged): [string, Answer][] {
  const { events = [], patch, log = "", request = {}, artifacts = {} } = staged;
  const at = `/runs/${run.id}`;
  const asked = { runId: run.id, prompt: run.promptPreview, agent: null, settings: {}, labels: {} };
  const told = events.map(
    (event) => `id: ${event.id}\nevent: ${event.event.type}\ndata: ${JSON.stringify(event)}\n\n`,
  );
  if (run.done) told.push("event: done\ndata: {}\n\n");
  return [
    [at, run],
    [`${at}/request`, { ...asked, ...request }],
    [`${at}/logs`, log],
    [`/conversations/${run.conversation.id}`, { id: run.conversation.id, items: [] }],
    [
      `${at}/events`,
      (_request, response) => {
        response.type("text/event-stream").write(told.join(""));
        if (run.done) response.end();
      },
    ],
    [`${at}/artifacts`, { items: run.artifacts }],
    [`${at}/artifacts.tar`, (_request, response) => void response.send("a tar")],
    ...(patch === undefined ? [] : ([[`${at}/patch`, patch]] as [string, Answer][])),
    ...Object.entries(artifacts).map(([name, content]): [string, Answer] => [
      `${at}/artifacts/${name}`,
      (_request, response) => void response.send(content),
    ]),
  ];
}
