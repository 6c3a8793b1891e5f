import { printable } from "./terminal.ts";

/**
 * Writes what others made to standard output: as it is into a file or a pipe, and on a terminal so
 * that nothing of it steers that.
 */
export async function writeContent(content: AsyncIterable<Uint8Array>): Promise<void> {
  const decoder = process.stdout.isTTY ? new TextDecoder() : undefined;
  for await (const bytes of content) {
    await written(decoder ? printable(decoder.decode(bytes, { stream: true })) : bytes);
  }
  if (decoder) await written(printable(decoder.decode()));
}

/** Resolves when there is room for more. */
function written(content: string | Uint8Array): Promise<void> {
  return new Promise((resolve, reject) => {
    process.stdout.write(content, (error) => (error ? reject(error) : resolve()));
  });
}
