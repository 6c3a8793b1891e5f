import { readConfig } from "../../functions/config.ts";

const REQUIRED = {
  GOOGLE_CLOUD_PROJECT: "p",
  RUNYARD_BUCKET: "b",
  RUNYARD_PUBLIC_URL: "https://api.example.com/",
  RUNYARD_IMAGE: "i",
  RUNYARD_BUILD_SERVICE_ACCOUNT: "a",
  RUNYARD_LOGS_BUCKET: "gs://l",
  RUNYARD_MODEL_KEY_SECRET: "s",
  FUNCTION_TARGET: "api",
};

const configOf = (variables: Record<string, string>) => readConfig({ ...REQUIRED, ...variables });

test("what is missing is named, all of it", () => {
  expect(() => readConfig({ GOOGLE_CLOUD_PROJECT: "p" })).toThrow(
    /^not set in the environment: RUNYARD_BUCKET, RUNYARD_PUBLIC_URL, /,
  );
});

test.each([{}, { FUNCTION_TARGET: "sweep" }, { FUNCTION_TARGET: "API" }])(
  "who may call is asked for by whatever is not known to be the API: %j",
  (target) => {
    const { FUNCTION_TARGET: _api, ...others } = REQUIRED;
    expect(() => readConfig({ ...others, ...target })).toThrow(
      "not set in the environment: RUNYARD_TRIGGER_AUTH, RUNYARD_TRIGGER_AUDIENCE, RUNYARD_TRIGGER_ACCOUNTS",
    );
    expect(configOf({}).triggerAuth).toBeUndefined();
  },
);

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

test("all prompts are accepted unless one alone is named", () => {
  expect(configOf({}).onlyPrompt).toBeUndefined();
  expect(configOf({ RUNYARD_UNCONFINED_PROMPT: "" }).onlyPrompt).toBeUndefined();
  expect(configOf({ RUNYARD_UNCONFINED_PROMPT: "a b" }).onlyPrompt).toBe("a b");
});

