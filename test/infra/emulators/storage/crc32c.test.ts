import { crc32c } from "../../../../infra/emulators/storage/crc32c.ts";

// The vectors of RFC 3720, appendix B.4, and the usual check value.
const VECTORS: [string, Buffer, number][] = [
  ["nothing", Buffer.alloc(0), 0],
  ["the check string", Buffer.from("123456789"), 0xe3069283],
  ["32 zeros", Buffer.alloc(32), 0x8a9136aa],
  ["32 ones", Buffer.alloc(32, 0xff), 0x62a8ab43],
  ["32 rising bytes", Buffer.from(Array.from({ length: 32 }, (_, i) => i)), 0x46dd794e],
  ["32 falling bytes", Buffer.from(Array.from({ length: 32 }, (_, i) => 31 - i)), 0x113fdb5c],
  [
    "an iSCSI read command",
    Buffer.from(
      "01c00000000000000000000000000000140000000000040000000014000000182800000000000000020000000000000000".slice(
        0,
        96,
      ),
      "hex",
    ),
    0xd9963a56,
  ],
];

test.each(VECTORS)("the CRC32C of %s", (_, data, expected) => {
  expect(crc32c(data)).toBe(expected);
});

test("the CRC32C does not depend on where the data is cut, nor on its alignment", () => {
  const data = Buffer.from(Array.from({ length: 100 }, (_, i) => (i * 37) & 255));
  const whole = crc32c(data);
  for (let cut = 0; cut <= data.length; cut += 1) {
    expect(crc32c(data.subarray(cut), crc32c(data.subarray(0, cut)))).toBe(whole);
  }
  for (let shift = 0; shift < 8; shift += 1) {
    const shifted = Buffer.concat([Buffer.alloc(shift), data]).subarray(shift);
    expect(crc32c(shifted)).toBe(whole);
  }
});
