/** The parts of node-oracledb that the recorder uses. The driver is an optional peer: it is loaded when it is needed. */

export interface DriverColumn {
  readonly name: string
  readonly dbType: unknown
  readonly dbTypeName: string
  readonly precision?: number
  readonly scale?: number
  readonly byteSize?: number
  readonly nullable: boolean
}

export interface DriverResultSet {
  readonly metaData: ReadonlyArray<DriverColumn>
  readonly getRows: (count: number) => Promise<ReadonlyArray<ReadonlyArray<unknown>>>
  readonly close: () => Promise<void>
}

export interface DriverResult {
  readonly resultSet?: DriverResultSet
  readonly rowsAffected?: number
  readonly outBinds?: { readonly [name: string]: unknown }
  readonly implicitResults?: ReadonlyArray<DriverResultSet>
  readonly warning?: { readonly code?: string; readonly message: string }
}

export interface DriverConnection {
  readonly oracleServerVersionString: string
  callTimeout: number
  readonly execute: (sql: string, binds: object, options: object) => Promise<DriverResult>
  readonly close: () => Promise<void>
}

export interface Driver {
  readonly [constant: string]: unknown
  readonly getConnection: (attributes: {
    readonly user: string
    readonly password: string
    readonly connectString: string
  }) => Promise<DriverConnection>
}

/** Fails when the driver is not installed. */
export const loadDriver = async (): Promise<Driver> => {
  // A name that the compiler does not follow: the driver has no types of its own.
  const name = "oracledb"
  const loaded = await import(name) as { readonly default: Driver }
  return loaded.default
}
