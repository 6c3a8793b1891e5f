/** The Castagnoli polynomial, bit-reversed. */
const POLYNOMIAL = 0x82f63b78;

/**
 * Eight tables of 256 entries ("slicing by 8"): table k advances a byte over k further zero bytes.
 */
const TABLES = makeTables();

function makeTables(): Int32Array {
  const tables = new Int32Array(8 * 256);
  for (let byte = 0; byte < 256; byte += 1) {
    let remainder = byte;
    for (let bit = 0; bit < 8; bit += 1) {
      remainder = remainder & 1 ? (remainder >>> 1) ^ POLYNOMIAL : remainder >>> 1;
    }
    tables[byte] = remainder;
  }
  for (let index = 256; index < tables.length; index += 1) {
    const previous = at(tables, index - 256);
    tables[index] = (previous >>> 8) ^ at(tables, previous & 255);
  }
  return tables;
}

function at(table: Int32Array, index: number): number {
  return table[index] as number;
}

/**
 * The CRC32C (Castagnoli) of `data`, as an unsigned 32-bit number.
 *
 * `previous` is the CRC32C of what came before `data`; 0, the default, starts anew.
 *
 * @see https://www.rfc-editor.org/rfc/rfc3720#appendix-B.4
 */
export function crc32c(data: Uint8Array, previous = 0): number {
  const view = new DataView(data.buffer, data.byteOffset, data.byteLength);
  let crc = ~previous;
  let offset = 0;
  for (; offset + 8 <= data.length; offset += 8) {
    const low = crc ^ view.getInt32(offset, true);
    const high = view.getInt32(offset + 4, true);
    crc =
      at(TABLES, 1792 + (low & 255)) ^
      at(TABLES, 1536 + ((low >>> 8) & 255)) ^
      at(TABLES, 1280 + ((low >>> 16) & 255)) ^
      at(TABLES, 1024 + (low >>> 24)) ^
      at(TABLES, 768 + (high & 255)) ^
      at(TABLES, 512 + ((high >>> 8) & 255)) ^
      at(TABLES, 256 + ((high >>> 16) & 255)) ^
      at(TABLES, high >>> 24);
  }
  for (; offset < data.length; offset += 1) {
    crc = (crc >>> 8) ^ at(TABLES, (crc ^ (data[offset] as number)) & 255);
  }
  return ~crc >>> 0;
}
