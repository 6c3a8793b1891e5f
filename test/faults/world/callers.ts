import type { Run } from "../../../shared/documents/run.ts";
import type { ApiRequest } from "./api.ts";
import * as invariants from "./invariants.ts";
import type { Task } from "./runner.ts";
import type { World } from "./world.ts";

/** What somebody wants to have done, under an Idempotency-Key. */
export interface Wish {
  key: string;
  owner?: string;
  task: Task;
  /** The conversation whose next turn it is. */
  conversation?: string;
}

const TRIES = 8;
/** Answers after which a caller sends the same again. */
const isTransient = (status: number | undefined): boolean =>
  status === undefined || status >= 500 || status === 429;

/** People who call the API, and send again what was not answered. */
export class Callers {
  readonly #world: World;
  /** Runs by the key that they were asked for with. */
  readonly #accepted = new Map<string, string[]>();
  /** Whether no request may be refused. */
  mustBeAnswered = false;
  /** Those who are not done with. */
  open = 0;
  /** How many requests nobody has answered, however often they were sent. */
  unanswered = 0;
  /** How many requests were accepted. */
  accepted = 0;

  constructor(world: World) {
    this.#world = world;
  }

  /** At rest: runs that are there are those that callers were told of, if everybody was told. */
  holdRuns(): void {
    if (this.unanswered > 0) return;
    const { witness } = this.#world;
    const known = new Set([...this.#accepted.values()].flat());
    for (const id of witness.records.keys()) {
      witness.hold("everyRunIsSomebodys", id, invariants.everyRunIsSomebodys(id, known));
    }
  }

  /** @returns the run; undefined: it was refused, or nobody answered */
  async post({ key, owner = "ann", task, conversation }: Wish): Promise<Run | undefined> {
    const headers = { "idempotency-key": key };
    const prompt = JSON.stringify(task);
    const asked: ApiRequest =
      conversation === undefined
        ? { operation: "createRun", path: "/v1/runs", owner, headers, body: { prompt } }
        : {
            operation: "createTurn",
            path: `/v1/conversations/${conversation}/runs`,
            id: conversation,
            owner,
            headers,
            body: { prompt, onBusy: "queue" },
          };
    const run = (await this.#send(asked, 202)) as Run | undefined;
    const { witness } = this.#world;
    if (this.mustBeAnswered) {
      witness.hold("callersAreAnswered", "", invariants.callersAreAnswered(key, run));
    }
    if (run === undefined) return undefined;
    const runIds = [...(this.#accepted.get(key) ?? []), run.id];
    this.#accepted.set(key, runIds);
    this.accepted += 1;
    witness.hold("oneRunOfAKey", run.id, invariants.oneRunOfAKey(key, runIds));
    const found = witness.records.get(run.id);
    witness.hold("acceptedIsThere", run.id, invariants.acceptedIsThere(run.id, found));
    return run;
  }

  cancel(id: string, owner = "ann"): Promise<unknown> {
    const path = `/v1/runs/${id}/cancel`;
    return this.#send({ operation: "cancelRun", id, owner, path }, 202);
  }

  delete(id: string, owner = "ann"): Promise<unknown> {
    return this.#send({ operation: "deleteRun", id, owner, path: `/v1/runs/${id}` }, 204);
  }

  async #send(asked: ApiRequest, expected: number): Promise<unknown> {
    this.open += 1;
    try {
      for (let tries = 0; tries < TRIES; tries += 1) {
        if (tries > 0) await this.#world.time.sleep(1000 * 2 ** tries);
        const answer = await this.#world.call(asked);
        this.#world.note(() => `${asked.operation} answers ${answer?.status ?? "nothing"}`);
        if (answer?.status === expected) return answer.body ?? {};
        if (!isTransient(answer?.status)) return undefined;
      }
      this.unanswered += 1;
      return undefined;
    } finally {
      this.open -= 1;
    }
  }
}
