import { createTarPacker } from "modern-tar";
import type { Output } from "../../../shared/documents/manifest.ts";
import type { Services } from "../../services/services.ts";
import type { Call } from "./call.ts";
import { openStream } from "./open-stream.ts";
import { verified } from "./send-content.ts";

/**
 * Sends outputs as one tar, a few MiB in memory at a time. When one is gone or not as the manifest
 * says the connection breaks, and so the archive never ends well.
 *
 * @param name of the file that a browser keeps
 */
export async function sendTar(
  services: Services,
  { request, response }: Call,
  { outputs, name }: { outputs: readonly Output[]; name: string },
): Promise<void> {
  response.attachment(name);
  response.setHeader("Content-Type", "application/x-tar");
  response.set("Content-Security-Policy", "sandbox; default-src 'none'");
  if (request.method === "HEAD") {
    response.end();
    return;
  }
  const { signal, write } = openStream(response, services.timers);
  const { readable, controller } = createTarPacker();
  pack(services, outputs, controller).catch((error: unknown) => controller.error(error));
  for await (const piece of readable) {
    await write(piece);
    if (signal.aborted) return;
  }
  response.end();
}

async function pack(
  { objects, artifacts }: Services,
  outputs: readonly Output[],
  controller: ReturnType<typeof createTarPacker>["controller"],
): Promise<void> {
  for (const { name, object: path, sizeBytes: size, sha256 } of outputs) {
    const object = await objects.find(artifacts.bucketName, path);
    if (object?.sizeBytes !== size) throw new Error(`${name} is no longer as it was uploaded`);
    const writer = controller.add({ name, size, type: "file", mode: 0o644 }).getWriter();
    // What goes wrong here is thrown by what is awaited.
    writer.closed.catch(() => {});
    const pieces = size === 0 ? [] : verified(objects, object, sha256);
    for await (const piece of pieces) await writer.write(piece);
    await writer.close();
  }
  controller.finalize();
}
