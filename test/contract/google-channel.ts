import * as grpc from "@grpc/grpc-js";
import { GoogleAuth } from "google-gax";

const auth = new GoogleAuth({ scopes: ["https://www.googleapis.com/auth/cloud-platform"] });

/** What lets a plain request to a Google API pass, by application default credentials. */
export async function googleAuthorization(): Promise<string> {
  return `Bearer ${await auth.getAccessToken()}`;
}

/** A gRPC client of a Google API, with application default credentials. */
export function googleChannel(host: string): grpc.Client {
  const perCall = grpc.credentials.createFromMetadataGenerator((_, callback) => {
    googleAuthorization().then((authorization) => {
      const metadata = new grpc.Metadata();
      metadata.set("authorization", authorization);
      callback(null, metadata);
    }, callback);
  });
  const secure = grpc.credentials.createSsl();
  const credentials = grpc.credentials.combineChannelCredentials(secure, perCall);
  return new grpc.Client(`${host}:443`, credentials);
}
