import { type DocumentSnapshot, FieldValue, type Transaction } from "@google-cloud/firestore";
import { after } from "../../../shared/clock.ts";
import type { Run } from "../../../shared/documents/run.ts";
import { AppError } from "../../../shared/errors.ts";
import { base62, type RandomBytes } from "../../../shared/ids.ts";
import { STREAMS } from "../../../shared/limits.ts";
import { COLLECTIONS } from "../../../shared/names.ts";
import type { Accepted, ResolvedRequest } from "../../../shared/run/accept.ts";
import type { Changed, RunRecord } from "../../../shared/run/record.ts";
import type { Part } from "../../services/page.ts";
import type { Decide, RunFilter, RunStore, Transacted } from "../../services/runs.ts";
import { codeOf, GRPC } from "../google-error.ts";
import type { Admission } from "./admission.ts";
import { type Database, fromDocument } from "./client.ts";
import { dueIn } from "./due.ts";
import { Followers } from "./followers.ts";
import type { OwnerDays } from "./owner-days.ts";
import { partOf } from "./page-query.ts";
import { runsOfPullRequest } from "./pull-request-runs.ts";
import { RecentRuns } from "./recent-runs.ts";
import {
  createRunDocuments,
  type RunDocuments,
  readRun,
  runDocuments,
  runOf,
  turnsOf,
  writeTransition,
} from "./run-documents.ts";
import { readEnd } from "./run-ends.ts";
import type { SlotWrites } from "./slot-writes.ts";
import type { UsageDays } from "./usage-days.ts";

/** A transaction's own commit, by which it is known when the transaction is run again. */
interface OwnCommit {
  token: string;
  made?: Transacted;
}

const DAY_SECONDS = 24 * 3600;
/** Due runs that are read at once. */
const DUE_RUNS = 500;

/** How many commits of others may lie between one's own and its recognition. */
const COMMITS = 4;

function signed(transition: Changed, token: string): Changed {
  const { run, state } = transition.record;
  const commits = [token, ...state.commits].slice(0, COMMITS);
  return { ...transition, record: { run, state: { ...state, commits } } };
}

/** Runs in Firestore: `runs` with their `events`, `runState`, `runRequests`. */
export class FirestoreRunStore implements RunStore {
  readonly #database: Database;
  readonly #documents: RunDocuments;
  readonly #admission: Admission;
  readonly #days: OwnerDays;
  readonly #slots: SlotWrites;
  readonly #usage: UsageDays;
  readonly #random: RandomBytes;
  readonly #followers: Followers;
  readonly #recent: RecentRuns;

  /**
   * @param beside.admission decides in the same transaction whether an owner may have one more run
   * @param beside.days has what owners spend
   * @param beside.slots has who may build
   * @param beside.usage counts runs that end
   */
  constructor(
    database: Database,
    beside: {
      admission: Admission;
      days: OwnerDays;
      slots: SlotWrites;
      usage: UsageDays;
      random: RandomBytes;
    },
  ) {
    this.#database = database;
    this.#documents = runDocuments(database.firestore);
    this.#followers = new Followers(database, this.#documents);
    this.#recent = new RecentRuns(this.#documents);
    this.#admission = beside.admission;
    this.#days = beside.days;
    this.#slots = beside.slots;
    this.#usage = beside.usage;
    this.#random = beside.random;
  }

