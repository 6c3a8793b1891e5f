import { sha256 } from "../hash.ts";
import { base62, type RandomBytes } from "../ids.ts";
import { RUN_LIMITS } from "../limits.ts";
import { Instant } from "../schema/schema.ts";
import { type Static, Type } from "../schema/type.ts";
import { formed } from "../schema/words.ts";

/** The id of an upload: `upl_…`. */
export const UploadId = Type.String(
  formed({
    pattern: "^upl_[0-9A-Za-z]{22}$",
    form: "the id of an upload",
    example: "upl_2MApo7WXve5lCHoJCSaJKN",
  }),
);

/** The body of `POST /v1/uploads`. */
export const CreateUpload = Type.Object(
  {
    sha256: Type.String({
      ...formed({
        pattern: "^[0-9a-f]{64}$",
        form: "a SHA-256 in lowercase hex",
        example: sha256("…"),
      }),
      description: "Of what will be sent. A run whose upload is something else does not begin.",
    }),
    sizeBytes: Type.Integer({
      minimum: 1,
      maximum: RUN_LIMITS.uploadBytes,
      description: "Of the same: no other amount is taken.",
    }),
  },
  { additionalProperties: false },
);
export type CreateUpload = Static<typeof CreateUpload>;

/** Where an upload is to be sent. */
export const Upload = Type.Object({
  id: UploadId,
  url: Type.String({ description: "Send it here with PUT, before `expiresAt`, once." }),
  headers: Type.Record(Type.String(), Type.String(), {
    description: "The headers to send with it, as they are: the address is signed with them.",
  }),
  expiresAt: Instant,
});
export type Upload = Static<typeof Upload>;

/** An upload that is there. */
export interface Uploaded {
  object: string;
  sizeBytes: number;
  /** Lowercase hex, as it was announced. Who reads the object holds it to this. */
  sha256: string;
}

export const newUploadId = (random: RandomBytes): string => `upl_${base62(random(16))}`;

/** What the names of all objects of uploads begin with. */
export const UPLOADS_PREFIX = "uploads/";

/** The object of an owner's upload: nobody else's id leads there. */
export const uploadObject = (owner: string, id: string): string =>
  `${UPLOADS_PREFIX}${sha256(owner)}/${id}`;

/** How long an object of an upload is kept, whatever uses it. */
export const UPLOAD_DAYS = 7;

/** How long what is announced may be sent. */
export const UPLOAD_SECONDS = 3600;
