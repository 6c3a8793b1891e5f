import { CreateUpload, Upload } from "../documents/upload.ts";
import type { Operation } from "./operation.ts";

export const UPLOAD_OPERATIONS = [
  {
    id: "createUpload",
    method: "post",
    path: "/v1/uploads",
    tag: "Uploads",
    summary: "Announce a file that is too large for a request, and get the address to send it to",
    access: "run",
    body: CreateUpload,
    answers: { 201: { description: "Where it is to be sent.", schema: Upload } },
    problems: [],
  },
] as const satisfies readonly Operation[];
