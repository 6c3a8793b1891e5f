import { randomBytes } from "node:crypto";
import { sealingWith } from "../../../functions/cloud/sealing.ts";
import { readConfig } from "../../../functions/config.ts";

const [first, second] = [randomBytes(32), randomBytes(32)];
const place = { document: "webhooks/whk_1", field: "secrets" };
type Forge = (sealed: string) => [string, typeof place];
const SECRET = "whsec_ä".repeat(9);

test("what is sealed is opened by any key of the ring, and sealed by the first", () => {
  const old = sealingWith([first], randomBytes);
  const rotated = sealingWith([second, first], randomBytes);
  const sealed = old.seal(SECRET, place);
  expect(sealed).not.toContain("whsec");
  expect(old.seal(SECRET, place)).not.toBe(sealed);
  expect(rotated.open(sealed, place)).toBe(SECRET);
  expect(rotated.open(rotated.seal("", place), place)).toBe("");
  expect(() => old.open(rotated.seal(SECRET, place), place)).toThrow(
    "no key of RUNYARD_SEAL_KEYS opens secrets of webhooks/whk_1: set the key",
  );
});

test.each<[string, Forge]>([
  ["another document", (sealed) => [sealed, { ...place, document: "webhooks/whk_2" }]],
  ["another field", (sealed) => [sealed, { ...place, field: "headers" }]],
  ["a changed letter", (sealed) => [sealed.replace(/.{20}$/, "A".repeat(20)), place]],
  ["a cut end", (sealed) => [sealed.slice(0, -4), place]],
  ["no box", () => ["v1.00000000.", place]],
  ["a plain text", () => [SECRET, place]],
])("%s opens nothing, and says nothing of the secret", (_what, forged) => {
  const sealing = sealingWith([first], randomBytes);
  const [sealed, where] = forged(sealing.seal(SECRET, place));
  let told = "";
  try {
    sealing.open(sealed, where);
  } catch (error) {
    told = String((error as Error).stack);
  }
  expect(told).toMatch(/no key of RUNYARD_SEAL_KEYS opens/);
  expect(told).not.toContain("whsec");
});

test("without keys nothing is sealed and nothing is opened", () => {
  const sealing = sealingWith([], randomBytes);
  expect(() => sealing.seal(SECRET, place)).toThrow("this server has no RUNYARD_SEAL_KEYS");
  expect(() => sealing.open("", place)).toThrow("this server has no RUNYARD_SEAL_KEYS");
});

const REQUIRED = {
  GOOGLE_CLOUD_PROJECT: "p",
  RUNYARD_BUCKET: "b",
  RUNYARD_PUBLIC_URL: "https://api.example.com",
  RUNYARD_IMAGE: "i",
  RUNYARD_BUILD_SERVICE_ACCOUNT: "a",
  RUNYARD_LOGS_BUCKET: "gs://l",
  RUNYARD_MODEL_KEY_SECRET: "s",
  FUNCTION_TARGET: "api",
};

test("the ring is read as keys of 32 bytes, in base64 of either kind", () => {
  const keys = `${first.toString("base64")}, ${second.toString("base64url")}\n`;
  const { sealKeys } = readConfig({ ...REQUIRED, RUNYARD_SEAL_KEYS: keys });
  expect(sealKeys.map((key) => Buffer.from(key).toString("hex"))).toEqual([
    first.toString("hex"),
    second.toString("hex"),
  ]);
  expect(readConfig(REQUIRED).sealKeys).toEqual([]);
});

test.each(["hunter2", randomBytes(31).toString("base64"), `${first.toString("base64")},x y`])(
  "a key that is none is refused without being said",
  (keys) => {
    const read = () => readConfig({ ...REQUIRED, RUNYARD_SEAL_KEYS: keys });
    expect(read).toThrow(/^RUNYARD_SEAL_KEYS: key \d has not 32 bytes in base64; make one/);
    expect(read).not.toThrow(keys.slice(0, 7));
  },
);
