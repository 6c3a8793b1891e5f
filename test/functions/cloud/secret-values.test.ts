import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { GoogleAuth, OAuth2Client } from "google-auth-library";
import { openKnownSecrets } from "../../../functions/cloud/known-secrets.ts";
import { openSecretValues } from "../../../functions/cloud/secret-values.ts";

const NAME = (id: string) => `projects/p/secrets/${id}/versions/latest`;
const VALUE = "a value, ü";

test("a secret's value is Secret Manager's, and what it refuses is said with what mends it", async () => {
  const server = createServer(({ url = "", headers }, response) => {
    const id = /^\/v1\/projects\/p\/secrets\/(\w+)\/versions\/latest:access$/.exec(url)?.[1] ?? "";
    const status = { there: 200, closed: 403, broken: 500 }[id] ?? 404;
    const data = Buffer.from(VALUE).toString("base64");
    const isKnown = headers.authorization === "Bearer of-deliver";
    response.writeHead(isKnown ? status : 401, { "content-type": "application/json" });
    response.end(JSON.stringify(status === 200 ? { payload: { data } } : { error: { status } }));
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  await using _server = { [Symbol.asyncDispose]: async () => void server.close() };
  const origin = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const authClient = new OAuth2Client();
  authClient.setCredentials({ access_token: "of-deliver" });
  const auth = new GoogleAuth({ authClient });
  const values = openSecretValues({
    ...{ secretsFile: undefined, projectId: "p", known: openKnownSecrets(undefined, "p") },
    requester: async () => auth,
    origin,
  });
  expect(await values.read(NAME("there"))).toBe(VALUE);
  await expect(values.read(NAME("none"))).rejects.toMatchObject({
    message: expect.stringMatching(/none.* is not there: add it with `gcloud secrets create/),
    retryAfterSeconds: undefined,
  });
  await expect(values.read(NAME("closed"))).rejects.toMatchObject({
    message: expect.stringMatching(/may not read .*closed.*secretmanager\.secretAccessor/),
    retryAfterSeconds: undefined,
  });
  await expect(values.read(NAME("broken"))).rejects.toMatchObject({ retryAfterSeconds: 0 });
}, 60_000);
