/** What marks a `SessionPool`. It stands apart so that the pool's surface and its type can both name it. */
export const TypeId = "~@sessionpool/core/SessionPool"
