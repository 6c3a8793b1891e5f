import type { CreateUpload, Upload, Uploaded } from "../../shared/documents/upload.ts";

/** Files that callers send to Cloud Storage themselves. */
export interface Uploads {
  /** An address that takes this file and no other, once. */
  announce(file: CreateUpload & { owner: string; id: string }, now: Date): Promise<Upload>;
  /** An owner's upload; undefined: it is another's, was not sent, or is no longer kept. */
  find(owner: string, id: string): Promise<Uploaded | undefined>;
  /** Whether the object of one is still kept. */
  isKept(object: string): Promise<boolean>;
}
