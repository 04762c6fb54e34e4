import { assert, describe, it } from "@effect/vitest"
import * as fc from "fast-check"
import { decodeConnectData, type DescriptorNode, parseDescriptor } from "../../src/internal/net/connectData.ts"
import { ProtocolError } from "../../src/internal/net/protocolError.ts"

const print = (node: DescriptorNode): string =>
  `(${node.name}=${node.children.length > 0 ? node.children.map(print).join("") : node.value})`

const name = fc.stringMatching(/^[A-Z][A-Z_]{0,10}$/)
const value = fc.stringMatching(/^[a-zA-Z0-9.:,'/+-]{0,20}$/)
const tree = fc.letrec<{ node: DescriptorNode }>((tie) => ({
  node: fc.oneof(
    { maxDepth: 4 },
    fc.record({ name, value, children: fc.constant([]) }),
    fc.record({ name, value: fc.constant(""), children: fc.array(tie("node"), { minLength: 1, maxLength: 4 }) })
  )
})).node

describe("parseDescriptor", () => {
  it("reads back what was written, whatever the white space between nodes", () => {
    fc.assert(fc.property(tree, (node) => {
      assert.deepStrictEqual(parseDescriptor(print(node)), node)
      assert.deepStrictEqual(parseDescriptor(print(node).replaceAll("(", " \n(").replaceAll(")", " )\t")), node)
    }))
  })

  it("ends with a ProtocolError, never otherwise, on any other text", () => {
    fc.assert(fc.property(fc.string(), (text) => {
      try {
        parseDescriptor(text)
      } catch (cause) {
        assert.instanceOf(cause, ProtocolError)
      }
    }))
    assert.throws(() => parseDescriptor("(A=".repeat(10_000)), ProtocolError)
  })
})

describe("decodeConnectData", () => {
  it("finds what a client asks of the listener", () => {
    const request = decodeConnectData(
      "(DESCRIPTION=(ADDRESS=(PROTOCOL=tcp)(HOST=db)(PORT=1521))(CONNECT_DATA=(SERVICE_NAME=sales)(SERVER=pooled)" +
        "(SHARDING_KEY=EU,42)(SUPER_SHARDING_KEY_B64=Z29sZA==)(POOL_CONNECTION_CLASS=WEB)(POOL_PURITY=self)" +
        "(POOL_BOUNDARY=transaction)(CID=(PROGRAM=node)(HOST=box)(USER=me))))"
    )
    assert.deepInclude(request, {
      serviceName: "sales",
      pooled: true,
      shardingKey: "EU,42",
      superShardingKey: "gold",
      connectionClass: "WEB",
      purity: "SELF",
      poolBoundary: "TRANSACTION",
      program: "node",
      host: "box",
      osUser: "me"
    })
  })

  it("leaves out what was not said", () => {
    const request = decodeConnectData("(DESCRIPTION=(CONNECT_DATA=(SID=ORCL)))")
    assert.deepInclude(request, { serviceName: undefined, sid: "ORCL", pooled: false, shardingKey: undefined })
  })
})