test("who may have events of the project is a table", () => {
  const row = { source: "//a", type: "b", subject: "c", owners: ["ann"] };
  const of = (table: unknown) =>
    configOf({ RUNYARD_EVENT_GRANTS: JSON.stringify(table) }).eventGrants;
  expect([configOf({}).eventGrants, of([row])]).toEqual([[], [row]]);
  expect(() => of([row, { ...row, owners: "ann" }])).toThrow(/RUNYARD_EVENT_GRANTS: row 2 is none/);
  expect(() => of({ ann: ["b"] })).toThrow(/RUNYARD_EVENT_GRANTS must be JSON like/);
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

test("the page's client of Google is an audience, and looks like one", () => {
  const id = "123-abc.apps.googleusercontent.com";
  const config = configOf({ RUNYARD_ID_TOKEN_AUDIENCE: "B", RUNYARD_GOOGLE_CLIENT_ID: id });
  expect(config).toMatchObject({ googleClientId: id, idTokens: { audiences: ["B", id] } });
  for (const wrong of ["123", `"><script>.apps.googleusercontent.com`, `${id} `]) {
    expect(() => configOf({ RUNYARD_GOOGLE_CLIENT_ID: wrong })).toThrow(
      `RUNYARD_GOOGLE_CLIENT_ID is ${wrong}, and must be`,
    );
  }
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

test("an author of commits is a name and an address", () => {
  const of = (text: string) => configOf({ RUNYARD_COMMIT_AUTHOR: text }).commitAuthor;
  expect(of("")).toBeUndefined();
  expect(of("Acme Agent <agent@acme.example>")).toEqual({
    ...{ name: "Acme Agent", email: "agent@acme.example" },
  });
  for (const wrong of ["Acme", "<a@b>", "Acme <a>", "A <B> <a@b>", "A\nB <a@b>", "A <a@b> x"]) {
    expect(() => of(wrong)).toThrow(/^RUNYARD_COMMIT_AUTHOR is .*, and must be like/s);
  }
});

test("budgets of a day are by owner, and of all others by *", () => {
  const { dailyBudgets } = configOf({
    RUNYARD_DAILY_BUDGETS: '{"ann, or so": 0.5, "__proto__": 0, "*": 20}',
  });
  expect([...dailyBudgets]).toEqual([
    ["ann, or so", 0.5],
    ["__proto__", 0],
    ["*", 20],
  ]);
  expect(configOf({}).dailyBudgets.size).toBe(0);
});

test.each(["5", "[]", "null", "{", "five", '"*"'])("%s is no table of budgets", (table) => {
  expect(() => configOf({ RUNYARD_DAILY_BUDGETS: table })).toThrow(
    /^RUNYARD_DAILY_BUDGETS must be JSON like/,
  );
});

test("how long what is left is kept is said by owner, and of all others by *", () => {
  const { retention } = configOf({
    RUNYARD_RETENTION:
      '{"*": {"promptDays": 90}, "ann, or so": {"promptDays": null, "runDays": 7}}',
  });
  expect([...retention]).toEqual([
    ["*", { promptDays: 90 }],
    ["ann, or so", { promptDays: null, runDays: 7 }],
  ]);
  expect(configOf({}).retention.size).toBe(0);
});

test.each([
  ["[]", /^RUNYARD_RETENTION must be JSON like {"\*": {"promptDays": 90}/],
  ["{", /^RUNYARD_RETENTION must be JSON like/],
  ['{"*": 90}', /^RUNYARD_RETENTION: what it says of \* must be an object, as in/],
  ['{"ann": {"days": 9}}', /^RUNYARD_RETENTION: ann has days, and may have promptDays, /],
  ['{"ann": {"runDays": 0}}', /^RUNYARD_RETENTION: runDays of ann must be whole days from 1 to/],
  ['{"ann": {"runDays": 1.5}}', /^RUNYARD_RETENTION: runDays of ann must be whole days/],
  ['{"ann": {"runDays": "9"}}', /^RUNYARD_RETENTION: runDays of ann must be whole days/],
])("%s does not say how long anything is kept", (table, message) => {
  expect(() => configOf({ RUNYARD_RETENTION: table })).toThrow(message);
});

test.each(["-1", '"5"', "null", "1e999", "1000001", "[1]", "true"])(
  "%s is no budget of a day",
  (usd) => {
    expect(() => configOf({ RUNYARD_DAILY_BUDGETS: `{"ann": ${usd}}` })).toThrow(
      /^RUNYARD_DAILY_BUDGETS: that of ann must be a number of USD from 0 to 1000000/,
    );
  },
);

test.each([
  ["RUNYARD_REQUESTS_PER_MINUTE", "0"],
  ["RUNYARD_FAILURES_PER_MINUTE", "many"],
  ["RUNYARD_MAX_CONCURRENT_RUNS", "-1"],
  ["RUNYARD_MAX_DAILY_RUNS", "1.5"],
  ["RUNYARD_FORWARDED_HOPS", "1e3"],
])("%s=%s is refused with what it must be", (name, value) => {
  expect(() => configOf({ [name]: value })).toThrow(`${name} is ${value}, and must be`);
});

describe("what is told by OTLP", () => {
  const ENDPOINT = "OTEL_EXPORTER_OTLP_ENDPOINT";

  test("is nothing unless a receiver is named", () => {
    const off = { [ENDPOINT]: "http://127.0.0.1:4318", OTEL_SDK_DISABLED: "true" };
    expect(configOf({}).telemetry).toBeUndefined();
    expect(configOf({ [ENDPOINT]: "" }).telemetry).toBeUndefined();
    expect(configOf(off).telemetry).toBeUndefined();
  });

  test("goes to one receiver or to several, and each signal can be left out", () => {
    const own = { OTEL_EXPORTER_OTLP_TRACES_ENDPOINT: "http://collector:4318/v1/traces" };
    const google = { [ENDPOINT]: "https://telemetry.googleapis.com" };
    expect(configOf(google).telemetry).toEqual({
      traces: "google",
      metrics: "google",
      serviceName: "runyard-api",
    });
    expect(configOf({ ...google, ...own }).telemetry).toMatchObject({ traces: "other" });
    expect(configOf(own).telemetry).toMatchObject({ traces: "other", metrics: undefined });
    const without = configOf({ ...google, OTEL_METRICS_EXPORTER: "none" }).telemetry;
    expect(without).toMatchObject({ traces: "google", metrics: undefined });
  });

  test("the account's token goes to nobody who only looks like Google", () => {
    for (const endpoint of [
      "http://telemetry.googleapis.com",
      "https://telemetry.googleapis.com.example.com",
      "https://example.com/telemetry.googleapis.com",
    ]) {
      expect(configOf({ [ENDPOINT]: endpoint }).telemetry?.traces).toBe("other");
    }
  });

  test.each([
    [{ [ENDPOINT]: "127.0.0.1:4318" }, `${ENDPOINT} is 127.0.0.1:4318, and must be an address`],
    [
      { [ENDPOINT]: "http://127.0.0.1:4317", OTEL_EXPORTER_OTLP_PROTOCOL: "grpc" },
      "OTEL_EXPORTER_OTLP_PROTOCOL is grpc, and must be http/protobuf",
    ],
  ])("what cannot be sent is refused at the start: %j", (variables, fault) => {
    expect(() => configOf(variables)).toThrow(fault);
  });
});
