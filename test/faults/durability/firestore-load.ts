import { FieldValue } from "@google-cloud/firestore";
import { attempt, type Field, forEach, type Load, persistently, runLanes } from "./field.ts";

const DOCUMENTS = 5;
const COUNTERS = 4;
const ALREADY_EXISTS = 6;

/** Commits of several documents each: all of them must be there, or none. */
export function commitLoad(field: Field): Load {
  const { firestore } = field.clients;
  const acknowledged = new Map<string, boolean>();
  let last = 0;
  const names = (id: string) =>
    Array.from({ length: DOCUMENTS }, (_, part) => firestore.doc(`batches/${id}-${part}`));
  const contentOf = (id: string, part: number) => ({ id, part, text: `${id}/${part};`.repeat(20) });

  async function checkOne(id: string): Promise<void> {
    const found = await persistently(() => firestore.getAll(...names(id)));
    const right = found.filter(
      (document, part) => JSON.stringify(document.data()) === JSON.stringify(contentOf(id, part)),
    ).length;
    const isAllowed =
      right === DOCUMENTS || (!acknowledged.get(id) && !found.some((d) => d.exists));
    if (isAllowed) return;
    const kind = acknowledged.get(id) ? "acknowledged" : "ambiguous";
    field.violations.push(`commits: ${kind} ${id} has ${right} of ${DOCUMENTS} documents`);
  }

  return {
    run: () =>
      runLanes(field, 4, async () => {
        const id = `b${last++}`;
        acknowledged.set(id, false);
        const work = () => {
          const batch = firestore.batch();
          for (const [part, name] of names(id).entries()) batch.create(name, contentOf(id, part));
          return batch.commit();
        };
        // The client sends a commit again whose answer was lost.
        acknowledged.set(id, await attempt(field, "commits", { work, expects: isOwnDocument }));
        if (field.random() < 0.1) await checkOne(`b${Math.floor(field.random() * last)}`);
      }),
    check: () => forEach(acknowledged.keys(), checkOne),
  };
}

/**
 * Transactions that count: a counter is what its increments are, and each acknowledged one is
 * there.
 */
export function transactionLoad(field: Field): Load {
  const { firestore } = field.clients;
  const acknowledged = new Set<string>();
  let last = 0;

  async function increment(id: string, counter: string): Promise<void> {
    await firestore.runTransaction(async (transaction) => {
      const reference = firestore.doc(`counters/${counter}`);
      const n = Number((await transaction.get(reference)).data()?.["n"] ?? 0);
      transaction.set(reference, { n: n + 1, total: FieldValue.increment(1) }, { merge: true });
      transaction.create(firestore.doc(`increments/${id}`), { counter, n: n + 1 });
    });
  }

  return {
    run: () =>
      runLanes(field, 3, async (lane) => {
        const id = `i${last++}`;
        const counter = `c${(lane + Math.floor(field.random() * 2)) % COUNTERS}`;
        const work = () => increment(id, counter);
        if (await attempt(field, "transactions", { work, expects: isOwnDocument })) {
          acknowledged.add(id);
        }
      }),
    async check() {
      const { docs } = await firestore.collection("increments").get();
      const stored = new Set(docs.map((document) => document.id));
      for (const id of acknowledged) {
        if (!stored.has(id)) field.violations.push(`transactions: ${id} is lost`);
      }
      const counters = await firestore.collection("counters").get();
      for (const counter of counters.docs) {
        const steps = docs.filter((document) => document.get("counter") === counter.id);
        const counts = new Set(steps.map((document) => document.get("n")));
        const { n, total } = counter.data();
        if (n === steps.length && total === n && counts.size === n) continue;
        field.violations.push(
          `transactions: ${counter.id} is ${n} (total ${total}), with ${steps.length} increments of ${counts.size} values`,
        );
      }
      if (counters.size === 0) field.violations.push("transactions: no counter was counted");
    },
  };
}

function isOwnDocument(error: unknown): boolean {
  return (error as { code?: unknown }).code === ALREADY_EXISTS;
}
