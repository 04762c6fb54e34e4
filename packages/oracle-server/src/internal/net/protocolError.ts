/**
 * Bytes that no client which follows the protocol sends. The connection that received them is closed; nothing else is
 * affected.
 */
export class ProtocolError extends Error {
  override readonly name = "ProtocolError"
}
