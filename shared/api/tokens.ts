import { Type } from "../schema/type.ts";
import type { Operation } from "./operation.ts";

export const TOKEN_OPERATIONS = [
  {
    id: "createToken",
    method: "post",
    path: "/v1/tokens",
    tag: "Tokens",
    summary: "Exchange a key for a custom token, with which the Firebase SDK signs in as its owner",
    access: "read",
    answers: {
      200: {
        description: "The token.",
        schema: Type.Object({
          token: Type.String({
            description: "For signInWithCustomToken; where Firestore is emulated it is unsigned.",
          }),
          uid: Type.String({ description: "The owner, as whom it signs in." }),
          expiresAt: Type.String({
            format: "date-time",
            description: "Until when it is good for signing in.",
          }),
        }),
      },
    },
    problems: ["not_found"],
  },
] as const satisfies readonly Operation[];
