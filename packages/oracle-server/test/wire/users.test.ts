import { assert, describe, it } from "vitest"
import { Users } from "../../src/internal/server/users.ts"

const day = 86_400_000

/** Accounts with a clock of the test's own. */
const accounts = () => {
  let now = 1_000 * day
  const users = new Users("12c", Infinity, () => now)
  users.limits = () => ({ failedAttempts: 2, lockTime: day, lifeTime: 30 * day, graceTime: 3 * day })
  users.set("u", { password: "x" })
  return {
    users,
    user: users.find("U")!,
    status: () => users.accounts.status("U"),
    wait: (days: number) => now += days * day
  }
}

describe("an account", () => {
  it("that wrong passwords have locked opens again after the time of its profile", () => {
    const { status, user, wait } = accounts()
    user.refused()
    assert.strictEqual(status(), "OPEN")
    user.refused()
    assert.strictEqual(status(), "LOCKED(TIMED)")
    wait(0.9)
    assert.strictEqual(status(), "LOCKED(TIMED)")
    wait(0.1)
    assert.strictEqual(status(), "OPEN")
    user.refused()
    assert.strictEqual(status(), "OPEN")
  })

  it("that an administrator has locked stays so", () => {
    const { status, users, wait } = accounts()
    users.accounts.alter("U", undefined, "locked")
    wait(100)
    assert.strictEqual(status(), "LOCKED")
  })

  it("with an old password has the days of grace from its next log-on on, then needs another one", async () => {
    const { status, user, wait } = accounts()
    wait(29.9)
    assert.strictEqual(status(), "OPEN")
    wait(100)
    assert.strictEqual(user.state, "expiring")
    user.accepted()
    wait(2.9)
    assert.strictEqual(status(), "EXPIRED(GRACE)")
    wait(0.1)
    assert.strictEqual(status(), "EXPIRED")
    await user.changePassword("y")
    assert.strictEqual(status(), "OPEN")
    wait(30)
    assert.strictEqual(user.state, "expiring")
  })
})
