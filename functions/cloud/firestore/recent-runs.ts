import type { DocumentSnapshot, Transaction } from "@google-cloud/firestore";
import type { RunRecord, RunState } from "../../../shared/run/record.ts";
import { fromDocument } from "./client.ts";
import { type RunDocuments, readRun, recordIn } from "./run-documents.ts";

/** Runs that are remembered; each has at most 64 KiB. */
const REMEMBERED = 100;

/**
 * The runs that this process has last read or written. A run's document changes only together with
 * its state, so that who finds the state as it was need not read the run.
 */
export class RecentRuns {
  readonly #documents: RunDocuments;
  readonly #records = new Map<string, RunRecord>();

  constructor(documents: RunDocuments) {
    this.#documents = documents;
  }

  /** Remembers a run as it is stored. */
  note(record: RunRecord): void {
    const { id } = record.run;
    this.#records.delete(id);
    this.#records.set(id, record);
    const [eldest] = this.#records.keys();
    if (this.#records.size > REMEMBERED && eldest !== undefined) this.#records.delete(eldest);
  }

  /** A run as a transaction reads it, and the time of that; undefined: there is none. */
  async read(
    transaction: Transaction,
    id: string,
  ): Promise<{ record: RunRecord; now: Date } | undefined> {
    const known = this.#records.get(id);
    if (known === undefined) return readRun(transaction, this.#documents, id);
    const state = await transaction.get(this.#documents.state(id));
    if (!state.exists) return undefined;
    if (isSame(known.state, state)) {
      return { record: recordIn(known.run, state), now: state.readTime.toDate() };
    }
    return readRun(transaction, this.#documents, id);
  }
}

/** Whether a state is of the commit that `known` is of. */
function isSame(known: RunState, snapshot: DocumentSnapshot): boolean {
  const { version, writer, commits = [] } = fromDocument(snapshot.data()) as Partial<RunState>;
  const isOfCommit = commits[0] === known.commits[0];
  return version === known.version && writer === known.writer && isOfCommit;
}
