/** The schema of each request. The answer names a field that does not fit. */
import * as v from 'valibot'
import type { OutRefundNo, OutTradeNo } from '../core/ids.ts'
import type { OrderReference } from '../ports.ts'
import { fen, unquoted } from './amount.ts'
import {
  attach,
  billDay,
  hasEachSkuOnce,
  moment,
  openid,
  outRefundNo,
  outTradeNo,
  quantity,
  shownText,
  sku,
  nonEmptyShownText,
  nonEmptyLine,
  text,
} from './fields.ts'

/** Not strict: clients may send the whole result of `wx.getUserProfile`, with fields we ignore. */
export const loginRequest = v.object({
  code: nonEmptyLine(512),
  phoneCode: v.optional(nonEmptyLine(512)),
  nickname: v.optional(text(512)),
  avatarUrl: v.optional(text(1_024)),
  rawData: v.optional(text(16_384)),
  signature: v.optional(text(512)),
  encryptedData: v.optional(text(32_768)),
  iv: v.optional(text(512)),
})

/** For a user who is logged in. Strict, because the other fields can only be checked in a login. */
export const phoneRequest = v.strictObject({ phoneCode: nonEmptyLine(512) })

const isPhoneRequest = (sent: unknown): boolean =>
  typeof sent === 'object' && sent !== null && 'phoneCode' in sent && !('code' in sent)

export const loginOrPhoneRequest = v.lazy((sent) =>
  isPhoneRequest(sent) ? phoneRequest : loginRequest,
)

const items = v.pipe(
  v.array(v.strictObject({ sku, quantity }, 'an item of sku and quantity'), 'a list of items'),
  v.minLength(1, 'at least one item'),
  v.maxLength(100, 'at most 100 items'),
  v.check((lines) => hasEachSkuOnce(lines), 'each sku once'),
)

/** True: the answer also has the argument of `wx.requestPayment`. */
const prepay = v.optional(v.boolean(unquoted('true or false')), false)

/** Strict: a field that names a price is refused, not ignored. */
export const basketRequest = v.strictObject({ items, attach: v.optional(attach), prepay })

/** WeChat's pages say 127 or 128, of bytes or of characters: this satisfies all of them. */
const BODY_BYTES = 127

export const pricedRequest = v.strictObject({
  openid,
  totalFee: fen,
  body: nonEmptyShownText(4_096, BODY_BYTES),
  outTradeNo: v.optional(outTradeNo),
  attach: v.optional(attach),
  timeExpire: v.optional(moment),
  prepay,
})

export const orderRequest = v.strictObject({ outTradeNo })

/** Leaves room in the body of an order, where the number of items follows the first name. */
const NAME_BYTES = 100

export const productsRequest = v.strictObject({
  products: v.pipe(
    v.array(
      v.strictObject({
        sku,
        name: v.pipe(
          nonEmptyShownText(512, NAME_BYTES),
          v.transform(({ shown }) => shown),
        ),
        price: fen,
        active: v.optional(v.boolean(unquoted('true or false')), true),
      }),
      'a list of products',
    ),
    v.minLength(1, 'at least one product'),
    v.maxLength(500, 'at most 500 products'),
    v.check((lines) => hasEachSkuOnce(lines), 'each sku once'),
  ),
})

const REFUND_DESC_BYTES = 80

const payout = v.variant(
  'type',
  [
    v.strictObject({ type: v.literal('merchant_bank_card') }),
    v.strictObject({
      type: v.literal('user_bank_card'),
      bankType: v.pipe(
        v.string('a bank code'),
        v.regex(/^[0-9A-Z_]{1,16}$/, 'WeChat’s code of a bank, such as CMB_DEBIT'),
      ),
      bankAccount: v.pipe(
        v.string('a card number as text'),
        v.regex(/^\d{8,32}$/, 'a card number: 8 to 32 digits'),
      ),
      // At most 192 bytes of UTF-8. RSA-OAEP with a key of 2048 bits encrypts at most 214.
      realName: nonEmptyLine(64),
    }),
  ],
  'user_bank_card or merchant_bank_card',
)

export const refundRequest = v.strictObject({
  outTradeNo,
  outRefundNo,
  refundFee: fen,
  refundDesc: v.optional(shownText(512, REFUND_DESC_BYTES)),
  payout: v.optional(payout),
})

/** One refund, or all refunds of an order. */
export const refundQuery = v.pipe(
  v.strictObject({ outRefundNo: v.optional(outRefundNo), outTradeNo: v.optional(outTradeNo) }),
  v.rawTransform<
    { outRefundNo?: OutRefundNo | undefined; outTradeNo?: OutTradeNo | undefined },
    { readonly outRefundNo: OutRefundNo } | { readonly outTradeNo: OutTradeNo }
  >(({ dataset, addIssue, NEVER }) => {
    const { outRefundNo: one, outTradeNo: allOf } = dataset.value
    if (one !== undefined && allOf === undefined) return { outRefundNo: one }
    if (allOf !== undefined && one === undefined) return { outTradeNo: allOf }
    addIssue({ message: 'either outRefundNo or outTradeNo' })
    return NEVER
  }),
)

/** The day whose bill is compared again. */
export const cronRequest = v.object({
  bill: v.optional(billDay),
})

export const queryRequest = v.pipe(
  v.strictObject({
    outTradeNo: v.optional(outTradeNo),
    transactionId: v.optional(v.pipe(v.string(), v.regex(/^\w{1,32}$/, 'a payment number'))),
  }),
  v.rawTransform<
    { outTradeNo?: OutTradeNo | undefined; transactionId?: string | undefined },
    OrderReference
  >(({ dataset, addIssue, NEVER }) => {
    const { outTradeNo: ours, transactionId: theirs } = dataset.value
    if (ours !== undefined && theirs === undefined) return { outTradeNo: ours }
    if (theirs !== undefined && ours === undefined) return { transactionId: theirs }
    addIssue({ message: 'either outTradeNo or transactionId' })
    return NEVER
  }),
)
