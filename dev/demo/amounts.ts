/** The amounts of the demo, in fen: a latte and two cookies, of which one cookie is refunded. */
export const TOTAL_FEE = 4600
export const REFUND_FEE = 900

export const yuan = (fen: number): string => `${(fen / 100).toFixed(2)} yuan`
