import { Firestore, Timestamp, type Transaction } from "@google-cloud/firestore";
import type { ResolvedRequest } from "../../shared/accept.ts";
import type { RunRecord, Transition } from "../../shared/run-record.ts";
import type { Run } from "../../shared/run-schema.ts";
import { codeOf, GRPC, refusing } from "./google-error.ts";

/** What {@link RunStore.transact} did: the run as it now is, and what the caller owes. */
export type Transacted = Transition & { record: RunRecord };

/** Runs in Firestore: `runs`, `runState`, `runRequests` and `keys`. */
export class RunStore {
  readonly #firestore: Firestore;

  /** `FIRESTORE_EMULATOR_HOST` is honoured by the client. */
  constructor({ projectId }: { projectId: string }) {
    this.#firestore = new Firestore({ projectId });
  }

  /**
   * Writes a new run in one commit. If a run of that id is there already, nothing is written and it is
   * returned; a commit of our own whose acknowledgement was lost counts as written.
   */
  async create(record: RunRecord & { request: ResolvedRequest }): Promise<RunRecord | undefined> {
    const { id, owner } = record.run;
    const batch = this.#firestore.batch();
    batch.create(this.#run(id), record.run);
    batch.create(this.#state(id), record.state);
    batch.create(this.#request(id), { owner, json: JSON.stringify(record.request) });
    try {
      await refusing("Firestore", () => batch.commit());
      return undefined;
    } catch (error) {
      if (codeOf(error) !== GRPC.ALREADY_EXISTS) throw error;
    }
    const existing = await this.getRecord(id);
    return existing?.state.writer === record.state.writer ? undefined : existing;
  }

  async getRun(id: string): Promise<Run | undefined> {
    const snapshot = await refusing("Firestore", () => this.#run(id).get());
    return snapshot.exists ? (fromDocument(snapshot.data()) as Run) : undefined;
  }

  async getRecord(id: string): Promise<RunRecord | undefined> {
    const read = (t: Transaction) => this.#read(t, id);
    const options = { readOnly: true } as const;
    const found = await refusing("Firestore", () => this.#firestore.runTransaction(read, options));
    return found?.record;
  }

  async getRequest(id: string): Promise<ResolvedRequest | undefined> {
    const snapshot = await refusing("Firestore", () => this.#request(id).get());
    const json: unknown = snapshot.get("json");
    return typeof json === "string" ? (JSON.parse(json) as ResolvedRequest) : undefined;
  }

  /**
   * Decides on a run and writes the decision, in one transaction: it holds for the version that was read
   * or is taken again. `now` is the transaction's read time. Undefined: there is no such run.
   */
  async transact(id: string, decide: Decide): Promise<Transacted | undefined> {
    return refusing("Firestore", () =>
      this.#firestore.runTransaction(async (transaction) => {
        const read = await this.#read(transaction, id);
        if (read === undefined) return undefined;
        const transition = decide(read.record, read.now);
        if (!transition.changed) return { ...transition, record: read.record };
        transaction.set(this.#run(id), transition.record.run);
        transaction.set(this.#state(id), transition.record.state);
        return transition;
      }),
    );
  }

  /** Ids of at most `limit` runs whose `dueAt` has passed, longest due first. */
  async listDue(now: Date, limit: number): Promise<string[]> {
    const states = this.#firestore.collection("runState");
    const due = states.where("dueAt", "<=", now).orderBy("dueAt").limit(limit).select();
    const snapshot = await refusing("Firestore", () => due.get());
    return snapshot.docs.map((document) => document.id);
  }

  /** The owner that an API key belongs to; `keyHash` is its SHA-256, hex. */
  async ownerOfKey(keyHash: string): Promise<string | undefined> {
    const key = this.#firestore.doc(`keys/${keyHash}`);
    const snapshot = await refusing("Firestore", () => key.get());
    const owner: unknown = snapshot.get("owner");
    return typeof owner === "string" ? owner : undefined;
  }

  async #read(transaction: Transaction, id: string) {
    const [run, state] = await transaction.getAll(this.#run(id), this.#state(id));
    if (!run?.exists || !state?.exists) return undefined;
    const record = { run: fromDocument(run.data()), state: fromDocument(state.data()) };
    return { record: record as RunRecord, now: run.readTime.toDate() };
  }

  #run = (id: string) => this.#firestore.doc(`runs/${id}`);
  #state = (id: string) => this.#firestore.doc(`runState/${id}`);
  #request = (id: string) => this.#firestore.doc(`runRequests/${id}`);
}

type Decide = (record: RunRecord, now: Date) => Transition;

/** A document's data with `Date`s for Timestamps. */
function fromDocument(value: unknown): unknown {
  if (value instanceof Timestamp) return value.toDate();
  if (Array.isArray(value)) return value.map(fromDocument);
  if (typeof value !== "object" || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, fromDocument(item)]));
}
