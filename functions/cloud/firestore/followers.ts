import { after } from "../../../shared/clock.ts";
import { TIMING } from "../../../shared/limits.ts";
import { codeOf, GRPC } from "../google-error.ts";
import type { Database } from "./client.ts";
import type { RunDocuments } from "./run-documents.ts";

/** Runs that are remembered. */
const FOLLOWED = 1000;

/** Notes in the states of runs that somebody follows them; of each not more often than it must. */
export class Followers {
  readonly #database: Database;
  readonly #documents: Pick<RunDocuments, "state">;
  /** Until when each run was last noted as followed. */
  readonly #noted = new Map<string, Date>();

  constructor(database: Database, documents: Pick<RunDocuments, "state">) {
    this.#database = database;
    this.#documents = documents;
  }

  async note(id: string, until: Date): Promise<void> {
    const noted = this.#noted.get(id);
    if (noted && until < after(noted, TIMING.followedAgain)) return;
    if (this.#noted.size >= FOLLOWED) this.#noted.clear();
    this.#noted.set(id, until);
    try {
      await this.#database.call(() => this.#documents.state(id).update({ followedUntil: until }));
    } catch (error) {
      // The run was erased meanwhile.
      if (codeOf(error) !== GRPC.NOT_FOUND) throw error;
    }
  }
}
