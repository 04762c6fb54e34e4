/**
 * The driver's connection of a session that the server takes back between leases (`serverPool: "release"`).
 *
 * The only public way to hand a pooled server's session back and keep the socket is a pool of the driver, here one of a single
 * connection. Such a pool would log on again by itself, with the password it was made with, when it finds its connection gone:
 * past the rules of our own pool, which asks for credentials at every opening and stops before an account is locked. So it may
 * connect once. Afterwards its sockets are refused, and a session without a socket is lost.
 */
import { fitPool, type Member } from "./driverInternals.ts"
import { driver, type DriverConnection, type DriverPool } from "./oracledb.ts"
import type { Sockets } from "./sockets.ts"

/** The driver either has its connection, which takes no time, or is about to connect. */
const connectedMillis = 1000

let made = 0

export class PooledTransport {
  readonly #pool: DriverPool
  readonly #sockets: Sockets

  private constructor(pool: DriverPool, sockets: Sockets) {
    this.#pool = pool
    this.#sockets = sockets
  }

  /** Connects, within `sockets`. Under a connection class of its own, it would share no server session with the next transport. */
  static async connect(parameters: object, connectionClass: string, sockets: Sockets): Promise<{
    readonly connection: DriverConnection
    readonly transport: PooledTransport
    readonly missing: ReadonlyArray<Member>
  }> {
    const pool = await driver.createPool({
      ...parameters,
      // Without a name of its own it would become the default pool of the process.
      poolAlias: `sessionpool-${process.pid}-${++made}`,
      poolMin: 0,
      poolMax: 1,
      poolIncrement: 1,
      poolTimeout: 0,
      poolPingInterval: -1,
      queueTimeout: 0
    })
    try {
      const missing = fitPool(pool, connectionClass)
      return { connection: await pool.getConnection(), transport: new PooledTransport(pool, sockets), missing }
    } catch (thrown) {
      await pool.close(0)
      throw thrown
    }
  }

  /** Whether the connection that was made is still there. */
  get isConnected(): boolean {
    return this.#sockets.isOpen
  }

  /** Gets the connection back; fails when the driver would have to connect anew. */
  async lend(): Promise<DriverConnection> {
    let timer: NodeJS.Timeout | undefined
    const late = new Promise<never>((_, reject) => {
      timer = setTimeout(() => reject(new Error("the driver has no connection")), connectedMillis)
    })
    try {
      return await Promise.race([this.#sockets.refusing(() => this.#pool.getConnection()), late])
    } finally {
      clearTimeout(timer)
    }
  }

  /** Closes the connection, wherever it is. */
  async close(): Promise<void> {
    await this.#pool.close(0)
  }
}
