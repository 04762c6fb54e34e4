import { SessionPoolLaws } from "@sessionpool/testing"
import * as vitest from "vitest"

SessionPoolLaws.suite(vitest, SessionPoolLaws.testDatabase(), { runs: 150, maxOps: [3, 7, 31] })
