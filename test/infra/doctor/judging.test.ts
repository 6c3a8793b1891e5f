import type { Look } from "../../../infra/doctor/check.ts";
import { clockLook } from "../../../infra/doctor/cloud/access.ts";
import { placeOf } from "../../../infra/doctor/cloud/checks.ts";
import { differences, type Expected } from "../../../infra/doctor/cloud/differences.ts";
import { googleOf } from "../../../infra/doctor/cloud/google.ts";
import { type Place, QUOTA_METRIC, quotaLooks } from "../../../infra/doctor/cloud/quota.ts";

test.each<[Expected, unknown, string[]]>([
  [{ a: 1 }, { a: "1", more: true }, []],
  [{ a: 0, b: false, c: "" }, {}, []],
  [{ a: { b: "x" } }, {}, ['a.b is absent, not "x"']],
  [{ a: { b: "x", c: 1 } }, {}, ['a is absent, not {"b":"x","c":1}']],
  [{ url: "https://x.run.app" }, { url: "https://x.run.app/" }, []],
  [{ list: ["a", "b"] }, { list: ["b", "a"] }, []],
  [{ list: [] }, {}, []],
  [{ list: ["a"] }, { list: ["a", "a"] }, ['list has "a" as well']],
  [{ list: ["a", "b"] }, { list: ["a"] }, ['list lacks "b"']],
  [{ list: ["a"] }, { list: "a" }, ['list is "a", not a list']],
  [
    {
      env: [
        { name: "A", value: "1" },
        { name: "B", value: "2" },
      ],
    },
    {
      env: [
        { name: "B", value: "3" },
        { name: "A", value: "1" },
      ],
    },
    ['env[B].value is "3", not "2"'],
  ],
])("%j against %j", (expected, found, lines) => {
  expect(differences(expected, found)).toEqual(lines);
});

test.each<[number, Look["state"], RegExp]>([
  [0, "ok", /0\.\d s/],
  [10, "warning", /10\.0 s ahead of Google's/],
  [-10, "warning", /10\.0 s behind Google's/],
  [300, "fault", /300\.0 s ahead/],
])("a clock that is %d s ahead is %s", (seconds, state, line) => {
  const there = Date.parse("2027-01-01T00:00:00Z");
  const here = there + 500 + seconds * 1000;
  const look = clockLook(
    { date: new Date(there).toUTCString() },
    { sentAt: here - 100, gotAt: here + 100 },
  );
  expect(look).toEqual({ state, found: expect.stringMatching(line) });
});

const place = (slots: Record<string, number>, more: Partial<Place> = {}): Place => ({
  id: "default",
  projectId: "p",
  location: "us-east1",
  pool: null,
  slots,
  ...more,
});
const quota = (effectiveLimit: string, dimensions?: Record<string, string>) => [
  {
    metric: QUOTA_METRIC,
    consumerQuotaLimits: [
      { quotaBuckets: [{ effectiveLimit, ...(dimensions && { dimensions }) }] },
    ],
  },
];

test.each<[string, Place[], ReturnType<typeof quota>, Look["state"][]]>([
  ["fits", [place({ E2_MEDIUM: 9 })], quota("10"), ["ok"]],
  ["leaves no reserve", [place({ E2_MEDIUM: 10 })], quota("10"), ["warning"]],
  ["is too much", [place({ E2_MEDIUM: 11 })], quota("10"), ["fault"]],
  ["counts CPUs", [place({ E2_HIGHCPU_32: 1 })], quota("30"), ["fault"]],
  [
    "is the sum of a region's targets",
    [place({ E2_MEDIUM: 6 }), place({ E2_MEDIUM: 6 }, { id: "other" })],
    quota("10", { region: "us-east1" }),
    ["fault"],
  ],
  ["is of any number", [place({ E2_MEDIUM: 1000 })], quota("-1"), ["ok"]],
  ["has no quota that is told", [place({ E2_MEDIUM: 1 })], [], ["warning"]],
  [
    "has only another region's",
    [place({ E2_MEDIUM: 1 })],
    quota("10", { region: "us-west1" }),
    ["warning"],
  ],
  ["is of another project", [place({ E2_MEDIUM: 99 }, { projectId: "q" })], quota("10"), []],
  ["is of a private pool", [place({ E2_MEDIUM: 99 }, { pool: "w" })], quota("10"), ["warning"]],
])("capacity that %s", (_what, ...[places, metrics, states]) => {
  expect(quotaLooks(places, metrics, "p").map(({ state }) => state)).toEqual(states);
});

test("a target is read of a document as Firestore's REST API has it", () => {
  const document = {
    fields: {
      id: { stringValue: "default" },
      projectId: { stringValue: "p" },
      location: { stringValue: "us-east1" },
      pool: { stringValue: "w" },
      slots: {
        mapValue: {
          fields: { E2_MEDIUM: { integerValue: "3" }, E2_STANDARD_2: { doubleValue: 2 } },
        },
      },
    },
  };
  expect(placeOf(document)).toEqual(place({ E2_MEDIUM: 3, E2_STANDARD_2: 2 }, { pool: "w" }));
});

test("a list is read over its pages, and each address is asked once", async () => {
  const urls: string[] = [];
  const google = googleOf(async ({ url }) => {
    urls.push(url);
    const data = url.includes("pageToken")
      ? { items: ["b"] }
      : { items: ["a"], nextPageToken: "t&1" };
    return { status: 200, data, date: null };
  }, "p");
  const url = "https://example.googleapis.com/v1/things";
  expect(await google.list(url, "items")).toEqual(["a", "b"]);
  expect(await google.list(url, "items")).toEqual(["a", "b"]);
  expect(urls).toEqual([url, `${url}?pageToken=t%261`]);
});
