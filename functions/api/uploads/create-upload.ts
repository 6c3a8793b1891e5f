import { newUploadId } from "../../../shared/documents/upload.ts";
import type { Services } from "../../services/services.ts";
import type { CallOf } from "../http/call.ts";

/** `POST /v1/uploads`: an address for one file, of which size and digest are said before. */
export async function createUpload(
  { uploads, random, now }: Services,
  { owner, body, response }: CallOf<"createUpload">,
): Promise<void> {
  const upload = await uploads.announce({ ...body, owner, id: newUploadId(random) }, now());
  response.status(201).json(upload);
}
