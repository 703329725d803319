/**
 * The time for one call to WeChat. Callers are promised an answer within eight seconds, and other
 * work needs time, too.
 */
export const CALL_MS = 7_000
