import { loadProtos, type ServedService } from "../wire/grpc-server.ts";
import { type Build, isTerminal } from "./build.ts";
import {
  type CloudBuild,
  cancelBuild,
  createBuild,
  getBuild,
  getOperation,
  listBuilds,
  operationError,
  operationName,
  retryBuild,
} from "./operations.ts";

const PACKAGE = "google.devtools.cloudbuild.v1";

/** The definitions that Google's client ships, so that both sides speak the same version. */
export const PROTOS = loadProtos("@google-cloud/cloudbuild/build/protos/protos.json");

/** The tables of methods: what answers which RPC. */
export function cloudBuildServices(service: CloudBuild): ServedService[] {
  return [
    {
      name: `${PACKAGE}.CloudBuild`,
      methods: {
        unary: {
          CreateBuild: (request) => toOperation(createBuild(service, request)),
          GetBuild: (request) => getBuild(service, request),
          ListBuilds: (request) => listBuilds(service, request),
          CancelBuild: (request) => cancelBuild(service, request),
          RetryBuild: (request) => toOperation(retryBuild(service, request)),
        },
      },
    },
    {
      name: "google.longrunning.Operations",
      methods: {
        unary: { GetOperation: (request) => toOperation(getOperation(service, request)) },
      },
    },
  ];
}

/** A build as `google.longrunning.Operation`: its metadata holds the build as it is now. */
function toOperation(build: Build): object {
  const done = isTerminal(build.status);
  const error = operationError(build);
  return {
    name: operationName(build),
    metadata: pack("BuildOperationMetadata", { build }),
    done,
    ...(error && { error }),
    ...(done && !error && { response: pack("Build", build) }),
  };
}

/** A message as `google.protobuf.Any`. */
function pack(type: "Build" | "BuildOperationMetadata", message: object): object {
  const { serialize } = PROTOS[`${PACKAGE}.${type}`] as unknown as MessageDefinition;
  return { type_url: `type.googleapis.com/${PACKAGE}.${type}`, value: serialize(message) };
}

interface MessageDefinition {
  serialize(message: object): Buffer;
}
