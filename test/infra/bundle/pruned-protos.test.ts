import { prunedProtos } from "../../../infra/bundle/pruned-protos.ts";

const ROOT = {
  nested: {
    shop: {
      options: { go_package: "shop" },
      nested: {
        Shop: {
          methods: {
            Sell: {
              requestType: "Order",
              responseType: "google.longrunning.Operation",
              options: { "(google.longrunning.operation_info).response_type": "Receipt" },
            },
          },
        },
        Admin: { methods: { Close: { requestType: "CloseRequest", responseType: "Order" } } },
        Order: {
          fields: {
            size: { type: "Size" },
            when: { type: ".time.Stamp" },
            note: { type: "string" },
          },
          nested: { Size: { values: { SMALL: 0 } }, Colour: { values: { RED: 0 } } },
        },
        Receipt: { fields: { order: { type: "Order" } } },
        CloseRequest: { fields: {} },
        mark: { type: "string", id: 7, extend: "google.protobuf.FieldOptions" },
      },
    },
    time: { nested: { Stamp: { fields: {} }, Zone: { fields: {} } } },
    google: { nested: { longrunning: { nested: { Operation: { fields: {} } } } } },
    empty: { nested: { Only: { fields: {} } } },
  },
};

test("what a service reaches is kept: by fields, nested names, other packages and operations", () => {
  const { nested = {} } = prunedProtos(ROOT, "shop.Shop");
  expect(Object.keys(nested)).toEqual(["shop", "time", "google"]);
  expect(nested["shop"]).toMatchObject({ options: { go_package: "shop" } });
  expect(Object.keys(nested["shop"]?.nested ?? {})).toEqual(["Shop", "Order", "Receipt"]);
  expect(nested["shop"]?.nested?.["Order"]?.nested).toEqual({ Size: { values: { SMALL: 0 } } });
  expect(nested["time"]?.nested).toEqual({ Stamp: { fields: {} } });
});

test("what is given stays as it is", () => {
  const before = structuredClone(ROOT);
  prunedProtos(ROOT, "shop.Admin");
  expect(ROOT).toEqual(before);
});

test("a service that is not there is an error", () => {
  expect(() => prunedProtos(ROOT, "shop.Nobody")).toThrow("there is no shop.Nobody");
});
