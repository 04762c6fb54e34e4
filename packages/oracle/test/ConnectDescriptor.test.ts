import { assert, describe, it } from "@effect/vitest"
import { ConnectDescriptor } from "@sessionpool/oracle"
import { Effect, FileSystem, Layer, Path, PlatformError, Result } from "effect"
import * as fc from "fast-check"
import { createRequire } from "node:module"
import { places } from "../src/internal/easyConnect.ts"

const require = createRequire(import.meta.url)

/** The driver's own reader of descriptors; its `toString` is what goes over the wire. */
const { createNVPair }: { readonly createNVPair: (text: string) => { toString: () => string } } = require(
  "oracledb/lib/thin/sqlnet/nvStrToNvPair.js"
)

/** The driver's own reader of easy connect strings. */
const EasyConnect: new(text: string) => { getResolvedUrl: () => string } = require(
  "oracledb/lib/thin/sqlnet/ezConnectResolver.js"
)

const parsed = (text: string, options?: { readonly tnsNames?: ConnectDescriptor.TnsNames }) =>
  Result.getOrThrow(ConnectDescriptor.parse(text, options))

const printed = (text: string) => ConnectDescriptor.print(parsed(text))

const failure = <A>(result: Result.Result<A, ConnectDescriptor.ConnectDescriptorError>) => {
  if (Result.isSuccess(result)) throw new Error(`expected a failure, got ${JSON.stringify(result.success)}`)
  return result.failure
}

const changed = (text: string, settings: ConnectDescriptor.ConnectDataSettings) =>
  ConnectDescriptor.print(Result.getOrThrow(ConnectDescriptor.withConnectData(parsed(text), settings)))

const name = fc.stringMatching(/^[A-Za-z_][A-Za-z0-9_.$-]{0,12}$/)