  async create(accepted: Accepted): Promise<RunRecord | undefined> {
    if (this.#admission.isBounded(accepted.run.owner)) return this.#createAdmitted(accepted);
    const batch = this.#database.firestore.batch();
    createRunDocuments(this.#documents, accepted, (document, data) => batch.create(document, data));
    const { conversation } = accepted;
    batch.create(this.#documents.conversation(conversation.id), conversation);
    try {
      await this.#database.call(() => batch.commit());
      return undefined;
    } catch (error) {
      if (codeOf(error) !== GRPC.ALREADY_EXISTS) throw error;
    }
    return this.#othersRecord(accepted);
  }

  tryCreate(owner: string): Promise<number | undefined> {
    return this.#admission.tryAdmit(owner);
  }

  /** {@link create} where runs are counted: a run that is there already is not refused. */
  #createAdmitted(accepted: Accepted): Promise<RunRecord | undefined> {
    const { id, owner } = accepted.run;
    const admission = this.#admission;
    return admission.lines.transact(owner, async (transaction) => {
      const existing = (await readRun(transaction, this.#documents, id))?.record;
      if (existing !== undefined) {
        return existing.state.writer === accepted.state.writer ? undefined : existing;
      }
      const count = await admission.admit(transaction, owner);
      const { conversation } = accepted;
      createRunDocuments(this.#documents, accepted, (document, data) =>
        transaction.create(document, data),
      );
      transaction.create(this.#documents.conversation(conversation.id), conversation);
      count();
      return undefined;
    });
  }

  /** The run that is in the way of a new one; undefined if it is that one itself. */
  async #othersRecord({ run, state }: Accepted): Promise<RunRecord | undefined> {
    const existing = await this.getRecord(run.id);
    if (existing === undefined) {
      const detail = `run ${run.id} was deleted, and its conversation went on; use a new Idempotency-Key`;
      throw new AppError("conflict", { detail });
    }
    return existing.state.writer === state.writer ? undefined : existing;
  }

  async getRun(id: string): Promise<Run | undefined> {
    const snapshot = await this.#database.call(() => this.#documents.run(id).get());
    return snapshot.exists ? (fromDocument(snapshot.data()) as Run) : undefined;
  }

  async getRecord(id: string): Promise<RunRecord | undefined> {
    return (await this.read(id))?.record;
  }

  async read(id: string): Promise<{ record: RunRecord; now: Date } | undefined> {
    const { firestore, call } = this.#database;
    const { run, state } = this.#documents;
    // No read-only transaction: of one whose first read fails the client leaves a rejection behind
    // that nobody handles, which ends the process.
    const found = runOf(await call(() => firestore.getAll(run(id), state(id))));
    if (found) this.#recent.note(found.record);
    return found;
  }

  async databaseTime(): Promise<Date> {
    // There is no such document, and it is read at an instant all the same.
    const nothing = this.#documents.state("none");
    return (await this.#database.call(() => nothing.get())).readTime.toDate();
  }

  async getRequest(id: string): Promise<ResolvedRequest | undefined> {
    const snapshot: DocumentSnapshot = await this.#database.call(() =>
      this.#documents.request(id).get(),
    );
    const expireAt = snapshot.get("expireAt");
    const isExpired = expireAt !== undefined && expireAt <= snapshot.readTime;
    if (!snapshot.exists || isExpired) return undefined;
    return { ...JSON.parse(snapshot.get("json")), prompt: snapshot.get("prompt") };
  }

  async list(filter: RunFilter, part: Part): Promise<Run[]> {
    const { owner, status, agent, conversation, label, from, to } = filter;
    const equal = {
      owner,
      ...(status !== undefined && { status }),
      ...(agent !== undefined && { "agent.id": agent }),
      ...(conversation !== undefined && { "conversation.id": conversation }),
    };
    const contains = label === undefined ? undefined : { labelPairs: label };
    const runs = this.#database.firestore.collection(COLLECTIONS.runs);
    const query = partOf(runs, { equal, contains, from, to }, part);
    const snapshot = await this.#database.call(() => query.get());
    return snapshot.docs.map((document) => fromDocument(document.data()) as Run);
  }

  ofPullRequest = (url: string): Promise<Run[]> => runsOfPullRequest(this.#database, url);

  async *due(now: Date): AsyncGenerator<string[]> {
    const states = this.#database.firestore.collection(COLLECTIONS.runStates);
    const pages = dueIn(this.#database, states, { now, limit: DUE_RUNS, fields: [] });
    for await (const page of pages) yield page.map(({ id }) => id);
  }

  async transact(id: string, decide: Decide): Promise<Transacted | undefined> {
    const { firestore, call } = this.#database;
    const own: OwnCommit = { token: base62(this.#random(16)).slice(0, 8) };
    const transacted = await call(() =>
      firestore.runTransaction((transaction) => this.#decide(transaction, id, { decide, own })),
    );
    if (transacted) this.#recent.note(transacted.record);
    return transacted;
  }

  async #decide(
    transaction: Transaction,
    id: string,
    { decide, own }: { decide: Decide; own: OwnCommit },
  ): Promise<Transacted | undefined> {
    const read = await this.#recent.read(transaction, id);
    if (read === undefined) return undefined;
    if (own.made && read.record.state.commits.includes(own.token)) {
      // The commit of before is there; only its acknowledgement was lost.
      return { ...own.made, record: read.record };
    }
    const decided = decide(read.record, read.now);
    if (!decided.changed) return { ...decided, record: read.record };
    const made = await this.#write(transaction, read, { decided, token: own.token });
    if (made.changed) own.made = made;
    return made;
  }

  async #write(
    transaction: Transaction,
    read: { record: RunRecord; now: Date },
    { decided, token }: { decided: Changed; token: string },
  ): Promise<Transacted> {
    const accounted = await this.#days.account(transaction, read.record, decided);
    const transition = signed(accounted.transition, token);
    const beside = await this.#slots.account(transaction, read.record, {
      changed: transition,
      now: read.now,
    });
    if ("hindrance" in beside) {
      const reason = beside.hindrance;
      return { changed: false, reason, effects: [], record: read.record, ...beside };
    }
    const hasEnded = transition.record.run.done && !read.record.run.done;
    const { firestore } = this.#database;
    const ending = { firestore, transaction, documents: this.#documents, now: read.now };
    const end = hasEnded ? await readEnd(ending, transition.record) : undefined;
    const counted = hasEnded && (await this.#usage.account(transaction, transition.record));
    writeTransition(transaction, this.#documents, { before: read.record.run, transition });
    if (counted) counted.write();
    accounted.write();
    beside.write();
    if (end === undefined) return transition;
    end.write();
    return { ...transition, effects: [...transition.effects, ...end.effects] };
  }

  noteFollower = (id: string, until: Date): Promise<void> => this.#followers.note(id, until);

  async delete({ run }: RunRecord): Promise<void> {
    const { id, owner, conversation } = run;
    const { firestore, call } = this.#database;
    const documents = this.#documents;
    const events = documents.run(id).collection(COLLECTIONS.events);
    await call(() => firestore.recursiveDelete(events));
    await call(() =>
      firestore.runTransaction(async (transaction) => {
        const turns = turnsOf(firestore, { id: conversation.id, owner }).limit(2).select();
        const { docs, readTime } = await transaction.get(turns);
        const usage = await this.#withoutLabels(transaction, run);
        const isOnlyTurn = docs.every((turn) => turn.id === id);
        if (isOnlyTurn) transaction.delete(documents.conversation(conversation.id));
        const at = FieldValue.serverTimestamp();
        const expireAt = after(readTime.toDate(), STREAMS.listDays * DAY_SECONDS);
        transaction.set(firestore.doc(`${COLLECTIONS.erasedRuns}/${id}`), { owner, at, expireAt });
        usage?.write();
        for (const document of [documents.request(id), documents.state(id), documents.run(id)]) {
          transaction.delete(document);
        }
      }),
    );
  }

  /**
   * Undefined: nothing is counted by its labels, or the commit that takes them out is there
   * already.
   */
  async #withoutLabels(transaction: Transaction, run: Run) {
    if (run.labelPairs.length === 0) return undefined;
    const { exists } = await transaction.get(this.#documents.run(run.id));
    return exists ? this.#usage.forgetLabels(transaction, run) : undefined;
  }
}
