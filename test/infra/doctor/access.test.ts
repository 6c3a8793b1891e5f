import { googleProject } from "../../support/google-project.ts";
import type { Body } from "../../support/google-resources.ts";
import { foundIn } from "./found.ts";

test("without settings nothing is said of images and variables", async () => {
  const google = googleProject();
  google.change("services/runyard-api", ({ template: { containers } }) => {
    containers[0].image = "another";
    containers[0].env = [];
  });
  const findings = await foundIn(google, { isSaid: false });
  const wrong = findings.filter(({ state }) => state !== "ok");
  expect(wrong.map(({ check, state }) => [check, state])).toEqual([
    ["settings", "warning"],
    ["images", "warning"],
  ]);
});

const error = (code: number, message: string, details: object[] = []) => ({
  error: { code, message, details },
});

test("who is not signed in is told how, and nothing else is looked at", async () => {
  const request = async () => {
    throw new Error("Could not load the default credentials.");
  };
  expect(await foundIn({ request })).toEqual([
    {
      check: "credentials",
      state: "fault",
      found: "Could not load the default credentials.",
      remedy: "gcloud auth application-default login",
    },
  ]);
});

test.each<[string, number, Body, RegExp, RegExp]>([
  [
    "credentials that are not taken",
    401,
    error(401, "Invalid credentials"),
    /does not take the credentials/,
    /^gcloud auth application-default login$/,
  ],
  [
    "an API that is off",
    403,
    error(403, "It is disabled.\nMore.", [
      {
        reason: "SERVICE_DISABLED",
        metadata: { service: "cloudresourcemanager.googleapis.com" },
      },
    ]),
    /^Google answers with 403: It is disabled\.$/,
    /^gcloud services enable cloudresourcemanager\.googleapis\.com --project my-project$/,
  ],
  [
    "a project of somebody else",
    403,
    error(403, "The caller does not have permission"),
    /does not have permission/,
    /login, as an owner of my-project$/,
  ],
  ["no project", 404, error(404, "No."), /no project my-project/, /^gcloud projects create /],
])("%s: the rest is not looked at", async (_what, ...[status, body, line, remedy]) => {
  const google = googleProject();
  google.refuse("/v3/projects/my-project", status, body);
  const findings = await foundIn(google);
  expect(findings.at(-1)).toMatchObject({
    state: "fault",
    found: expect.stringMatching(line),
    remedy: expect.stringMatching(remedy),
  });
  expect(findings.map(({ check }) => check)).not.toContain("grants");
});

test("what cannot be looked at is one fault, and the others are looked at", async () => {
  const google = googleProject();
  google.refuse("topics/run-requests", 503);
  const wrong = (await foundIn(google)).filter(({ state }) => state !== "ok");
  expect(wrong).toEqual([
    {
      check: "topics",
      state: "fault",
      found: "Google answers with 503: no reason is said",
      remedy: "npx runyard doctor --project my-project in a minute",
    },
  ]);
});

test("a clock that is wrong, and an api that does not answer", async () => {
  const fetch = async () => {
    throw new Error("fetch failed");
  };
  const findings = await foundIn(googleProject(), { fetch, now: () => Date.now() - 120_000 });
  const wrong = findings.filter(({ state }) => state !== "ok");
  expect(wrong.map(({ check, remedy }) => [check, remedy])).toEqual([
    ["clock", "sudo timedatectl set-ntp true"],
    ["api", "gcloud run services logs read runyard-api --region us-central1 --project my-project"],
  ]);
});
