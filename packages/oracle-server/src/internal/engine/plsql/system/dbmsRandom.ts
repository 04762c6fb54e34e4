/** DBMS_RANDOM: numbers and texts that repeat after a seed. */
import type { Stored } from "../../values/composite.ts"
import { add, multiply, subtract } from "../../values/numberArithmetic.ts"
import { fromDouble, fromText, type NumberValue } from "../../values/oracleNumber.ts"
import type { Caller, SystemPackage } from "../native.ts"
import { integerOf, number, textOf } from "./arguments.ts"

/** Of each session; xorshift, which is enough where no secret depends on it. */
const states = new WeakMap<object, { seed: number }>()

const stateOf = ({ host }: Caller): { seed: number } => {
  let state = states.get(host)
  if (state === undefined) {
    state = { seed: (Math.random() * 4_294_967_295) >>> 0 || 1 }
    states.set(host, state)
  }
  return state
}

/** 32 bits. */
const draw = (caller: Caller): number => {
  const state = stateOf(caller)
  state.seed = (state.seed + 0x6d2b79f5) >>> 0
  let t = state.seed
  t = Math.imul(t ^ (t >>> 15), t | 1)
  t ^= t + Math.imul(t ^ (t >>> 7), t | 61)
  return (t ^ (t >>> 14)) >>> 0
}

/** At least 0 and below 1, with 38 digits. */
const fraction = (caller: Caller): NumberValue => {
  let digits = ""
  while (digits.length < 38) digits += String(draw(caller) % 100_000_000).padStart(8, "0")
  return fromText(`0.${digits.slice(0, 38)}`)
}

const seed = (caller: Caller, value: Stored): void => {
  let hash = 2_166_136_261
  for (const byte of Buffer.from(String(value))) hash = Math.imul(hash ^ byte, 16_777_619) >>> 0
  stateOf(caller).seed = hash
}

const upper = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
const digits = "0123456789"
const alphabets: Readonly<Record<string, string>> = {
  U: upper,
  L: upper.toLowerCase(),
  A: upper + upper.toLowerCase(),
  X: upper + digits,
  P: Array.from({ length: 95 }, (_, i) => String.fromCharCode(32 + i)).join("")
}

export const dbmsRandom: SystemPackage = {
  spec: `package dbms_random is
  procedure seed(val in binary_integer);
  procedure seed(val in varchar2);
  procedure initialize(val in binary_integer);
  procedure terminate;
  function value return number;
  function value(low in number, high in number) return number;
  function normal return number;
  function random return binary_integer;
  function string(opt in char, len in number) return varchar2;
end;`,
  natives: {
    SEED: (caller, args) => seed(caller, args["val"]!),
    "SEED#2": (caller, args) => seed(caller, args["val"]!),
    INITIALIZE: (caller, args) => seed(caller, args["val"]!),
    TERMINATE: () => undefined,
    VALUE: (caller) => fraction(caller),
    "VALUE#2": (caller, args) => {
      const [low, high] = [args["low"] as NumberValue | null, args["high"] as NumberValue | null]
      if (low === null || high === null) return null
      return add(low, multiply(subtract(high, low), fraction(caller)))
    },
    NORMAL: (caller) => {
      const [u, v] = [(draw(caller) + 1) / 4_294_967_297, draw(caller) / 4_294_967_296]
      return fromDouble(Math.sqrt(-2 * Math.log(u)) * Math.cos(2 * Math.PI * v))
    },
    RANDOM: (caller) => number(draw(caller) | 0),
    STRING: (caller, args) => {
      const alphabet = alphabets[(textOf(args["opt"]) ?? "U").trim().toUpperCase()] ?? upper
      const length = Math.max(0, integerOf(args["len"]) ?? 0)
      const text = Array.from({ length }, () => alphabet[draw(caller) % alphabet.length]).join("")
      return text === "" ? null : text
    }
  }
}
