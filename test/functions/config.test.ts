import { readConfig } from "../../functions/config.ts";

const REQUIRED = {
  GOOGLE_CLOUD_PROJECT: "p",
  RUNYARD_BUCKET: "b",
  RUNYARD_PUBLIC_URL: "https://api.example.com/",
  RUNYARD_IMAGE: "i",
  RUNYARD_BUILD_SERVICE_ACCOUNT: "a",
  RUNYARD_LOGS_BUCKET: "gs://l",
  RUNYARD_MODEL_KEY_SECRET: "s",
};

const configOf = (variables: Record<string, string>) => readConfig({ ...REQUIRED, ...variables });

test("what is missing is named, all of it", () => {
  expect(() => readConfig({ GOOGLE_CLOUD_PROJECT: "p" })).toThrow(
    /^not set in the environment: RUNYARD_BUCKET, RUNYARD_PUBLIC_URL, /,
  );
});

test("whatever lets more callers in is off unless it is set", () => {
  expect(configOf({})).toMatchObject({
    corsOrigins: [],
    requestsPerMinute: 600,
    failuresPerMinute: 60,
    forwardedHops: 0,
    runQuotas: { concurrent: undefined, daily: undefined },
    idTokens: { audiences: [], firebaseProject: undefined },
    tokenUsers: [],
    customTokens: { serviceAccount: undefined, unsigned: false },
  });
});

test("on Cloud Run the caller's address is what its front says", () => {
  expect(configOf({ K_SERVICE: "api" }).forwardedHops).toBe(1);
  expect(configOf({ K_SERVICE: "api", RUNYARD_FORWARDED_HOPS: "0" }).forwardedHops).toBe(0);
});

test("lists are read item by item; addresses in lower case, audiences and owners as they are", () => {
  const config = configOf({
    RUNYARD_ID_TOKEN_AUDIENCE: "https://A.example, B",
    RUNYARD_TOKEN_USERS: " Ann@Example.com,google:1, UidOfBob ,",
    RUNYARD_CORS_ORIGINS: "https://App.example.com,http://localhost:5173",
  });
  expect(config.idTokens.audiences).toEqual(["https://A.example", "B"]);
  expect(config.tokenUsers).toEqual(["ann@example.com", "google:1", "UidOfBob"]);
  expect(config.corsOrigins).toEqual(["https://app.example.com", "http://localhost:5173"]);
});

test.each([
  "*",
  "app.example.com",
  "https://app.example.com/",
  "https://app.example.com/x",
  "null",
])("%s is no origin", (origin) => {
  expect(() => configOf({ RUNYARD_CORS_ORIGINS: origin })).toThrow(/RUNYARD_CORS_ORIGINS has /);
});

test.each([
  ["RUNYARD_REQUESTS_PER_MINUTE", "0"],
  ["RUNYARD_FAILURES_PER_MINUTE", "many"],
  ["RUNYARD_MAX_CONCURRENT_RUNS", "-1"],
  ["RUNYARD_MAX_DAILY_RUNS", "1.5"],
  ["RUNYARD_FORWARDED_HOPS", "1e3"],
])("%s=%s is refused with what it must be", (name, value) => {
  expect(() => configOf({ [name]: value })).toThrow(`${name} is ${value}, and must be`);
});
