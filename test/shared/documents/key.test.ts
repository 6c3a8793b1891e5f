import { randomBytes } from "node:crypto";
import { isAdmitted } from "../../../shared/api/identity.ts";
import {
  expiryOf,
  includesScope,
  keyFault,
  keyHash,
  keyRecordOf,
  newKey,
  newKeyRecord,
  tokenScopes,
} from "../../../shared/documents/key.ts";

const NOW = new Date("2026-01-02T03:04:05.000Z");

test("a key is random, and its description neither has it nor a way to it", () => {
  const key = newKey(randomBytes);
  expect(key).toMatch(/^ry_[\w-]{43}$/);
  expect(newKey(randomBytes)).not.toBe(key);
  const order = { owner: "o", name: "n", scopes: ["run" as const], expiresAt: null, now: NOW };
  const record = newKeyRecord(key, { ...order, id: randomBytes(16) });
  expect(record.id).toMatch(/^key_[0-9A-Za-z]{12}$/);
  expect(record.prefix).toBe(key.slice(0, 8));
  expect(JSON.stringify(record)).not.toContain(key.slice(0, 9));
  expect(keyRecordOf(keyHash(key), record)).toEqual(record);
});

test("a document of an owner alone describes a key for everything", () => {
  expect(keyRecordOf("abcdef0123456789", { owner: "o" })).toEqual({
    schemaVersion: 1,
    id: "key_abcdef012345",
    owner: "o",
    name: "",
    scopes: ["admin"],
    createdAt: null,
    expiresAt: null,
    revokedAt: null,
    prefix: "",
  });
});

test.each([[undefined], [{}], [{ owner: 1 }], [{ owner: "" }]])("%j describes no key", (data) => {
  expect(keyRecordOf("hash", data)).toBeUndefined();
});

test("a key is valid until the instant when it expires, and not after it was revoked", () => {
  const key = { id: "key_1", revokedAt: null, expiresAt: null };
  expect(keyFault(key, NOW)).toBeUndefined();
  expect(keyFault({ ...key, expiresAt: new Date(NOW.getTime() + 1) }, NOW)).toBeUndefined();
  expect(keyFault({ ...key, expiresAt: NOW }, NOW)).toMatch(/key_1 expired at 2026-01-02T03:04:05/);
  const revoked = { ...key, revokedAt: NOW, expiresAt: NOW };
  expect(keyFault(revoked, NOW)).toMatch(/key_1 was revoked at 2026/);
});

test("each scope includes those before it", () => {
  const table = (["read", "run", "admin"] as const).map((has) =>
    (["read", "run", "admin"] as const).map((needed) => includesScope([has], needed)),
  );
  expect(table).toEqual([
    [true, false, false],
    [true, true, false],
    [true, true, true],
  ]);
  expect(includesScope([], "read")).toBe(false);
  expect([tokenScopes([]), tokenScopes(["read"]), tokenScopes(["admin"])]).toEqual([
    [],
    ["read"],
    ["read", "run"],
  ]);
});

test.each([
  ["90d", "2026-04-02T03:04:05.000Z"],
  ["12h", "2026-01-02T15:04:05.000Z"],
  ["30m", "2026-01-02T03:34:05.000Z"],
  ["2027-01-31T12:00:00Z", "2027-01-31T12:00:00.000Z"],
  ["2027-01-31T12:00:00+02:00", "2027-01-31T10:00:00.000Z"],
  ["2027-01-31", "2027-01-31T00:00:00.000Z"],
])("%s is %s", (text, instant) => {
  expect(expiryOf(text, NOW).toISOString()).toBe(instant);
});

test.each(["", "90", "d", "-1d", "1w", "tomorrow", "2027-13-01", "2027-01-31T12:00:00", "1 d"])(
  "%j is no time",
  (text) => {
    expect(() => expiryOf(text, NOW)).toThrow(/is no time; say 90d/);
  },
);

test.each(["0d", "2026-01-02T03:04:05Z", "2025-01-01"])("%s is not in the future", (text) => {
  expect(() => expiryOf(text, NOW)).toThrow(/is not in the future/);
});

test("somebody is admitted by address, domain, owner, or because everybody is", () => {
  const ann = {
    owner: "google:1",
    email: "ann@example.com",
    domain: "example.com",
    scopes: [],
    keyHash: undefined,
  };
  const nobody = { ...ann, email: undefined, domain: undefined };
  for (const user of ["ann@example.com", "@example.com", "google:1", "*"]) {
    expect(isAdmitted([user], ann)).toBe(true);
  }
  for (const user of ["@undefined", "undefined", "example.com", "@ample.com", "google:"]) {
    expect([isAdmitted([user], ann), isAdmitted([user], nobody)]).toEqual([false, false]);
  }
  expect(isAdmitted([], ann)).toBe(false);
});
