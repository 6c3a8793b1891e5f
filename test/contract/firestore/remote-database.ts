import firestore from "@google-cloud/firestore";

/** Making a database takes Google minutes. */
const TIMEOUT_MS = 15 * 60_000;

/** Makes a database before the first test of the file, and deletes it after the last. */
export function useDatabase(project: string, databaseId: string): void {
  const admin = new firestore.v1.FirestoreAdminClient();
  beforeAll(async () => {
    const database = { type: "FIRESTORE_NATIVE", locationId: "nam5" } as const;
    const request = { parent: `projects/${project}`, databaseId, database };
    const [operation] = await admin.createDatabase(request);
    await operation.promise();
  }, TIMEOUT_MS);
  afterAll(async () => {
    const name = `projects/${project}/databases/${databaseId}`;
    const [operation] = await admin.deleteDatabase({ name });
    await operation.promise();
    await admin.close();
  }, TIMEOUT_MS);
}
