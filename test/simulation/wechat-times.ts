/** WeChat has made a refund after this time. */
export const REFUND_MS = 3_100

/** The lifetime of a login code at WeChat. */
export const CODE_LIFE_MS = 5 * 60_000
