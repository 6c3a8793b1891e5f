import { pooledRandom } from "../../functions/cloud/random.ts";
import { base62, newUuid } from "../../shared/ids.ts";

const bytesOf = (hex: string): Uint8Array => Uint8Array.from(Buffer.from(hex, "hex"));
const ALPHABET = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";

test("base62 writes 128 bits as a number to the base of 62, whatever follows them", () => {
  const random = pooledRandom();
  const given = ["00".repeat(16), "ff".repeat(16), `${"00".repeat(15)}3d`, "01".repeat(32)];
  const cases = [...given.map(bytesOf), ...Array.from({ length: 500 }, () => random(16))];
  for (const bytes of cases) {
    const number = BigInt(`0x${Buffer.from(bytes.subarray(0, 16)).toString("hex")}`);
    const read = [...base62(bytes)].reduce(
      (sum, digit) => sum * 62n + BigInt(ALPHABET.indexOf(digit)),
      0n,
    );
    expect([base62(bytes).length, read]).toEqual([22, number]);
  }
});

test("a new UUID says that it is of version 4", () => {
  const uuid = newUuid(() => bytesOf("ff".repeat(16)));
  expect(uuid).toBe("ffffffff-ffff-4fff-bfff-ffffffffffff");
});

test("no random byte is given out twice, however many are asked for", () => {
  const random = pooledRandom();
  const given = [16, 4090, 10_000, 16, 1, 4096].map((length) => random(length));
  expect(given.map(({ length }) => length)).toEqual([16, 4090, 10_000, 16, 1, 4096]);
  const places = given.map(({ buffer, byteOffset, length }) => ({ buffer, byteOffset, length }));
  for (const [at, one] of places.entries()) {
    for (const other of places.slice(at + 1)) {
      const isApart =
        one.buffer !== other.buffer ||
        one.byteOffset + one.length <= other.byteOffset ||
        other.byteOffset + other.length <= one.byteOffset;
      expect(isApart).toBe(true);
    }
  }
});
