/**
 * Text that could be taken for another field of a signed message.
 *
 * APIv2 signs `a=1&b=2`, which is also one field `a` of `1&b=2`: somebody who has a signed message, and no key, can move
 * the cuts. What a payment is known by cannot be moved unless it ends up inside of a value, and there it is seen.
 */
const HIDDEN = /(?<!&)&+(?=(?:out_trade_no|total_fee|fee_type|transaction_id|time_end|result_code)=)/g

export const hidesField = (value: string): boolean => value.search(HIDDEN) >= 0

/** The same text, which then is nothing but text. */
export const withoutFields = (value: string): string => value.replace(HIDDEN, '')
