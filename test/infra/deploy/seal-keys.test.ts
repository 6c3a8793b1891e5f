import { sealKeys } from "../../../infra/deploy/project.ts";

type Request = Parameters<NonNullable<Parameters<typeof sealKeys>[1]>>[0];

/** Secret Manager of a project, in which some requests are answered with a status. */
function secretManager(answers: Readonly<Record<string, number>>) {
  const asked: Request[] = [];
  const ask = async (request: Request) => {
    asked.push(request);
    const last = request.url.split(/[/?]/).at(-1) ?? "";
    const status = answers[last];
    if (status !== undefined) throw Object.assign(new Error(`${last}: ${status}`), { status });
  };
  return { asked, ask };
}
const CREATED = "secretId=runyard-seal-keys";

test("the first deploy makes the secret with a key of 32 bytes", async () => {
  const { asked, ask } = secretManager({ latest: 404 });
  await sealKeys("my-project", ask);
  const { url, data } = asked.at(-1) ?? {};
  expect(asked[0]?.url).toMatch(/\/projects\/my-project\/secrets\?secretId=runyard-seal-keys$/);
  expect(url).toMatch(/secrets\/runyard-seal-keys:addVersion$/);
  const { payload } = data as { payload: { data: string } };
  const ring = Buffer.from(payload.data, "base64").toString();
  expect(Buffer.from(ring, "base64")).toHaveLength(32);
});

test("a later deploy leaves the keys as they are", async () => {
  const { asked, ask } = secretManager({ [CREATED]: 409 });
  await sealKeys("my-project", ask);
  expect(asked.map(({ url }) => url.split("/").at(-1))).toEqual([`secrets?${CREATED}`, "latest"]);
});

test("whoever may not is told what to do", async () => {
  const { ask } = secretManager({ [CREATED]: 403 });
  await expect(sealKeys("my-project", ask)).rejects.toThrow(
    /gcloud services enable secretmanager.googleapis.com --project my-project.*Secret Manager Admin/,
  );
});