/** Values as they may be written: plain, with everything else in quotation marks. */
const value = fc.oneof(
  fc.stringMatching(/^[A-Za-z0-9/._:@-]([A-Za-z0-9/._:@,= '#-]{0,12}[A-Za-z0-9=])?$/),
  fc.stringMatching(/^"[A-Za-z0-9()=, ']{0,12}"$/),
  fc.stringMatching(/^'[A-Za-z0-9()=, "]{0,12}'$/),
  fc.constant("")
)

const parameter: fc.Arbitrary<ConnectDescriptor.Parameter> =
  fc.letrec<{ node: ConnectDescriptor.Parameter }>((tie) => ({
    node: fc.record({
      name,
      value: fc.oneof(
        { maxDepth: 4, depthSize: "small" },
        value,
        fc.array(tie("node"), { minLength: 1, maxLength: 3 })
      )
    })
  })).node

const descriptor: fc.Arbitrary<ConnectDescriptor.ConnectDescriptor> = fc.record({
  name: fc.constantFrom("DESCRIPTION", "description", "DESCRIPTION_LIST"),
  value: fc.array(parameter, { minLength: 1, maxLength: 4 })
})

describe("full descriptors", () => {
  it("come back from print as they went in", () => {
    fc.assert(fc.property(descriptor, (original) => {
      assert.deepStrictEqual(parsed(ConnectDescriptor.print(original)), original)
    }))
  })

  it("made by hand do not all come back, as print says (H15)", () => {
    const again = (value: ConnectDescriptor.Parameter["value"]) =>
      ConnectDescriptor.parse(ConnectDescriptor.print({ name: "DESCRIPTION", value: [{ name: "X", value }] }))
    assert.deepStrictEqual(Result.getOrThrow(again(" a ")).value, [{ name: "X", value: "a" }])
    assert.deepStrictEqual(Result.getOrThrow(again([])).value, [{ name: "X", value: "" }])
    assert.isTrue(Result.isFailure(again("a(b)")))
    assert.deepStrictEqual(Result.getOrThrow(again("\"a(b)\"")).value, [{ name: "X", value: "\"a(b)\"" }])
  })

  it("may have space anywhere between parameters", () => {
    fc.assert(fc.property(descriptor, fc.constantFrom(" ", "\n", "\r\n\t"), (original, space) => {
      const spaced = (node: ConnectDescriptor.Parameter): string =>
        [
          "(",
          node.name,
          "=",
          ...(typeof node.value === "string" ? [node.value] : node.value.map(spaced)),
          ")"
        ].join(space)
      assert.deepStrictEqual(parsed(`${space}${spaced(original)}${space}`), original)
    }))
  })

  it("mean to the driver what they meant before", () => {
    const text = `(DESCRIPTION = (SDU=8192)
      (ADDRESS_LIST = (LOAD_BALANCE=on) (ADDRESS=(PROTOCOL=tcps)(HOST=db1)(PORT=2484)) (ADDRESS=(PROTOCOL=tcps)(HOST=db2)))
      (CONNECT_DATA = (SERVICE_NAME = sales.example.com) (REGION=east 1) (odd_Name=O'Brien))
      (COMPRESSION_LEVELS = (LEVEL=low)(LEVEL=high)) (LIST=(low, high))
      (SECURITY = (SSL_SERVER_CERT_DN="CN=db,O=Example")))`
    assert.strictEqual(createNVPair(printed(text)).toString(), createNVPair(text).toString())
  })

  it("say where they are malformed", () => {
    const cases: ReadonlyArray<readonly [string, number, RegExp]> = [
      ["", 0, /empty/],
      ["(DESCRIPTION=(ADDRESS=(HOST=db))", 32, /expected "\)".*the text ends here/],
      ["(DESCRIPTION=(ADDRESS=(HOST=db))))", 33, /expected the end/],
      ["(DESCRIPTION=(HOST=a(b)))", 20, /cannot hold parentheses/],
      ["(DESCRIPTION=(=x))", 14, /the name of a parameter/],
      ["(DESCRIPTION=(HOST))", 13, /"DESCRIPTION"|expected|DESCRIPTION_LIST/],
      ["(DESCRIPTION=(HOST=\"db))", 19, /not closed/],
      ["  (ADDRESS=(HOST=db))", 2, /DESCRIPTION/],
      ["(DESCRIPTION=(A=\"b\"c))", 19, /expected "\)"/]
    ]
    for (const [text, position, message] of cases) {
      const error = failure(ConnectDescriptor.parse(text))
      assert.deepStrictEqual([text, error._tag, error.problem], [text, "ConnectDescriptorError", "syntax"])
      assert.match(error.message, message)
      if (text !== "(DESCRIPTION=(HOST))") assert.deepStrictEqual([text, error.position], [text, position])
    }
    assert.match(failure(ConnectDescriptor.parse("(DESCRIPTION=".repeat(70))).message, /64 parentheses/)
  })

  it("never throw, whatever the text is", () => {
    const pieces = fc.array(
      fc.constantFrom("(", ")", "=", ",", "\"", "'", "\\", "#", "DESCRIPTION", "a", " ", ":", "/", "?", "&", "@")
    )
    fc.assert(fc.property(fc.oneof(fc.string(), pieces.map((all) => all.join(""))), (text) => {
      const result = ConnectDescriptor.parse(text)
      if (Result.isFailure(result)) assert.strictEqual(result.failure._tag, "ConnectDescriptorError")
    }))
  })
})

describe("easy connect", () => {
  it("gives the descriptor that the driver makes", () => {
    const host = fc.stringMatching(/^[a-z][a-z0-9.-]{0,10}[a-z0-9]$/)
    const at = fc.tuple(host, fc.option(fc.integer({ min: 1, max: 65535 }))).map(([host, port]) =>
      port === null ? host : `${host}:${port}`
    )
    const settings = fc.uniqueArray(
      fc.constantFrom(
        "sdu=8192",
        "retry_count=3",
        "connect_timeout=15",
        "transport_connect_timeout=3",
        "failover=on",
        "https_proxy=proxy&https_proxy_port=80",
        "use_sni=on"
      )
    )
    const text = fc.tuple(
      fc.constantFrom("", "//", "tcp://", "tcps://"),
      fc.oneof(
        fc.array(at, { minLength: 1, maxLength: 3 }).map((all) => all.join(",")),
        fc.array(fc.array(at, { minLength: 1, maxLength: 2 }).map((all) => all.join(",")), {
          minLength: 2,
          maxLength: 2
        })
          .map((all) => all.join(";"))
      ),
      fc.stringMatching(/^[a-z][a-z0-9.]{0,8}[a-z]$/),
      fc.constantFrom("", ":dedicated", ":shared", ":pooled"),
      fc.constantFrom("", "/inst1"),
      settings,
      fc.constantFrom("", "pool_connection_class=WEB", "pool_purity=self&service_tag=x", "pool_boundary=transaction")
    ).map(([protocol, hosts, service, server, instance, settings, pool]) => {
      const all = [...settings, ...(pool === "" ? [] : [pool])].join("&")
      return `${protocol}${hosts}/${service}${server}${instance}${all === "" ? "" : `?${all}`}`
    })
    fc.assert(
      fc.property(text, (text) => {
        assert.strictEqual(printed(text), new EasyConnect(text).getResolvedUrl())
      }),
      { numRuns: 500 }
    )
  })

  it("reads TLS settings, IPv6 and values in quotation marks", () => {
    const text = `tcps://[2001:db8::1]:2484/sales?ssl_server_cert_dn="CN=db,O=Example"&wallet_location="/etc/my wallet"`
    assert.strictEqual(printed(text), new EasyConnect(text).getResolvedUrl())
    assert.strictEqual(
      printed("db/sales?sdu=1&failover=on&SDU=2"),
      new EasyConnect("db/sales?sdu=1&failover=on&SDU=2").getResolvedUrl()
    )
    assert.include(printed("db/X"), "(SERVICE_NAME=X)")
    assert.include(printed("db:1522"), "(PORT=1522))(CONNECT_DATA=(SERVICE_NAME=))")
    assert.include(printed("db/sales?sharding_key=ada"), "(SHARDING_KEY=ada)")
  })

  it("keeps what the driver drops, which is what the documents say (H15)", () => {
    const kept = Object.keys(places).filter((name) => {
      const text = `db/sales?${name}=1`
      const driver = new EasyConnect(text).getResolvedUrl()
      return driver === new EasyConnect("db/sales").getResolvedUrl() && printed(text) !== printed("db/sales")
    })
    assert.deepStrictEqual(kept.sort(), [
      "expire_time",
      "https_proxy_port",
      "pool_name",
      "region",
      "sharding_key",
      "sharding_key_b64",
      "ssl_allow_weak_dn_match",
      "ssl_server_cert_dn",
      "ssl_server_dn_match",
      "super_sharding_key",
      "super_sharding_key_b64",
      "tls_allow_weak_dn_match",
      "tls_server_cert_dn",
      "tls_server_dn_match",
      "wallet_location"
    ])
  })

  it("refuses credentials without repeating them", () => {
    const error = failure(ConnectDescriptor.parse("scott/tiger@db/sales"))
    assert.strictEqual(error.position, 11)
    assert.notMatch(error.message, /scott|tiger/)
    const password = fc.stringMatching(/^[A-Za-z0-9?&=/:@_]{1,12}$/).map((text) => `Zq${text}`)
    fc.assert(fc.property(password, (secret) => {
      const error = failure(ConnectDescriptor.parse(`scott/${secret}@db/sales`))
      assert.notInclude(JSON.stringify(error), "Zq")
    }))
  })

  it("says where it is malformed", () => {
    const cases: ReadonlyArray<readonly [string, number]> = [
      ["db:1521/sales?nope=1", 14],
      ["db/sales?sdu=1&&retry_count", 16],
      ["db/sales?sdu=a=b", 14],
      ["db/sales?wallet_location=\"x", 25],
      ["ftp://db/sales", 0],
      ["/sales", 0],
      ["db/sales:fast", 8],
      ["db:12x/sales", 5]
    ]
    for (const [text, position] of cases) {
      assert.deepStrictEqual([text, failure(ConnectDescriptor.parse(text)).position], [text, position])
    }
  })
})

describe("tnsnames.ora", () => {
  const file = [
    "# the sales databases",
    "sales, SALES.world =",
    "  (DESCRIPTION =   # first",
    "    (ADDRESS = (PROTOCOL = tcp)(HOST = db1)(PORT = 1521))",
    "    (CONNECT_DATA = (SERVICE_NAME = sales)(REGION = east 1))",
    "  )",
    "",
    "easy=db2/easy",
    "broken = (DESCRIPTION = (ADDRESS = ",
    "sales.old = (DESCRIPTION=(SDU=1))",
    "sales.old = (DESCRIPTION=(SDU=2))",
    "IFILE = \"more.ora\""
  ].join("\r\n")
  const tnsNames = Result.getOrThrow(ConnectDescriptor.parseTnsNames(file))

  it("gives aliases in any case, several names, and the last of two", () => {
    assert.deepStrictEqual([...tnsNames.entries.keys()], ["SALES", "SALES.WORLD", "EASY", "BROKEN", "SALES.OLD"])
    assert.deepStrictEqual(tnsNames.includes, ["more.ora"])
    const sales =
      "(DESCRIPTION=(ADDRESS=(PROTOCOL=tcp)(HOST=db1)(PORT=1521))(CONNECT_DATA=(SERVICE_NAME=sales)(REGION=east 1)))"
    assert.strictEqual(ConnectDescriptor.print(parsed("Sales", { tnsNames })), sales)
    assert.strictEqual(ConnectDescriptor.print(parsed("sales.WORLD", { tnsNames })), sales)
    assert.strictEqual(ConnectDescriptor.print(parsed("easy", { tnsNames })), printed("db2/easy"))
    assert.strictEqual(ConnectDescriptor.print(parsed("sales.old", { tnsNames })), "(DESCRIPTION=(SDU=2))")
  })

  it("says where a broken entry is, and harms no other", () => {
    const error = failure(ConnectDescriptor.parse("broken", { tnsNames }))
    assert.match(file.slice(0, error.position), /broken = \(DESCRIPTION = \(ADDRESS =\s*$/)
  })

  it("reads the names of an entry over two lines as the driver does, and names the line of what it cannot use (E20)", () => {
    const over = Result.getOrThrow(
      ConnectDescriptor.parseTnsNames(
        "# x\nfirst,\n second = db/x\nalone,\nthird = db/y\nwide\n  =\n  db/z\nbad = (X\n (Y"
      )
    )
    const printedIn = (alias: string) => ConnectDescriptor.print(parsed(alias, { tnsNames: over }))
    assert.deepStrictEqual([printedIn("first"), printedIn("second")], [printed("db/x"), printed("db/x")])
    assert.deepStrictEqual([printedIn("third"), printedIn("wide")], [printed("db/y"), printed("db/z")])
    assert.strictEqual(
      failure(ConnectDescriptor.parse("alone", { tnsNames: over })).message,
      "tnsnames.ora, line 4, in the entry alone: malformed connect string at position 26: "
        + "its value is neither a descriptor nor an easy connect string"
    )
    const bad = failure(ConnectDescriptor.parse("bad", { tnsNames: over }))
    assert.deepStrictEqual([bad.line, bad.file], [10, undefined])
    assert.doesNotThrow(() => ConnectDescriptor.parseTnsNames("x\n= db/s\n  (DESCRIPTION=)\n,,\ny = db/s"))
  })

  it("names the aliases there are", () => {
    const error = failure(ConnectDescriptor.parse("nope", { tnsNames }))
    assert.deepStrictEqual([error.problem, error.message], [
      "alias",
      "no tnsnames.ora entry is called \"nope\"; there are SALES, SALES.WORLD, EASY, BROKEN, SALES.OLD"
    ])
    assert.match(failure(ConnectDescriptor.parse("nope")).message, /no tnsnames.ora was given/)
  })

  const files = (contents: Record<string, string>) =>
    Layer.merge(
      Path.layer,
      FileSystem.layerNoop({
        readFileString: (path) => {
          const content = contents[path]
          return content === undefined
            ? Effect.fail(
              PlatformError.systemError({
                _tag: "NotFound",
                module: "FileSystem",
                method: "readFileString",
                pathOrDescriptor: path
              })
            )
            : Effect.succeed(content)
        }
      })
    )

  it.effect("is loaded from a directory with the files it includes", () =>
    Effect.gen(function*() {
      const loaded = yield* ConnectDescriptor.loadTnsNames("/net/admin").pipe(
        Effect.provide(files({
          "/net/admin/tnsnames.ora": "a = db/a\nIFILE = sub/more.ora\nc = db/c",
          "/net/admin/sub/more.ora": "b = db/b\nc = db/other\nifile = /loop.ora",
          "/loop.ora": "d = db/d\nIFILE = /loop.ora"
        }))
      )
      assert.deepStrictEqual([...loaded.entries.keys()], ["A", "B", "C", "D"])
      assert.deepStrictEqual(loaded.includes, ["/loop.ora"])
      assert.strictEqual(ConnectDescriptor.print(parsed("c", { tnsNames: loaded })), printed("db/c"))
    }))

  it.effect("names the file and the line of an entry that cannot be read (E20)", () =>
    Effect.gen(function*() {
      const loaded = yield* ConnectDescriptor.loadTnsNames("/net/admin").pipe(
        Effect.provide(files({
          "/net/admin/tnsnames.ora": "a = db/a\nIFILE = sub/more.ora",
          "/net/admin/sub/more.ora": "b = db/b\n\nc =\n  (DESCRIPTION=\n    (ADDRESS=(HOST=x(y)))\n  )"
        }))
      )
      const error = failure(ConnectDescriptor.parse("c", { tnsNames: loaded }))
      assert.deepStrictEqual([error.file, error.line], ["/net/admin/sub/more.ora", 5])
      assert.match(error.message, /^\/net\/admin\/sub\/more.ora, line 5, in the entry c: /)
    }))

  it.effect("fails when there is no such file", () =>
    Effect.gen(function*() {
      const error = yield* ConnectDescriptor.loadTnsNames("/nowhere").pipe(Effect.provide(files({})), Effect.flip)
      assert.strictEqual(error._tag, "PlatformError")
    }))
})

describe("withConnectData", () => {
  const settings: ConnectDescriptor.ConnectDataSettings = {
    server: "pooled",
    poolConnectionClass: "WEB",
    poolPurity: "self",
    poolBoundary: "transaction",
    shardingKey: ["GOLD", 4711],
    superShardingKey: "east"
  }
  const added = "(SERVER=POOLED)(POOL_CONNECTION_CLASS=WEB)(POOL_PURITY=SELF)(POOL_BOUNDARY=TRANSACTION)"
    + "(SHARDING_KEY=GOLD,4711)(SUPER_SHARDING_KEY=east)"

  it("adds to easy connect, to descriptors and to aliases", () => {
    const descriptor = "(DESCRIPTION=(ADDRESS=(HOST=db))(connect_data=(SID=x)))"
    assert.strictEqual(changed("db/sales", settings), printed("db/sales").replace("=sales)", `=sales)${added}`))
    assert.strictEqual(changed(descriptor, settings), descriptor.replace("(SID=x)", `(SID=x)${added}`))
    const tnsNames = Result.getOrThrow(ConnectDescriptor.parseTnsNames(`a=${descriptor}`))
    assert.deepStrictEqual(
      Result.getOrThrow(ConnectDescriptor.withConnectData(parsed("a", { tnsNames }), settings)),
      Result.getOrThrow(ConnectDescriptor.withConnectData(parsed(descriptor), settings))
    )
  })

  it("adds to every description of a list, with CONNECT_DATA where it is missing", () => {
    const list =
      "(DESCRIPTION_LIST=(LOAD_BALANCE=on)(DESCRIPTION=(ADDRESS=(HOST=a)))(DESCRIPTION=(CONNECT_DATA=(SID=x))))"
    assert.strictEqual(
      changed(list, { server: "pooled" }),
      "(DESCRIPTION_LIST=(LOAD_BALANCE=on)(DESCRIPTION=(ADDRESS=(HOST=a))(CONNECT_DATA=(SERVICE_NAME=)(SERVER=POOLED)))"
        + "(DESCRIPTION=(CONNECT_DATA=(SID=x)(SERVER=POOLED))))"
    )
  })

  it("replaces what is there, in its place, and the other form of a key", () => {
    const text = "(DESCRIPTION=(CONNECT_DATA=(server=dedicated)(SHARDING_KEY=old)(SID=x)(sharding_key_b64=b)))"
    assert.strictEqual(
      changed(text, { server: "pooled", shardingKey: new Uint8Array([1]) }),
      "(DESCRIPTION=(CONNECT_DATA=(SERVER=POOLED)(SHARDING_KEY_B64=1 1,AQ==)(SID=x)))"
    )
    assert.strictEqual(
      changed(text, { shardingKey: "new" }),
      "(DESCRIPTION=(CONNECT_DATA=(server=dedicated)(SHARDING_KEY=new)(SID=x)))"
    )
  })

  it("leaves everything else as it was, and is the same done twice", () => {
    const isOurs = (name: string) => /^(SERVER|POOL_.*|(SUPER_)?SHARDING_KEY(_B64)?)$/i.test(name)
    const without = (node: ConnectDescriptor.Parameter): ConnectDescriptor.Parameter =>
      typeof node.value === "string"
        ? node
        : { name: node.name, value: node.value.filter((child) => !isOurs(child.name)).map(without) }
    const withData = fc.tuple(descriptor, fc.array(parameter)).map(([root, data]) => ({
      name: "DESCRIPTION",
      value: [...root.value, { name: "CONNECT_DATA", value: [{ name: "SID", value: "x" }, ...data] }]
    }))
    fc.assert(fc.property(withData, (original) => {
      const once = Result.getOrThrow(ConnectDescriptor.withConnectData(original, settings))
      assert.deepStrictEqual(without(once), without(original))
      assert.deepStrictEqual(Result.getOrThrow(ConnectDescriptor.withConnectData(once, settings)), once)
      assert.deepStrictEqual(parsed(ConnectDescriptor.print(once)), once)
      assert.strictEqual(Result.getOrThrow(ConnectDescriptor.withConnectData(original, {})), original)
    }))
  })

  it("refuses what a connect string cannot carry", () => {
    const refused: ReadonlyArray<ConnectDescriptor.ConnectDataSettings> = [
      { poolConnectionClass: "a(b" },
      { poolConnectionClass: "" },
      { shardingKey: "" },
      { shardingKey: [] },
      { shardingKey: Number.NaN },
      { shardingKey: Number.POSITIVE_INFINITY },
      { shardingKey: new Date(Number.NaN) },
      { shardingKey: ["é", 10n ** 50n + 1n] },
      { shardingKey: { base64: "1 1,(x" } },
      { shardingKey: "é", base64Header: "x" }
    ]
    for (const each of refused) {
      const error = failure(ConnectDescriptor.withConnectData(parsed("db/s"), each))
      assert.strictEqual(error.problem, "value")
    }
    assert.include(changed("db/s", { shardingKey: { base64: "1 4,wQI=" } }), "(SHARDING_KEY_B64=1 4,wQI=)")
  })
})

describe("summary", () => {
  it("says where a descriptor leads", () => {
    assert.deepStrictEqual(ConnectDescriptor.summary(parsed("tcps://db1,db2:2484/sales:pooled")), {
      addresses: [{ host: "db1", port: 2484, protocol: "TCPS" }, { host: "db2", port: 2484, protocol: "TCPS" }],
      serviceName: "sales",
      sid: undefined,
      server: "POOLED"
    })
    const list = "(DESCRIPTION_LIST=(DESCRIPTION=(ADDRESS=(HOST='a'))(CONNECT_DATA=(SID=x))))"
    assert.containSubset(ConnectDescriptor.summary(parsed(list)), { addresses: [{ host: "a", port: 1521 }], sid: "x" })
  })
})
