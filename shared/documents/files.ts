import { RUN_LIMITS } from "../limits.ts";
import { type Static, Type } from "../schema/type.ts";
import { formed } from "../schema/words.ts";
import { UPLOAD_DAYS, UploadId } from "./upload.ts";

const path = Type.String({
  ...formed({
    pattern: "^(?!\\s*$)[^/\\\\]",
    form: "a path below the workspace, with / between its names",
    example: "docs/notes.md",
  }),
  maxLength: RUN_LIMITS.filePathBytes,
  description: `Where it is put, below the workspace; at most ${RUN_LIMITS.filePathBytes} bytes of UTF-8.`,
});
const executable = Type.Optional(
  Type.Boolean({ description: "Whether it may be executed. Default: false." }),
);

/** What is known of a working tree that was sent, and nobody but its sender's `apply` looks at. */
const ofSender = {
  commit: Type.Optional(
    Type.String({
      ...formed({
        pattern: "^[0-9a-f]{40}([0-9a-f]{24})?$",
        form: "the id of a commit of git",
        example: "8b137891791fe96927ad78e64b0aad7bded08bdc",
      }),
      description: "The commit that the sent tree was on.",
    }),
  ),
  changed: Type.Optional(Type.Boolean({ description: "Whether the tree differed from that." })),
};

/** What a run's workspace begins with. */
export const GivenWorkspace = Type.Object(
  {
    run: Type.Optional(
      Type.String({
        ...formed({
          pattern: "^run_[0-9A-Za-z]{22}$",
          form: "the id of a run",
          example: "run_2MApo7WXve5lCHoJCSaJKN",
        }),
        description:
          "A finished run: its files are what this one begins with, and not its session.",
      }),
    ),
    upload: Type.Optional({
      ...UploadId,
      description: `Or a tree that was uploaded: a tar with gzip of files, folders and symbolic links, at most ${RUN_LIMITS.treeEntries} of them and ${RUN_LIMITS.treeBytes} bytes unpacked. It is kept for ${UPLOAD_DAYS} days, and so long the run can be gone on from.`,
    }),
    ...ofSender,
  },
  { additionalProperties: false },
);
export type GivenWorkspace = Static<typeof GivenWorkspace>;

/** A sent tree, as `GET /v1/runs/{id}/request` tells of it. */
export const TreeOfRequest = Type.Object({
  upload: UploadId,
  sizeBytes: Type.Integer(),
  sha256: Type.String(),
  ...ofSender,
});

/** The same with its object, as it is stored with the request and given to the runner. */
export const SentTree = Type.Object({ ...TreeOfRequest.properties, object: Type.String() });
export type SentTree = Static<typeof SentTree>;

/** A file that a request brings along. */
const GivenFile = Type.Object(
  {
    path,
    content: Type.Optional(Type.String({ description: "What is in it, as text." })),
    base64: Type.Optional(
      Type.String({ description: "The same of a file that is not text, in base64." }),
    ),
    upload: Type.Optional(UploadId),
    executable,
  },
  { additionalProperties: false },
);
export type GivenFile = Static<typeof GivenFile>;

/** The files of a request. */
export const GivenFiles = Type.Array(GivenFile, {
  maxItems: RUN_LIMITS.files,
  description: `Files that are put into the workspace before the agent begins, each with \`content\`, \`base64\` or \`upload\`. They replace what is there. Those in the request have at most ${RUN_LIMITS.filesBytes} bytes together, the uploaded ones ${RUN_LIMITS.uploadBytes}.`,
});

/** A file of a request, as `GET /v1/runs/{id}/request` tells of it. */
export const FileOfRequest = Type.Object({
  path: Type.String(),
  sizeBytes: Type.Integer(),
  sha256: Type.String(),
  executable: Type.Boolean(),
});

/** The same with its content, as it is stored with the request and given to the runner. */
export const PlacedFile = Type.Object({
  ...FileOfRequest.properties,
  /** Text as it is, bytes in base64, or the name of the object that has it. */
  content: Type.String(),
  encoding: Type.Enum(["utf8", "base64", "object"]),
});
export type PlacedFile = Static<typeof PlacedFile>;

/** What is in a file; undefined: it is in an object. */
export const bytesOf = ({ content, encoding }: PlacedFile): Buffer | undefined =>
  encoding === "object" ? undefined : Buffer.from(content, encoding);
