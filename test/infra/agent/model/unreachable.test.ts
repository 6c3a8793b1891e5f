import { Unreachable, unreachable } from "../../../../infra/agent/model/unreachable.ts";

const failed = (code: string) => Object.assign(new Error("x"), { code });

test.each([
  ["ECONNREFUSED", "takes no connections (ECONNREFUSED)"],
  ["ENOTFOUND", "is at a name that is not known (ENOTFOUND)"],
  ["ETIMEDOUT", "does not answer (ETIMEDOUT)"],
  [
    "SELF_SIGNED_CERT_IN_CHAIN",
    "has a certificate that is not trusted (SELF_SIGNED_CERT_IN_CHAIN)",
  ],
  [
    "ERR_TLS_CERT_ALTNAME_INVALID",
    "has a certificate that is not trusted (ERR_TLS_CERT_ALTNAME_INVALID)",
  ],
  ["ERR_SSL_WRONG_VERSION_NUMBER", "does not speak TLS (ERR_SSL_WRONG_VERSION_NUMBER)"],
  ["HPE_INVALID_CONSTANT", "does not speak HTTP (HPE_INVALID_CONSTANT)"],
  ["", "cannot be reached"],
])("a request that fails with %j names the address, without its password", (code, how) => {
  const { message } = unreachable("https://user:pw@api.example:8443/base/?key=1", failed(code));
  expect(message).toBe(`The model's API at https://api.example:8443/base ${how}.`);
});

test("what an API does that gives no answer stands in the sentence", () => {
  expect(new Unreachable("http://127.0.0.1:9", "hung up").message).toBe(
    "The model's API at http://127.0.0.1:9 hung up.",
  );
});
