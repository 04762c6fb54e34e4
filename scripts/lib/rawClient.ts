/**
 * A client of Oracle's protocol that sends whatever bytes it is given: it logs on by itself, with a recorded first request,
 * and leaves everything after that to its user. It is what the fuzzer speaks through.
 */
import { createCipheriv, createDecipheriv, createHash, pbkdf2Sync, randomBytes } from "node:crypto"
import { connect, type Socket } from "node:net"
import { encodeData, PacketReader } from "../../packages/oracle-server/src/internal/net/packet.ts"
import { ByteReader } from "../../packages/oracle-server/src/internal/ttc/byteReader.ts"
import { ByteWriter } from "../../packages/oracle-server/src/internal/ttc/byteWriter.ts"
import { connectPacket } from "../../packages/oracle-server/test/wire/rawPackets.ts"

const vector = Buffer.alloc(16)

const encrypt = (key: Buffer, clear: Buffer): string => {
  const cipher = createCipheriv("aes-256-cbc", key, vector).setAutoPadding(false)
  return Buffer.concat([cipher.update(clear), cipher.final()]).toString("hex").toUpperCase()
}

const decrypt = (key: Buffer, secret: string): Buffer => {
  const decipher = createDecipheriv("aes-256-cbc", key, vector).setAutoPadding(false)
  return Buffer.concat([decipher.update(Buffer.from(secret, "hex")), decipher.final()])
}

const padded = (clear: Buffer): Buffer => {
  const count = 16 - clear.length % 16
  return Buffer.concat([clear, Buffer.alloc(count, count)])
}

/** The rounds of a verifier take their time; its salt is the same for every log-on of a user. */
const rounds = new Map<string, Buffer>()

const speedyKey = (password: string, salt: string): Buffer => {
  const known = rounds.get(salt)
  if (known !== undefined) return known
  const secret = Buffer.concat([Buffer.from(salt, "hex"), Buffer.from("AUTH_PBKDF2_SPEEDY_KEY")])
  const key = pbkdf2Sync(password, secret, 4096, 64, "sha512")
  rounds.set(salt, key)
  return key
}

/** The value that a response to a log-on has for a key. */
const valueOf = (response: Buffer, key: string): string => {
  const at = response.indexOf(key, 0, "latin1")
  if (at < 0) throw new Error(`the answer to the log-on has no ${key}`)
  const reader = new ByteReader(response)
  reader.position = at + key.length
  return reader.countedText()
}

const phaseTwo = (user: string, password: string, response: Buffer): Buffer => {
  const speedy = speedyKey(password, valueOf(response, "AUTH_VFR_DATA"))
  const salt = Buffer.from(valueOf(response, "AUTH_VFR_DATA"), "hex")
  const verifier = createHash("sha512").update(speedy).update(salt).digest().subarray(0, 32)
  const theirs = decrypt(verifier, valueOf(response, "AUTH_SESSKEY"))
  const ours = randomBytes(32)
  const mixed = Buffer.concat([ours, theirs]).toString("hex").toUpperCase()
  const mixingSalt = Buffer.from(valueOf(response, "AUTH_PBKDF2_CSK_SALT"), "hex")
  const key = pbkdf2Sync(mixed, mixingSalt, 3, 32, "sha512")
  const pairs: ReadonlyArray<readonly [string, string]> = [
    ["AUTH_SESSKEY", encrypt(verifier, ours)],
    ["AUTH_PASSWORD", encrypt(key, padded(Buffer.concat([randomBytes(16), Buffer.from(password)])))],
    ["AUTH_PBKDF2_SPEEDY_KEY", encrypt(key, Buffer.concat([randomBytes(16), speedy]))],
    ["SESSION_CLIENT_DRIVER_NAME", "fuzzer"]
  ]
  const writer = new ByteWriter()
  writer.u8(3).u8(115).u8(2).ub(0)
  writer.u8(1).ub(user.length).ub(0x101).u8(1).ub(pairs.length).u8(1).u8(1).lvText(user)
  for (const [name, value] of pairs) writer.countedText(name).countedText(value).ub(0)
  return Buffer.from(writer.written())
}

/** A connection that has logged on. */
export class RawClient {
  private readonly socket: Socket
  private readonly reader = new PacketReader()
  private waiting: (() => void) | undefined
  private packets: Array<{ readonly type: number; readonly body: Buffer }> = []
  isClosed = false

  private constructor(socket: Socket) {
    this.socket = socket
    socket.setNoDelay(true)
    socket.on("error", () => undefined)
    socket.on("data", (chunk) => {
      this.reader.push(chunk)
      try {
        for (let packet = this.reader.next(); packet !== undefined; packet = this.reader.next()) {
          this.packets.push(packet)
        }
      } catch {
        socket.destroy()
      }
      this.waiting?.()
    })
    socket.on("close", () => {
      this.isClosed = true
      this.waiting?.()
    })
  }

  private async receive(): Promise<Buffer> {
    while (this.packets.length === 0 && !this.isClosed) {
      await new Promise<void>((resolve) => {
        this.waiting = resolve
      })
    }
    const packet = this.packets.shift()
    if (packet === undefined) throw new Error("the server closed the connection during the log-on")
    return packet.body
  }

  /** `first` is the payload of a recorded request for fast authentication, which holds no secret. */
  static async logOn(
    port: number,
    options: { readonly service: string; readonly user: string; readonly password: string; readonly first: Buffer }
  ): Promise<RawClient> {
    const client = new RawClient(connect(port, "127.0.0.1"))
    client.socket.write(connectPacket(`(DESCRIPTION=(CONNECT_DATA=(SERVICE_NAME=${options.service})))`))
    await client.receive()
    client.reader.agree(true, 2_097_152)
    client.send(encodeData(options.first, 8192, true, 0x0800))
    const challenge = await client.receive()
    client.send(encodeData(phaseTwo(options.user, options.password, challenge), 8192, true, 0x0800))
    await client.receive()
    client.packets = []
    // From now on nothing looks at the answers.
    client.socket.removeAllListeners("data")
    client.socket.on("data", () => undefined)
    return client
  }

  send(bytes: Uint8Array): void {
    if (!this.isClosed) this.socket.write(bytes)
  }

  /** Says that nothing more comes, and waits until the server closes too; false when it does not in time. */
  async finish(milliseconds: number): Promise<boolean> {
    this.socket.end()
    if (this.isClosed) return true
    const timer = setTimeout(() => this.waiting?.(), milliseconds)
    await new Promise<void>((resolve) => {
      this.waiting = resolve
    })
    clearTimeout(timer)
    const closed = this.isClosed
    this.socket.destroy()
    return closed
  }
}
